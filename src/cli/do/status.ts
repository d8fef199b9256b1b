/** `trailhand status`. */
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandCall, CommandRun } from "../call.ts";

export const run: CommandRun = async (call) => {
  const remote = call.input.value("remote");
  const pushes = remote === undefined ? undefined : await pushesAt(call);
  const opening = openWorkspace(call.input.directory, call.env, {
    lookAhead: true,
    remember: true,
    remote,
    pushes,
  });
  // People type this often: while git is at work, the rest of the program is loaded.
  const page = import("../render/render-status.ts");
  const site = await opening;
  return (await page).renderStatus(call, site);
};

/** Whose approvals count may be known to GitHub alone; what is here cannot be asked there. */
async function pushesAt({ env, terminal }: CommandCall) {
  const [{ pushesOf }, { printable }] = await Promise.all([
    import("../../app/push-log.ts"),
    import("../render/terminal.ts"),
  ]);
  return pushesOf(env, (text) => terminal.say(printable(text, 500)));
}
