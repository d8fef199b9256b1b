/**
 * What is told of a branch where people talk: a few lines of Markdown.
 *
 * What must hold: texts of strangers stay texts: no mention, no link, no HTML and no table of theirs.
 */
import { formatAmounts } from "../core/util/amounts.ts";
import { readHandOffHistory } from "../core/analysis/hand-off-report.ts";
import { budgetOf } from "../core/policy/budget.ts";
import { readCarriedState } from "../core/workflow/carried-state.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { readTimeline } from "../core/analysis/timeline.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { readTrail } from "../git/local-repository.ts";
import { escapeCode, escapeProse } from "../github/api/escape-markdown.ts";
import type { Workspace } from "../app/workspace.ts";
import { asAdmitted, reasonIn, stateOf, type BranchListing } from "../app/branch-listing.ts";
import { DEPTH } from "../engine/timing.ts";

/** Rows of one answer. */
const ROWS = 20;

export async function branchReport(
  workspace: Workspace,
  found: BranchListing,
  head: Head,
  tale: "status" | "cost" | "log" | "replay",
): Promise<string> {
  if (tale === "status") return status(found, head);
  const trail = await readTrail(workspace.location, head.commit, DEPTH.work);
  if (tale === "cost") {
    const item = readCarriedState(trail);
    const spent = formatAmounts(item.spent) ?? "nothing";
    const most = formatAmounts(budgetOf(found.trustedConfig.workflow, item));
    return `Spent so far: ${spent}.${most === undefined ? "" : ` Allowed: ${most}.`}`;
  }
  if (tale === "replay") {
    const [last] = readHandOffHistory(trail).handOffs;
    if (!last) return "Nothing was answered here yet, so there is nothing to run again.";
    return `\`${last.from}\` answered \`${last.to}\`. In a clone, this runs it again and compares, and writes nothing:\n\n    trailhand replay ${last.request.commit}`;
  }
  const { journal } = refsOf(head.key);
  const exists = (await workspace.repository.read([journal])).get(journal);
  const attempts = exists ? await readTrail(workspace.location, exists, ROWS) : [];
  const steps = readTimeline(head.branch, trail, attempts);
  if (steps.length === 0) return "No hand-off yet.";
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
  const titles = ["| commit | hand-off | took | attempt | what |", "| --- | --- | --- | --- | --- |"];
  return [...titles, ...rows, ...more].join("\n");
}

function status(found: BranchListing, head: Head): string {
  const decision = found.decisions.find((one) => one.head.branch === head.branch);
  const state = stateOf(found.snapshot, head) ?? "no state";
  if (!decision) return `${escapeCode(head.branch, 250)} is at ${escapeCode(state)}.`;
  const { turn, sentence } = reasonIn(found, asAdmitted(found, decision));
  const whose = { runner: "a runner's turn", person: "a person's turn", none: "no one's turn" }[turn];
  return `${escapeCode(head.branch, 250)} is at ${escapeCode(state)}: ${whose}. ${escapeProse(sentence)}\n\nCommit: ${head.commit}`;
}

const row = (cells: readonly (string | undefined)[]): string =>
  `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
