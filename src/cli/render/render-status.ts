/** What `trailhand status` prints: each branch, whose turn it is, and why it is not running. */
import { formatDuration } from "../../core/util/duration.ts";
import type { Decision } from "../../core/scheduling/decide.ts";
import type { Reason } from "../../core/scheduling/reasons.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Workspace } from "../../app/workspace.ts";
import { formatProblems } from "../../app/open-workspace.ts";
import type { CommandCall } from "../call.ts";
import { renderColumns } from "./render-table.ts";
import {
  asAdmitted,
  currentTime,
  reasonIn,
  stateOf,
  listBranches,
  type BranchListing,
} from "../../app/branch-listing.ts";
import { printJson, printable, type Colors, type Terminal } from "./terminal.ts";

/** Prints the list, or the JSON document. */
export async function renderStatus({ input, terminal }: CommandCall, site: Workspace): Promise<number> {
  const found = await listBranches(site, currentTime());
  const rows = found.decisions
    .map((one) => asAdmitted(found, one))
    .map((decision) => ({ decision, reason: reasonIn(found, decision) }))
    .filter(({ decision, reason }) => isWanted(decision, reason, input.has("needs-me"), input.has("all")));
  if (input.has("json")) {
    printJson(terminal, {
      target: found.snapshot.target,
      problems: found.trustedConfig.problems,
      branches: rows.map((row) => toJson(found, row)),
    });
    return EXIT_CODE.done;
  }
  if (rows.length > 0) terminal.print(renderRows(found, rows, terminal.colors));
  sayRest(found, rows.length, terminal, input.has("needs-me"));
  return EXIT_CODE.done;
}

interface Row {
  readonly decision: Decision;
  readonly reason: Reason;
}

function isWanted(decision: Decision, reason: Reason, needsMe: boolean, all: boolean): boolean {
  if (needsMe) return reason.turn === "person";
  return all || decision.kind !== "ignore" || decision.why.code === "ended";
}

const since = (found: BranchListing, { decision }: Row): number =>
  Math.max(0, found.now.wall - decision.head.committed * 1000);

function toJson(found: BranchListing, row: Row): object {
  const { decision, reason } = row;
  return {
    branch: decision.head.branch,
    commit: decision.head.commit,
    state: stateOf(found.snapshot, decision.head) ?? null,
    turn: reason.turn,
    decision: decision.kind,
    code: "why" in decision ? decision.why.code : null,
    reason: reason.sentence,
    next: reason.next ?? null,
    since: new Date(decision.head.committed * 1000).toISOString(),
  };
}

function renderRows(found: BranchListing, rows: readonly Row[], colors: Colors): string {
  const paint = { runner: colors.cyan, person: colors.yellow, none: colors.dim };
  const body = rows.map((row) => {
    const { decision, reason } = row;
    const next =
      reason.turn !== "runner" && reason.next !== undefined
        ? colors.dim(`  (${printable(reason.next)})`)
        : "";
    return [
      printable(decision.head.branch, 40),
      stateOf(found.snapshot, decision.head) ?? "-",
      paint[reason.turn](reason.turn === "none" ? "-" : reason.turn),
      formatDuration(since(found, row)),
      printable(reason.sentence, 160) + next,
    ];
  });
  return renderColumns([
    ["BRANCH", "STATE", "TURN", "SINCE", "WHY"].map((title) => colors.bold(title)),
    ...body,
  ]);
}

function sayRest(found: BranchListing, count: number, terminal: Terminal, needsMe: boolean): void {
  const { trustedConfig, snapshot } = found;
  if (trustedConfig.problems.length > 0) {
    terminal.say(
      `The workflow on ${snapshot.target} cannot be used, so nothing runs:\n${formatProblems(trustedConfig.problems)}`,
    );
  } else if (!trustedConfig.any) {
    terminal.say(`There are no states on ${snapshot.target} yet. next: trailhand init`);
  } else if (count === 0) {
    terminal.say(
      needsMe
        ? "Nothing waits for a person."
        : "Nothing is asked for. next: trailhand request <state> --new <branch>",
    );
  }
}
