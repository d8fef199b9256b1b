/** `trailhand status`: each branch, whose turn it is, and why it does not run. */
import { openWorkspace } from "../../app/open-workspace.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { pushLogOf } from "../open-for-call.ts";
import { jsonOption, remoteOption } from "../options.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "status",
  group: "inspect",
  what: "List each branch: its state, whose turn it is, since when, and why it does not run.",
  options: [
    { name: "needs-me", what: "Only branches that wait for a person." },
    { name: "all", short: "a", what: "Branches without a request too." },
    remoteOption,
    jsonOption,
  ],
  examples: [{ line: "trailhand status --needs-me", what: "what is waiting for you" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, env, terminal } = call;
  const remote = input.value("remote");
  const pushes = await pushLogOf(call);
  const opening = openWorkspace(input.directory, env, { lookAhead: true, remember: true, remote, pushes });
  // People type this often: the rest of the program loads while git is at work.
  const modules = Promise.all([import("../../app/status.ts"), import("../render/render-status.ts")]);
  const workspace = await opening;
  const [{ readStatus }, { describeStatus, renderStatus, statusHint }] = await modules;
  const needsPerson = input.has("needs-me");
  const report = await readStatus(workspace, { needsPerson, all: input.has("all") });
  if (input.has("json")) printJson(terminal, describeStatus(report));
  else {
    if (report.rows.length > 0) terminal.print(renderStatus(report, terminal.colors));
    const hint = statusHint(report, needsPerson);
    if (hint !== undefined) terminal.say(hint);
  }
  return EXIT_CODE.done;
}
