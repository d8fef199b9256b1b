/**
 * The page that a job of GitHub Actions leaves behind: what was handed on, what waits, a drawing.
 *
 * What must hold: pure; text of strangers can neither end a cell or a line, nor become markup; the
 * page stays far below the megabyte that GitHub takes.
 */
import { code, link, prose } from "../api/escape-markdown.ts";

/** An answer that was given during the job. */
export interface Handed {
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
export interface Waiting {
  readonly branch: string;
  readonly state: string | undefined;
  readonly why: string;
  /** The command that goes on. */
  readonly next: string | undefined;
}

export interface Came {
  /** What became of the event that started the job; sentences. */
  readonly said: readonly string[];
  readonly handed: readonly Handed[];
  readonly waiting: readonly Waiting[];
  /** Where the commits of the repository can be looked at, such as `https://github.com/a/b`. */
  readonly address: string;
  /** The workflow as a Mermaid drawing. */
  readonly drawing: string | undefined;
}

export const NOTHING = "Nothing here was for Trailhand";

const TITLE = "### Trailhand";
/** A longer drawing is one that nobody can read. */
const DRAWN = 16_000;
/** Rows of one table; a job seldom has more, and status shows the rest. */
const ROWS = 200;

/** The whole page. */
export function renderSummary(came: Came): string {
  const { said, handed, waiting, drawing } = came;
  const parts = [
    TITLE,
    ...(said.length + handed.length === 0 ? [`${NOTHING}.`] : []),
    ...said.map((one) => prose(one, 1000)),
    ...(handed.length > 0 ? [handedTable(came)] : []),
    ...(waiting.length > 0 ? ["**For a person**", waitingTable(waiting)] : []),
    ...(drawing === undefined || drawing.length > DRAWN ? [] : [`\`\`\`mermaid\n${drawing}\n\`\`\``]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The page of a job that had nothing to do, with the reason. */
export const renderNothing = (why: string): string =>
  `${TITLE}\n\n${NOTHING}${why === "" ? "." : `: ${prose(why, 1000)}`}\n`;

function handedTable({ handed, address }: Came): string {
  const rows = handed.map(({ branch, commit, from, to, by, took, cost, why }) => [
    code(branch),
    link(code(commit.slice(0, 9)), `${address}/commit/${commit}`),
    `${code(from)} → ${code(to)}${why === undefined ? "" : `: ${prose(why)}`}`,
    by === undefined ? "" : code(by),
    prose(took),
    cost === undefined ? "" : code(cost),
  ]);
  return table(["branch", "commit", "hand-off", "by", "took", "cost"], rows);
}

function waitingTable(waiting: readonly Waiting[]): string {
  const rows = waiting.map(({ branch, state, why, next }) => [
    code(branch),
    state === undefined ? "" : code(state),
    prose(why),
    next === undefined ? "" : code(next, 200),
  ]);
  return table(["branch", "state", "why", "next"], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const shown = rows.slice(0, ROWS).map(line);
  const rest = rows.length > ROWS ? [`\n${rows.length - ROWS} more: ${code("trailhand status")}`] : [];
  return [line(titles), line(titles.map(() => "---")), ...shown, ...rest].join("\n");
}
