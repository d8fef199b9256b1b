/**
 * The Markdown that GitHub shows: the status comment, and the summary of a check run.
 *
 * What must hold: (pure) what is not ours to say passes through `escape.ts`; a body is always
 * shorter than GitHub takes, whatever the history and the workflow.
 */
import { formatMermaid } from "../../core/workflow/graph.ts";
import type { TimelineStep } from "../../core/analysis/timeline.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { escapeCode, encoded, escapeLink, escapeProse } from "../api/escape-markdown.ts";
import { commandOf, isIn, sentenceOf, type BranchView } from "./branch-status.ts";
import { MARKER } from "./desired-state.ts";

/** What GitHub takes in a comment; a check's summary takes one less. */
export const MAX_LENGTH = 65_535;

export interface Page {
  readonly workflow: Workflow;
  /** Where people look at the repository: `https://github.com/a/b`. */
  readonly address: string;
  /** The trusted branch. */
  readonly target: string;
}

/** Rows of the table; more are counted. */
const ROWS = 20;
/** Other branches that belong to the same issue. */
const OTHERS = 20;
/** A longer drawing is one that nobody can read. */
const DRAWN = 16_000;

/** The status comment of a branch; `others` belong to the same issue. */
export function statusBody(seen: BranchView, others: readonly BranchView[], page: Page): string {
  const { branch, key } = seen.decision.head;
  const tree = `${page.address}/tree/${pathOf(branch)}`;
  const history = `${page.address}/commits/${pathOf(branch)}`;
  const places = `Branch ${escapeLink(escapeCode(branch), tree)} · ${escapeLink("all its commits", history)}`;
  return bounded([
    `${MARKER}${key} -->`,
    ...standing(seen, page),
    ...table(seen.timeline, page),
    ...(others.length > 0 ? [beside(others, page)] : []),
    ...drawing(seen, page),
    places,
  ]);
}

/** The summary of the check run at the head. */
export function checkSummary(seen: BranchView, page: Page): string {
  return bounded([...standing(seen, page), ...table(seen.timeline, page), ...drawing(seen, page)]);
}

/** The summary of a check run at a request that was answered. */
export function pastSummary(answer: TimelineStep, page: Page): string {
  return `Answered by ${commitLink(answer.commit, page)}: ${escapeCode(answer.from ?? "?")} → ${escapeCode(answer.state)}.`;
}

const NEXT = { runner: "a runner", person: "a person", nobody: "nobody" } as const;

/** Where it stands, whose turn it is, and what to write. */
function standing(seen: BranchView, page: Page): string[] {
  const landed = isIn(seen) ? `; it is in ${escapeCode(page.target)}` : "";
  const sentence = `${escapeProse(sentenceOf(seen))}${landed}`;
  return [
    `**State** ${escapeCode(seen.state ?? "-")} · **next** ${NEXT[seen.reason.turn]}`,
    sentence,
    ...toSend(seen, page),
  ];
}

/** What a person is told where only they can go on. */
export const callText = (seen: BranchView, commit: string, page: Page): string[] => [
  `**A person has to go on** at ${escapeCode(seen.state ?? "-")}: ${escapeProse(sentenceOf(seen))}`,
  ...toSend(seen, page),
  `It is about ${commitLink(commit, page)} on ${escapeCode(seen.decision.head.branch, 250)}.`,
];

function toSend(seen: BranchView, { workflow }: Page): string[] {
  const command = commandOf(seen, workflow);
  return command === undefined ? [] : [`To send it on, comment ${escapeCode(command, 120)}`];
}

const commitLink = (commit: string, { address }: Page): string =>
  escapeLink(escapeCode(commit.slice(0, 9)), `${address}/commit/${encoded(commit)}`);

function table(timeline: readonly TimelineStep[], page: Page): string[] {
  if (timeline.length === 0) return [];
  const shown = timeline.slice(-ROWS);
  const rows = shown.map((step) => {
    const by = step.by === undefined ? (step.kind === "request" ? "a person" : "-") : escapeCode(step.by, 40);
    const took = [step.took, step.attempt && `attempt ${step.attempt}`].filter(Boolean).join(", ");
    const cells = [
      commitLink(step.commit, page),
      handOff(step),
      by,
      escapeCode(took, 40),
      escapeCode(step.cost ?? "", 24),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const earlier = timeline.length - shown.length;
  const head = "| commit | state | by | took | cost |\n| --- | --- | --- | --- | --- |";
  return [
    `${head}\n${rows.join("\n")}`,
    ...(earlier > 0 ? [`${earlier} earlier ones are in the history.`] : []),
  ];
}

function handOff({ kind, from, state }: TimelineStep): string {
  if (kind === "attempt") return `${escapeCode(state, 64)} did not answer`;
  return kind === "answer"
    ? `${escapeCode(from ?? "?", 64)} → ${escapeCode(state, 64)}`
    : escapeCode(state, 64);
}

function beside(others: readonly BranchView[], { address }: Page): string {
  const lines = others.slice(0, OTHERS).map(({ decision: { head }, state }) => {
    return `- ${escapeLink(escapeCode(head.branch), `${address}/tree/${pathOf(head.branch)}`)} ${escapeCode(state ?? "-", 64)}`;
  });
  const more = others.length > OTHERS ? [`- and ${others.length - OTHERS} more`] : [];
  return ["Belongs to it:", "", ...lines, ...more].join("\n");
}

function drawing({ state }: BranchView, { workflow }: Page): string[] {
  if (Object.keys(workflow.states).length === 0) return [];
  const drawn = formatMermaid(workflow, state).replaceAll("`", "'");
  if (drawn.length > DRAWN) return [];
  return [
    `<details><summary>Where this is in the workflow</summary>\n\n\`\`\`mermaid\n${drawn}\n\`\`\`\n\n</details>`,
  ];
}

/** A branch as a part of an address. */
export const pathOf = (branch: string): string => branch.split("/").map(encoded).join("/");

/** Parts are dropped from the end until it fits; each has its own bound, so none ever is. */
function bounded(parts: readonly string[]): string {
  const body = parts.join("\n\n");
  return body.length < MAX_LENGTH ? body : bounded(parts.slice(0, -1));
}
