/**
 * The Markdown that GitHub shows: the status comment, and the summary of a check run.
 *
 * What must hold: (pure) what is not ours to say passes through `escape.ts`; a body is always
 * shorter than GitHub takes, whatever the history and the workflow.
 */
import { formatMermaid } from "../../core/workflow/graph.ts";
import type { TimelineStep } from "../../core/analysis/timeline.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { escapeCode, encodePath, escapeLink, escapeProse } from "../api/escape-markdown.ts";
import { nextCommand, isMerged, sentenceOf, type BranchView } from "./branch-status.ts";
import { STATUS_MARKER } from "./desired-state.ts";

/** What GitHub takes in a comment; a check's summary takes one less. */
export const MAX_LENGTH = 65_535;

export interface PageContext {
  readonly workflow: Workflow;
  /** Where people look at the repository: `https://github.com/a/b`. */
  readonly address: string;
  /** The trusted branch. */
  readonly target: string;
}

/** Rows of the table; more are counted. */
const MAX_ROWS = 20;
/** Other branches that belong to the same issue. */
const MAX_RELATED = 20;
/** A longer drawing is one that nobody can read. */
const MAX_DRAWING = 16_000;

/** The status comment of a branch; `others` belong to the same issue. */
export function statusBody(view: BranchView, others: readonly BranchView[], page: PageContext): string {
  const { branch, key } = view.decision.head;
  const tree = `${page.address}/tree/${branchPath(branch)}`;
  const history = `${page.address}/commits/${branchPath(branch)}`;
  const places = `Branch ${escapeLink(escapeCode(branch), tree)} · ${escapeLink("all its commits", history)}`;
  return bounded([
    `${STATUS_MARKER}${key} -->`,
    ...statusLines(view, page),
    ...table(view.timeline, page),
    ...(others.length > 0 ? [relatedBranches(others, page)] : []),
    ...drawing(view, page),
    places,
  ]);
}

/** The summary of the check run at the head. */
export function checkSummary(view: BranchView, page: PageContext): string {
  return bounded([...statusLines(view, page), ...table(view.timeline, page), ...drawing(view, page)]);
}

/** The summary of a check run at a request that was answered. */
export function pastSummary(answer: TimelineStep, page: PageContext): string {
  return `Answered by ${commitLink(answer.commit, page)}: ${escapeCode(answer.from ?? "?")} → ${escapeCode(answer.state)}.`;
}

const NEXT = { runner: "a runner", person: "a person", none: "none" } as const;

/** Where it stands, whose turn it is, and what to write. */
function statusLines(view: BranchView, page: PageContext): string[] {
  const landed = isMerged(view) ? `; it is in ${escapeCode(page.target)}` : "";
  const sentence = `${escapeProse(sentenceOf(view))}${landed}`;
  return [
    `**State** ${escapeCode(view.state ?? "-")} · **next** ${NEXT[view.reason.turn]}`,
    sentence,
    ...commandLine(view, page),
  ];
}

/** What a person is told where only they can go on. */
export const mentionText = (view: BranchView, commit: string, page: PageContext): string[] => [
  `**A person has to go on** at ${escapeCode(view.state ?? "-")}: ${escapeProse(sentenceOf(view))}`,
  ...commandLine(view, page),
  `It is about ${commitLink(commit, page)} on ${escapeCode(view.decision.head.branch, 250)}.`,
];

function commandLine(view: BranchView, { workflow }: PageContext): string[] {
  const command = nextCommand(view, workflow);
  return command === undefined ? [] : [`To send it on, comment ${escapeCode(command, 120)}`];
}

const commitLink = (commit: string, { address }: PageContext): string =>
  escapeLink(escapeCode(commit.slice(0, 9)), `${address}/commit/${encodePath(commit)}`);

function table(timeline: readonly TimelineStep[], page: PageContext): string[] {
  if (timeline.length === 0) return [];
  const shown = timeline.slice(-MAX_ROWS);
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

function relatedBranches(others: readonly BranchView[], { address }: PageContext): string {
  const lines = others.slice(0, MAX_RELATED).map(({ decision: { head }, state }) => {
    return `- ${escapeLink(escapeCode(head.branch), `${address}/tree/${branchPath(head.branch)}`)} ${escapeCode(state ?? "-", 64)}`;
  });
  const more = others.length > MAX_RELATED ? [`- and ${others.length - MAX_RELATED} more`] : [];
  return ["Belongs to it:", "", ...lines, ...more].join("\n");
}

function drawing({ state }: BranchView, { workflow }: PageContext): string[] {
  if (Object.keys(workflow.states).length === 0) return [];
  const drawn = formatMermaid(workflow, state).replaceAll("`", "'");
  if (drawn.length > MAX_DRAWING) return [];
  return [
    `<details><summary>Where this is in the workflow</summary>\n\n\`\`\`mermaid\n${drawn}\n\`\`\`\n\n</details>`,
  ];
}

/** A branch as a part of an address. */
export const branchPath = (branch: string): string => branch.split("/").map(encodePath).join("/");

/** Parts are dropped from the end until it fits; each has its own bound, so none ever is. */
function bounded(parts: readonly string[]): string {
  const body = parts.join("\n\n");
  return body.length < MAX_LENGTH ? body : bounded(parts.slice(0, -1));
}
