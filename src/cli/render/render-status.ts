/** What `trailhand status` prints: each branch, whose turn it is, and why it is not running. */
import { formatDuration } from "../../core/util/duration.ts";
import type { Decision } from "../../core/scheduling/decide.ts";
import type { Reason } from "../../core/scheduling/reasons.ts";
import { EXIT } from "../../core/messages/messages.ts";
import type { Site } from "../../app/workspace.ts";
import { formatProblems } from "../../app/open-workspace.ts";
import type { Call } from "../call.ts";
import { renderColumns } from "./render-table.ts";
import { asAdmitted, present, reasonIn, stateOf, survey, type Survey } from "../../app/branch-listing.ts";
import { printJson, shown, type Colors, type Terminal } from "./terminal.ts";

/** Prints the list, or the JSON document. */
export async function showStatus({ input, terminal }: Call, site: Site): Promise<number> {
  const found = await survey(site, present());
  const rows = found.decisions
    .map((one) => asAdmitted(found, one))
    .map((decision) => ({ decision, reason: reasonIn(found, decision) }))
    .filter(({ decision, reason }) => isWanted(decision, reason, input.has("needs-me"), input.has("all")));
  if (input.has("json")) {
    printJson(terminal, {
      target: found.view.target,
      problems: found.contract.problems,
      branches: rows.map((row) => toJson(found, row)),
    });
    return EXIT.done;
  }
  if (rows.length > 0) terminal.print(renderRows(found, rows, terminal.colors));
  sayRest(found, rows.length, terminal, input.has("needs-me"));
  return EXIT.done;
}

interface Row {
  readonly decision: Decision;
  readonly reason: Reason;
}

function isWanted(decision: Decision, reason: Reason, needsMe: boolean, all: boolean): boolean {
  if (needsMe) return reason.turn === "person";
  return all || decision.kind !== "ignore" || decision.why.code === "ended";
}

const since = (found: Survey, { decision }: Row): number =>
  Math.max(0, found.now.wall - decision.head.committed * 1000);

function toJson(found: Survey, row: Row): object {
  const { decision, reason } = row;
  return {
    branch: decision.head.branch,
    commit: decision.head.commit,
    state: stateOf(found.view, decision.head) ?? null,
    turn: reason.turn,
    decision: decision.kind,
    code: "why" in decision ? decision.why.code : null,
    reason: reason.sentence,
    next: reason.next ?? null,
    since: new Date(decision.head.committed * 1000).toISOString(),
  };
}

function renderRows(found: Survey, rows: readonly Row[], colors: Colors): string {
  const paint = { runner: colors.cyan, person: colors.yellow, nobody: colors.dim };
  const body = rows.map((row) => {
    const { decision, reason } = row;
    const next =
      reason.turn !== "runner" && reason.next !== undefined ? colors.dim(`  (${shown(reason.next)})`) : "";
    return [
      shown(decision.head.branch, 40),
      stateOf(found.view, decision.head) ?? "-",
      paint[reason.turn](reason.turn === "nobody" ? "-" : reason.turn),
      formatDuration(since(found, row)),
      shown(reason.sentence, 160) + next,
    ];
  });
  return renderColumns([
    ["BRANCH", "STATE", "TURN", "SINCE", "WHY"].map((title) => colors.bold(title)),
    ...body,
  ]);
}

function sayRest(found: Survey, count: number, terminal: Terminal, needsMe: boolean): void {
  const { contract, view } = found;
  if (contract.problems.length > 0) {
    terminal.say(
      `The workflow on ${view.target} cannot be used, so nothing runs:\n${formatProblems(contract.problems)}`,
    );
  } else if (!contract.any) {
    terminal.say(`There are no states on ${view.target} yet. next: trailhand init`);
  } else if (count === 0) {
    terminal.say(
      needsMe
        ? "Nothing waits for a person."
        : "Nothing is asked for. next: trailhand request <state> --new <branch>",
    );
  }
}
