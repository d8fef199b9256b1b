/**
 * The page that a job of GitHub Actions leaves behind: what was handed on, what waits, a drawing.
 *
 * What must hold: pure; text of strangers can neither end a cell or a line, nor become markup; the
 * page stays far below the megabyte that GitHub takes.
 */
import { escapeCode, escapeLink, escapeProse } from "../api/escape-markdown.ts";

/** An answer that was given during the job. */
export interface SummaryHandOff {
  readonly branch: string;
  readonly commit: string;
  readonly from: string;
  readonly to: string;
  /** Who ran it. */
  readonly by: string | undefined;
  readonly took: string;
  readonly cost: string | undefined;
  /** Why it failed, where it did. */
  readonly why: string | undefined;
}

/** A branch that goes on when a person does something. */
export interface SummaryWait {
  readonly branch: string;
  readonly state: string | undefined;
  readonly why: string;
  /** The command that goes on. */
  readonly next: string | undefined;
}

export interface JobSummary {
  /** What became of the event that started the job; sentences. */
  readonly messages: readonly string[];
  readonly handOffs: readonly SummaryHandOff[];
  readonly waiting: readonly SummaryWait[];
  /** Where the commits of the repository can be looked at, such as `https://github.com/a/b`. */
  readonly address: string;
  /** The workflow as a Mermaid drawing. */
  readonly drawing: string | undefined;
}

export const EMPTY_SUMMARY = "Nothing here was for Trailhand";

const TITLE = "### Trailhand";
/** A longer drawing is one that nobody can read. */
const MAX_DRAWING = 16_000;
/** Rows of one table; a job seldom has more, and status shows the rest. */
const MAX_ROWS = 200;

/** The whole page. */
export function renderSummary(came: JobSummary): string {
  const { messages: said, handOffs: handed, waiting, drawing } = came;
  const parts = [
    TITLE,
    ...(said.length + handed.length === 0 ? [`${EMPTY_SUMMARY}.`] : []),
    ...said.map((one) => escapeProse(one, 1000)),
    ...(handed.length > 0 ? [handOffTable(came)] : []),
    ...(waiting.length > 0 ? ["**For a person**", waitingTable(waiting)] : []),
    ...(drawing === undefined || drawing.length > MAX_DRAWING ? [] : [`\`\`\`mermaid\n${drawing}\n\`\`\``]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The page of a job that had nothing to do, with the reason. */
export const renderNothing = (why: string): string =>
  `${TITLE}\n\n${EMPTY_SUMMARY}${why === "" ? "." : `: ${escapeProse(why, 1000)}`}\n`;

function handOffTable({ handOffs: handed, address }: JobSummary): string {
  const rows = handed.map(({ branch, commit, from, to, by, took, cost, why }) => [
    escapeCode(branch),
    escapeLink(escapeCode(commit.slice(0, 9)), `${address}/commit/${commit}`),
    `${escapeCode(from)} → ${escapeCode(to)}${why === undefined ? "" : `: ${escapeProse(why)}`}`,
    by === undefined ? "" : escapeCode(by),
    escapeProse(took),
    cost === undefined ? "" : escapeCode(cost),
  ]);
  return table(["branch", "commit", "hand-off", "by", "took", "cost"], rows);
}

function waitingTable(waiting: readonly SummaryWait[]): string {
  const rows = waiting.map(({ branch, state, why, next }) => [
    escapeCode(branch),
    state === undefined ? "" : escapeCode(state),
    escapeProse(why),
    next === undefined ? "" : escapeCode(next, 200),
  ]);
  return table(["branch", "state", "why", "next"], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const shown = rows.slice(0, MAX_ROWS).map(line);
  const rest =
    rows.length > MAX_ROWS ? [`\n${rows.length - MAX_ROWS} more: ${escapeCode("trailhand status")}`] : [];
  return [line(titles), line(titles.map(() => "---")), ...shown, ...rest].join("\n");
}
