/**
 * Renders the status comment, and the summary of a check run.
 *
 * Invariants:
 * - Text from strangers passes through `escape-markdown.ts`.
 * - The result is shorter than GitHub's limit, whatever the history and the workflow.
 */
import { formatMermaid } from "../../core/workflow/graph.ts";
import type { TimelineStep } from "../../core/analysis/timeline.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { escapeCode, encodePath, escapeLink, escapeProse } from "../api/escape-markdown.ts";
import { nextCommand, isMerged, sentenceOf, type BranchView } from "./branch-status.ts";
import { STATUS_MARKER } from "./desired-state.ts";

/** GitHub's limit for the summary of a check run. A comment may be one character longer. */
export const MAX_LENGTH = 65_535;

export interface PageContext {
  readonly workflow: Workflow;
  /** The web page of the repository: `https://github.com/a/b`. */
  readonly address: string;
  /** The trusted branch. */
  readonly target: string;
}

/** Rows of the table; earlier ones are only counted. */
const MAX_ROWS = 20;
/** Other branches of the same issue; more are only counted. */
const MAX_RELATED = 20;
/** A longer diagram is not readable. */
const MAX_DIAGRAM = 16_000;

/** `others` are the other branches of the same issue. */
export function statusBody(view: BranchView, others: readonly BranchView[], page: PageContext): string {
  const { branch, key } = view.decision.head;
  const tree = `${page.address}/tree/${branchPath(branch)}`;
  const history = `${page.address}/commits/${branchPath(branch)}`;
  const links = `Branch ${escapeLink(escapeCode(branch), tree)} · ${escapeLink("all commits", history)}`;
  return bounded([
    `${STATUS_MARKER}${key} -->`,
    ...statusLines(view, page),
    ...table(view.timeline, page),
    ...(others.length > 0 ? [relatedBranches(others, page)] : []),
    ...diagram(view, page),
    links,
  ]);
}

/** The summary of the check run at the head. */
export function checkSummary(view: BranchView, page: PageContext): string {
  return bounded([...statusLines(view, page), ...table(view.timeline, page), ...diagram(view, page)]);
}

/** The summary of the check run of an earlier request. */
export function pastSummary(answer: TimelineStep, page: PageContext): string {
  return `Answered by ${commitLink(answer.commit, page)}: ${escapeCode(answer.from ?? "?")} → ${escapeCode(answer.state)}.`;
}

const NEXT = { runner: "a runner", person: "a person", none: "none" } as const;

/** The state, whose turn it is, and the command to write. */
function statusLines(view: BranchView, page: PageContext): string[] {
  const merged = isMerged(view) ? `; merged into ${escapeCode(page.target)}` : "";
  const sentence = `${escapeProse(sentenceOf(view))}${merged}`;
  return [
    `**State** ${escapeCode(view.state ?? "-")} · **next** ${NEXT[view.reason.turn]}`,
    sentence,
    ...commandLine(view, page),
  ];
}

/** The text that asks a person to act. */
export const mentionText = (view: BranchView, commit: string, page: PageContext): string[] => [
  `**A person must act** on ${escapeCode(view.state ?? "-")}: ${escapeProse(sentenceOf(view))}`,
  ...commandLine(view, page),
  `This is about the commit ${commitLink(commit, page)} on ${escapeCode(view.decision.head.branch, 250)}.`,
];

function commandLine(view: BranchView, { workflow }: PageContext): string[] {
  const command = nextCommand(view, workflow);
  return command === undefined ? [] : [`To continue, comment ${escapeCode(command, 120)}`];
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
  const head = "| commit | state | by | duration | cost |\n| --- | --- | --- | --- | --- |";
  return [
    `${head}\n${rows.join("\n")}`,
    ...(earlier > 0 ? [`${earlier} earlier steps are in the history.`] : []),
  ];
}

function handOff({ kind, from, state }: TimelineStep): string {
  if (kind === "attempt") return `${escapeCode(state, 64)} without a response`;
  return kind === "answer"
    ? `${escapeCode(from ?? "?", 64)} → ${escapeCode(state, 64)}`
    : escapeCode(state, 64);
}

function relatedBranches(others: readonly BranchView[], { address }: PageContext): string {
  const lines = others.slice(0, MAX_RELATED).map(({ decision: { head }, state }) => {
    return `- ${escapeLink(escapeCode(head.branch), `${address}/tree/${branchPath(head.branch)}`)} ${escapeCode(state ?? "-", 64)}`;
  });
  const more = others.length > MAX_RELATED ? [`- and ${others.length - MAX_RELATED} more`] : [];
  return ["Related branches:", "", ...lines, ...more].join("\n");
}

function diagram({ state }: BranchView, { workflow }: PageContext): string[] {
  if (Object.keys(workflow.states).length === 0) return [];
  const mermaid = formatMermaid(workflow, state).replaceAll("`", "'");
  if (mermaid.length > MAX_DIAGRAM) return [];
  return [
    `<details><summary>Position in the workflow</summary>\n\n\`\`\`mermaid\n${mermaid}\n\`\`\`\n\n</details>`,
  ];
}

/** A branch as part of a URL. */
export const branchPath = (branch: string): string => branch.split("/").map(encodePath).join("/");

/** Drops parts from the end until the text fits. Each part has its own limit, so this is a safety net. */
function bounded(parts: readonly string[]): string {
  const body = parts.join("\n\n");
  return body.length < MAX_LENGTH ? body : bounded(parts.slice(0, -1));
}
