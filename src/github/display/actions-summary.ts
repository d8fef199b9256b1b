/**
 * Renders the summary page of a job of GitHub Actions.
 *
 * Invariants:
 * - Text from strangers cannot leave its cell or line, and cannot become markup.
 * - The page stays far below GitHub's limit of one megabyte.
 */
import { escapeCode, escapeLink, escapeProse } from "../api/escape-markdown.ts";

/** A response that the job wrote. */
export interface SummaryHandOff {
  readonly branch: string;
  readonly commit: string;
  readonly from: string;
  readonly to: string;
  /** The runner, or the agent. */
  readonly by: string | undefined;
  readonly took: string;
  readonly cost: string | undefined;
  /** Why the script failed. */
  readonly why: string | undefined;
}

/** A branch that waits for a person. */
export interface SummaryWait {
  readonly branch: string;
  readonly state: string | undefined;
  readonly why: string;
  /** The command that continues the work. */
  readonly next: string | undefined;
}

export interface JobSummary {
  /** The results of the event that started the job, as sentences. */
  readonly messages: readonly string[];
  readonly handOffs: readonly SummaryHandOff[];
  readonly waiting: readonly SummaryWait[];
  /** The web page of the repository, such as `https://github.com/a/b`. */
  readonly address: string;
  /** The workflow as a Mermaid diagram. */
  readonly drawing: string | undefined;
}

export const EMPTY_SUMMARY = "The event asked Trailhand for nothing";

const TITLE = "### Trailhand";
/** A longer diagram is not readable. */
const MAX_DRAWING = 16_000;
/** Rows of one table; the others are only counted. */
const MAX_ROWS = 200;

export function renderSummary(summary: JobSummary): string {
  const { messages, handOffs, waiting, drawing } = summary;
  const parts = [
    TITLE,
    ...(messages.length + handOffs.length === 0 ? [`${EMPTY_SUMMARY}.`] : []),
    ...messages.map((message) => escapeProse(message, 1000)),
    ...(handOffs.length > 0 ? [handOffTable(summary)] : []),
    ...(waiting.length > 0 ? ["**Waiting for a person**", waitingTable(waiting)] : []),
    ...(drawing === undefined || drawing.length > MAX_DRAWING ? [] : [`\`\`\`mermaid\n${drawing}\n\`\`\``]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The page of a job without work, with the reason. */
export const renderNothing = (why: string): string =>
  `${TITLE}\n\n${EMPTY_SUMMARY}${why === "" ? "." : `: ${escapeProse(why, 1000)}`}\n`;

function handOffTable({ handOffs, address }: JobSummary): string {
  const rows = handOffs.map(({ branch, commit, from, to, by, took, cost, why }) => [
    escapeCode(branch),
    escapeLink(escapeCode(commit.slice(0, 9)), `${address}/commit/${commit}`),
    `${escapeCode(from)} → ${escapeCode(to)}${why === undefined ? "" : `: ${escapeProse(why)}`}`,
    by === undefined ? "" : escapeCode(by),
    escapeProse(took),
    cost === undefined ? "" : escapeCode(cost),
  ]);
  return table(["branch", "commit", "hand-off", "by", "duration", "cost"], rows);
}

function waitingTable(waiting: readonly SummaryWait[]): string {
  const rows = waiting.map(({ branch, state, why, next }) => [
    escapeCode(branch),
    state === undefined ? "" : escapeCode(state),
    escapeProse(why),
    next === undefined ? "" : escapeCode(next, 200),
  ]);
  return table(["branch", "state", "reason", "next command"], rows);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const shown = rows.slice(0, MAX_ROWS).map(line);
  const rest =
    rows.length > MAX_ROWS ? [`\n${rows.length - MAX_ROWS} more: ${escapeCode("trailhand status")}`] : [];
  return [line(titles), line(titles.map(() => "---")), ...shown, ...rest].join("\n");
}
