/** `trailhand backtest`: judges the responses in history by a workflow.yml. */
import { backtestWorkflow, type BacktestReport } from "../../app/backtest.ts";
import { formatProblems, openWorkspace } from "../../app/open-workspace.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption, workflowOption } from "../options.ts";
import { renderColumns } from "../render/render-table.ts";
import { printable, printJson, type Terminal } from "../render/terminal.ts";

export const command: Command = {
  name: "backtest",
  group: "inspect",
  what: "Judge the responses in history by a workflow.yml: which would have been different?",
  more: "Checks each response of the branches and the archives. Is its state declared and run by a script? May the next one follow? May its paths be changed? Is the evidence there? Would a limit have parked it? Reads the workflow of your worktree, or else that of the trusted branch. Exit code 0: no differences; 3: there are differences, or the workflow itself has problems.",
  options: [workflowOption, jsonOption],
  examples: [{ line: "trailhand backtest", what: "before you commit a change of the workflow" }],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const { directory } = input;
  const workspace = await openWorkspace(directory, env);
  const report = await backtestWorkflow(workspace, { directory, name: input.value("workflow") });
  if (input.has("json")) printJson(terminal, describe(report));
  else print(terminal, report);
  return report.problems.length + report.differences.length > 0 ? EXIT_CODE.refused : EXIT_CODE.done;
}

function describe({ file, problems, differences, same, unjudged, complete }: BacktestReport): object {
  return {
    file,
    problems,
    differences: differences.map(({ handOff: { answer, request, branch, from, to }, says }) => ({
      commit: answer.commit,
      request: request.commit,
      branch,
      from,
      to,
      says,
    })),
    same: same ?? 0,
    unjudged,
    complete,
  };
}

function print(
  terminal: Terminal,
  { file, problems, differences, same, unjudged, complete }: BacktestReport,
) {
  const { bold, yellow } = terminal.colors;
  if (problems.length > 0) {
    terminal.print(`${printable(file, 200)} cannot be used as it is:\n${formatProblems(problems)}\n`);
  }
  if (differences.length > 0) {
    const rows = differences.map(({ handOff: { answer, branch, from, to }, says }) => [
      yellow(answer.commit.slice(0, 9)),
      printable(branch, 40),
      `${from} → ${to}`,
      printable(says.join("; "), 300),
    ]);
    const titles = ["COMMIT", "BRANCH", "HAND-OFF", "WHAT IT WOULD HAVE SAID"];
    terminal.print(renderColumns([titles.map((title) => bold(title)), ...rows]));
  }
  const missing = unjudged > 0 ? `, ${unjudged} not judged, because their requests are missing` : "";
  if (same !== undefined) terminal.say(`${differences.length} would differ, ${same} stay the same${missing}`);
  if (!complete) terminal.say("Older commits were not read.");
}
