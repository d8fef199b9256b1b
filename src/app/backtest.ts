/** Judges the responses in history by a workflow. */
import { backtest, workflowBlobs, type BacktestDifference } from "../core/analysis/backtest.ts";
import {
  readHandOffHistory,
  type HandOffHistory,
  type HandOffReport,
} from "../core/analysis/hand-off-report.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseWorkflow } from "../core/workflow/workflow-file.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import type { Git } from "../git/git.ts";
import { parseChanges } from "../git/parse-output.ts";
import { readAllCommits } from "./read-all-commits.ts";
import { readCandidateOrLocal, type CandidateWorkflow, type NamedWorkflow } from "./local-scripts.ts";
import type { Workspace } from "./workspace.ts";

/** At most this many earlier workflows are read. */
const EARLIER_WORKFLOWS = 100;

export interface BacktestReport extends Pick<CandidateWorkflow, "file" | "problems"> {
  readonly differences: readonly BacktestDifference[];
  /** Responses that would stay the same; undefined when the workflow cannot be read. */
  readonly same: number | undefined;
  /** Responses whose requests are missing. */
  readonly unjudged: number;
  /** False when there are older commits that were not read. */
  readonly complete: boolean;
}

export async function backtestWorkflow(workspace: Workspace, named: NamedWorkflow): Promise<BacktestReport> {
  const { target, heads } = await workspace.repository.listRefs();
  const trusted = await workspace.trustedConfig(target, heads);
  const { file, workflow, problems } = await readCandidateOrLocal(workspace, named, trusted);
  if (workflow?.open && !trusted.hasStates) throw new UserError(MESSAGES.noStates(target));
  const { commits, isCut } = await readAllCommits(workspace, ["--first-parent"]);
  const past = readHandOffHistory(commits);
  const { git } = workspace.location;
  const evidence = {
    paths:
      workflow && hasBounds(workflow) ? await readPaths(git, past.handOffs) : new Map<string, string[]>(),
    workflows: await readEarlierWorkflows(git, past),
  };
  const differences = workflow ? backtest(past, workflow, evidence) : [];
  return {
    file,
    problems,
    differences,
    same: workflow && past.handOffs.length - differences.length,
    unjudged: past.unmatchedAnswers,
    complete: !isCut,
  };
}

/** Paths are read only where a state bounds them. */
const hasBounds = (workflow: Workflow): boolean =>
  Object.values(workflow.states).some(({ writes, forbid }) => writes !== undefined || forbid.length > 0);

/** What each hand-off changed, in one git process. */
async function readPaths(git: Git, handOffs: readonly HandOffReport[]): Promise<Map<string, string[]>> {
  const stdin = handOffs.map(({ answer, request }) => `${answer.commit} ${request.commit}\n`).join("");
  const args = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames"];
  return parseChanges(await git.text(args, { stdin }));
}

/** Leaves out workflows that cannot be read today. */
async function readEarlierWorkflows(git: Git, past: HandOffHistory): Promise<Map<string, Workflow>> {
  const workflows = new Map<string, Workflow>();
  for (const blob of workflowBlobs(past).slice(0, EARLIER_WORKFLOWS)) {
    if (!/^[0-9a-f]{40,64}$/.test(blob)) continue;
    const { code, stdout } = await git.run(["cat-file", "blob", blob], { allowedCodes: [1, 128] });
    const { workflow } = code === 0 ? parseWorkflow(stdout) : {};
    if (workflow) workflows.set(blob, workflow);
  }
  return workflows;
}
