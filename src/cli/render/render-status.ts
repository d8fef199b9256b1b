/** Renders the list of branches that `trailhand status` prints. */
import type { StatusReport, StatusRow } from "../../app/status.ts";
import { formatDuration } from "../../core/util/duration.ts";
import { renderColumns } from "./render-table.ts";
import { printable, type Colors } from "./terminal.ts";

/** The JSON document. */
export const describeStatus = ({ target, problems, rows }: StatusReport): object => ({
  target,
  problems,
  branches: rows.map(({ branch, commit, state, decision, code, reason, since }) => ({
    branch,
    commit,
    state: state ?? null,
    turn: reason.turn,
    decision,
    code: code ?? null,
    reason: reason.sentence,
    next: reason.next ?? null,
    since: new Date(since).toISOString(),
  })),
});

export function renderStatus({ rows, now }: StatusReport, colors: Colors): string {
  const titles = ["BRANCH", "STATE", "TURN", "SINCE", "WHY"].map((title) => colors.bold(title));
  return renderColumns([titles, ...rows.map((row) => renderRow(row, now, colors))]);
}

function renderRow({ branch, state, reason, since }: StatusRow, now: number, colors: Colors): string[] {
  const { turn, sentence, next } = reason;
  const paint = { runner: colors.cyan, person: colors.yellow, none: colors.dim }[turn];
  const hint = turn !== "runner" && next !== undefined ? colors.dim(`  (${printable(next)})`) : "";
  return [
    printable(branch, 40),
    state ?? "-",
    paint(turn === "none" ? "-" : turn),
    formatDuration(Math.max(0, now - since)),
    printable(sentence, 160) + hint,
  ];
}

/** What to say below the list; undefined: nothing. */
export function statusHint(
  { target, problemText, hasStates, rows }: StatusReport,
  needsPerson: boolean,
): string | undefined {
  if (problemText !== "") return `The workflow on ${target} cannot be used, so nothing runs:\n${problemText}`;
  if (!hasStates) return `There are no states on ${target} yet. next: trailhand init`;
  if (rows.length > 0) return undefined;
  return needsPerson
    ? "Nothing waits for a person."
    : "There are no requests. next: trailhand request <state> --new <branch>";
}
