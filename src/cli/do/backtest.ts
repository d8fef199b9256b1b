/** `trailhand backtest`: judges the answers in history by a workflow.yml. */
import { backtest, workflowBlobs, type BacktestDifference } from "../../core/analysis/backtest.ts";
import {
  readHandOffHistory,
  type HandOffReport,
  type HandOffHistory,
} from "../../core/analysis/hand-off-report.ts";
import { parseWorkflow } from "../../core/workflow/workflow-file.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import type { Git } from "../../git/git.ts";
import { parseChanges } from "../../git/parse-output.ts";
import { formatProblems, openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { readAllCommits } from "../../app/history-queries.ts";
import { renderColumns } from "../render/render-table.ts";
import { printJson, printable, type Terminal } from "../render/terminal.ts";
import { readCandidateOrLocal, type CandidateWorkflow } from "../../app/local-scripts.ts";

/** More workflows of the past than this are not read. */
const OLD_WORKFLOWS = 100;

interface Verdict extends CandidateWorkflow {
  readonly past: HandOffHistory;
  readonly differences: readonly BacktestDifference[];
  readonly cut: boolean;
}

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env);
  const look = await site.repository.listRefs();
  const trusted = await site.trustedConfig(look.target, look.heads);
  const tried = await readCandidateOrLocal(site, input, trusted);
  if (tried.workflow?.open && !trusted.any) throw new UserError(MESSAGES.noStates(look.target));
  const { commits, cut } = await readAllCommits(site, ["--first-parent"]);
  const past = readHandOffHistory(commits);
  const { workflow, problems } = tried;
  const found = {
    paths: workflow && bounds(workflow) ? await readPaths(site.location.git, past.handOffs) : new Map(),
    workflows: await readOldWorkflows(site.location.git, past),
  };
  const differences = workflow ? backtest(past, workflow, found) : [];
  const verdict = { ...tried, past, differences, cut };
  if (input.has("json")) printJson(terminal, described(verdict));
  else report(terminal, verdict);
  return problems.length + differences.length > 0 ? EXIT_CODE.refused : EXIT_CODE.done;
};

/** Paths are read only where they are bounded. */
const bounds = (workflow: Workflow): boolean =>
  Object.values(workflow.states).some(({ writes, forbid }) => writes !== undefined || forbid.length > 0);

/** What each hand-off changed, in one git process. */
async function readPaths(git: Git, handOffs: readonly HandOffReport[]): Promise<Map<string, string[]>> {
  const stdin = handOffs.map(({ answer, request }) => `${answer.commit} ${request.commit}\n`).join("");
  const args = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames"];
  return parseChanges(await git.text(args, { stdin }));
}

/** Those that cannot be read today say nothing. */
async function readOldWorkflows(git: Git, past: HandOffHistory): Promise<Map<string, Workflow>> {
  const found = new Map<string, Workflow>();
  for (const blob of workflowBlobs(past).slice(0, OLD_WORKFLOWS)) {
    if (!/^[0-9a-f]{40,64}$/.test(blob)) continue;
    const { code, stdout } = await git.run(["cat-file", "blob", blob], { allowedCodes: [1, 128] });
    const { workflow } = code === 0 ? parseWorkflow(stdout) : {};
    if (workflow) found.set(blob, workflow);
  }
  return found;
}

const sameIn = ({ workflow, past, differences }: Verdict): number =>
  workflow ? past.handOffs.length - differences.length : 0;

function described(verdict: Verdict): object {
  const { file, problems, past, differences, cut } = verdict;
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
    same: sameIn(verdict),
    unjudged: past.unmatchedAnswers,
    complete: !cut,
  };
}

function report(terminal: Terminal, verdict: Verdict): void {
  const { file, workflow, problems, past, differences, cut } = verdict;
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
  const lost =
    past.unmatchedAnswers > 0
      ? `, ${past.unmatchedAnswers} not judged, because their requests are not there`
      : "";
  if (workflow) {
    terminal.say(`${differences.length} would differ, ${sameIn(verdict)} stay the same${lost}`);
  }
  if (cut) terminal.say("Older commits were not read.");
}
