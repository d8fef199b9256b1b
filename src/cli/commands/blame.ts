/** `trailhand blame`: the hand-off that each line of a file came from. */
import { blameFile } from "../../app/blame.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption } from "../options.ts";
import { describeLine, renderBlame } from "../render/render-blame.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "blame",
  group: "inspect",
  what: "Show the hand-off that each line of a file came from: state, runner, model, cost, prompt.",
  more: "Reads the file of a commit, not of your worktree. Work that was landed as one commit is looked up in its archive, by the trailers `Landed-From` and `Archive` of that commit.",
  arguments: [{ name: "file", what: "The file, as `<file>`, `<file>:<line>` or `<file>:<line>-<line>`." }],
  options: [
    {
      name: "branch",
      short: "b",
      value: "name",
      offers: "branch",
      what: "The file of this branch; default: of HEAD.",
    },
    jsonOption,
  ],
  examples: [{ line: "trailhand blame states/workflow.yml:1-9", what: "whose are these lines?" }],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const workspace = await openWorkspace(input.directory, env);
  const report = await blameFile(workspace, input.arguments[0] ?? "", input.value("branch"));
  const { file, rev, blame, lines, complete } = report;
  if (input.has("json")) {
    printJson(terminal, { file, rev, complete, lines: lines.map((line) => describeLine(blame, line)) });
    return EXIT_CODE.done;
  }
  if (lines.length > 0) terminal.print(renderBlame(blame, lines, terminal.colors));
  if (!complete) terminal.say("Older commits were not read: a hand-off among them shows as its author.");
  return EXIT_CODE.done;
}
