/** Renders the reports of a branch that a comment can ask for, as Markdown with escaped text. */
import { asAdmitted, reasonIn, stateOf, type BranchListing } from "../app/branch-listing.ts";
import { costOf } from "../app/cost.ts";
import { readAttemptOutput } from "../app/output.ts";
import type { Workspace } from "../app/workspace.ts";
import { readHandOffHistory } from "../core/analysis/hand-off-report.ts";
import { readTimeline, type TimelineStep } from "../core/analysis/timeline.ts";
import { refsOf } from "../core/protocol/refs.ts";
import type { Commit } from "../core/protocol/request.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { formatAmounts } from "../core/util/amounts.ts";
import { cleanLine, redact } from "../core/util/redact.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import { escapeCode, escapeProse } from "../github/api/escape-markdown.ts";
import type { ReportKind } from "../github/commands/repository-port.ts";

/** Hand-offs in one report. */
const ROWS = 20;
/** The last lines of an output, and the characters of each. */
const OUTPUT_LINES = 40;
const OUTPUT_WIDTH = 300;
/** The part of an output that is read: enough for the last lines, and short enough to redact quickly. */
const OUTPUT_TAIL = 200_000;

export async function branchReport(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  kind: ReportKind,
): Promise<string> {
  if (kind === "status") return statusReport(listing, head);
  if (kind === "output") return outputReport(workspace, head);
  const trail = await readTrail(workspace.location, head.commit, DEPTH.work);
  switch (kind) {
    case "cost":
      return costReport(listing.trustedConfig.workflow, trail);
    case "replay":
      return replayReport(trail);
    case "log": {
      const { journal } = refsOf(head.key);
      const tip = (await workspace.repository.read([journal])).get(journal);
      const attempts = tip ? await readTrail(workspace.location, tip, ROWS) : [];
      return logReport(readTimeline(head.branch, trail, attempts));
    }
  }
}

function statusReport(listing: BranchListing, head: Head): string {
  const branch = escapeCode(head.branch, 250);
  const state = escapeCode(stateOf(listing.snapshot, head) ?? "no state");
  const decision = listing.decisions.find((candidate) => candidate.head.branch === head.branch);
  if (!decision) return `${branch} is at ${state}.`;
  const { turn, sentence } = reasonIn(listing, asAdmitted(listing, decision));
  const whose = { runner: "a runner's turn", person: "a person's turn", none: "no one's turn" }[turn];
  return `${branch} is at ${state}: ${whose}. ${escapeProse(sentence)}\n\nCommit: ${head.commit}`;
}

/** The last lines as an indented code block, in which GitHub interprets nothing. */
async function outputReport(workspace: Workspace, { branch }: Head): Promise<string> {
  const { run, runner, isRunning, text } = await readAttemptOutput(workspace, branch);
  const verb = isRunning ? "is running" : "ran";
  const title = `Run ${escapeCode(run)} ${verb} on ${escapeCode(runner)}.`;
  const lines = redact(text.slice(-OUTPUT_TAIL)).trimEnd().split("\n").slice(-OUTPUT_LINES);
  const block = lines.map((line) => `    ${cleanLine(line, OUTPUT_WIDTH)}`).join("\n");
  return block.trim() === "" ? `${title} It has printed nothing.` : `${title}\n\n${block}`;
}

function costReport(workflow: Workflow, trail: readonly Commit[]): string {
  const { spent, budget } = costOf(workflow, trail);
  const allowed = formatAmounts(budget);
  const limit = allowed === undefined ? "" : ` Budget: ${allowed}.`;
  return `Spent so far: ${formatAmounts(spent) ?? "nothing"}.${limit}`;
}

function replayReport(trail: readonly Commit[]): string {
  const [last] = readHandOffHistory(trail).handOffs;
  if (!last) return "This branch has no response yet, so there is nothing to replay.";
  return `The last response of \`${last.from}\` was \`${last.to}\`. To run the request again in a clone and compare, without writing anything:\n\n    trailhand replay ${last.request.commit}`;
}

function logReport(steps: readonly TimelineStep[]): string {
  if (steps.length === 0) return "There are no hand-offs yet.";
  const rows = steps
    .slice(-ROWS)
    .map(({ commit, kind, from, state, took, attempt, subject }) =>
      row([
        commit.slice(0, 10),
        kind === "answer" ? `${from ?? "?"} → ${state}` : state,
        took,
        attempt,
        escapeProse(subject),
      ]),
    );
  const more = steps.length > ROWS ? [`\nThe last ${ROWS} of ${steps.length}.`] : [];
  const titles = ["| commit | hand-off | duration | attempt | subject |", "| --- | --- | --- | --- | --- |"];
  return [...titles, ...rows, ...more].join("\n");
}

const row = (cells: readonly (string | undefined)[]): string =>
  `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
