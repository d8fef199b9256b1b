/** Opens the workspace that the options `--directory` and `--remote` of a call name. */
import { openWorkspace } from "../app/open-workspace.ts";
import type { Workspace, WorkspaceOptions } from "../app/workspace.ts";
import type { CommandCall } from "./command.ts";

export const openForCall = (
  { input, env }: CommandCall,
  pushes?: WorkspaceOptions["pushes"],
): Promise<Workspace> => openWorkspace(input.directory, env, { remote: input.value("remote"), pushes });

/** With `proof: pusher`, only GitHub knows whose approvals count. Undefined without `--remote`. */
export async function pushLogOf({ input, env, terminal }: CommandCall): Promise<WorkspaceOptions["pushes"]> {
  if (input.value("remote") === undefined) return undefined;
  const [{ pushesOf }, { printable }] = await Promise.all([
    import("../app/push-log.ts"),
    import("./render/terminal.ts"),
  ]);
  return pushesOf(env, (text) => terminal.say(printable(text, 500)));
}
