/** Opens the workspace that the options `--directory` and `--remote` of a call name. */
import { openWorkspace } from "../app/open-workspace.ts";
import { requireNoAttempt } from "../app/require-no-attempt.ts";
import type { Workspace, WorkspaceOptions } from "../app/workspace.ts";
import type { CommandCall } from "./command.ts";

/** Throws a UserError for a command that writes, inside an attempt. */
export async function openForCall(
  { input, env }: CommandCall,
  pushes?: WorkspaceOptions["pushes"],
): Promise<Workspace> {
  return open({ input, env }, { pushes });
}

/** The same for a runner, which needs the refs at once. Throws a UserError when git is too old for it. */
export function openRunner(call: CommandCall, pushes: WorkspaceOptions["pushes"]): Promise<Workspace> {
  return open(call, { pushes, lookAhead: true, needsVersion: true });
}

async function open(
  { input, env }: Pick<CommandCall, "env" | "input">,
  options: WorkspaceOptions,
): Promise<Workspace> {
  const workspace = await openWorkspace(input.directory, env, { ...options, remote: input.value("remote") });
  if (input.command.writes) requireNoAttempt(workspace, input.command.name);
  return workspace;
}

/** With `proof: pusher`, only GitHub knows whose approvals count. Undefined without `--remote`. */
export async function pushLogOf({ input, env, terminal }: CommandCall): Promise<WorkspaceOptions["pushes"]> {
  if (input.value("remote") === undefined) return undefined;
  const [{ pushesOf }, { printable }] = await Promise.all([
    import("../app/push-log.ts"),
    import("./render/terminal.ts"),
  ]);
  return pushesOf(env, (text) => terminal.say(printable(text, 500)));
}
