/** Opens the workspace that the options `--directory` and `--remote` of a call name. */
import { openWorkspace } from "../app/open-workspace.ts";
import type { Workspace } from "../app/workspace.ts";
import type { CommandCall } from "./command.ts";

export const openForCall = ({ input, env }: CommandCall): Promise<Workspace> =>
  openWorkspace(input.directory, env, { remote: input.value("remote") });
