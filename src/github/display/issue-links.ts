/**
 * Which issues and pull requests a branch belongs to.
 *
 * What must hold: (pure) only the branch's name, what people wrote, and open pull requests of this
 * repository say so; what a script wrote sends its branch nowhere.
 */
import { valuesOf } from "../../core/protocol/message.ts";
import type { Commit } from "../../core/protocol/request.ts";
import { readHandOffs, type HandOff as Hand } from "../../core/protocol/hand-offs.ts";
import type { BranchView } from "./branch-status.ts";
import { type Label, type PullRequestRef, STATE_LABEL } from "./desired-state.ts";
import { cleanLine } from "../../core/util/redact.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";

const OWN_ISSUE = /^trailhand\/issue-([1-9]\d{0,8})$/;
/** A commit names no more issues than this: each is read at every look, and written to. */
const MOST = 20;
const REFERENCE = /(?<![\w/#])#([1-9]\d{0,8})\b/g;

/** The issue that a branch is named for. */
export const ownIssue = (branch: string): number | undefined => {
  const found = OWN_ISSUE.exec(branch)?.[1];
  return found === undefined ? undefined : Number(found);
};

/** The open pull requests of a branch, those from its namesakes in forks left out. */
export const pullsOf = (branch: string, pulls: readonly PullRequestRef[]): PullRequestRef[] =>
  pulls.filter((one) => one.branch === branch && !one.isFork);

/** Every number at which a branch is shown. */
export function numbersOf(
  { decision: { head }, trail }: BranchView,
  pulls: readonly PullRequestRef[],
): number[] {
  const own = ownIssue(head.branch);
  const here = pullsOf(head.branch, pulls).map(({ number }) => number);
  const named = personHandOffs(trail).map(({ message }) => valuesOf(message.trailers, KEY.refs));
  const refs = named.find((values) => values.length > 0)?.join(" ") ?? "";
  const referred = [...refs.matchAll(REFERENCE)].slice(0, MOST).map(([, number]) => Number(number));
  return [...new Set([...(own === undefined ? [] : [own]), ...here, ...referred])];
}

const personHandOffs = (trail: readonly Commit[]): Hand[] =>
  readHandOffs(trail).filter((step) => step.isByPerson);

export const branchOf = ({ decision }: BranchView): string => decision.head.branch;

/** The branch whose answer handed this one out. */
export const parentOf = ({ decision: { head } }: BranchView): string | undefined =>
  head.reading.kind === "request" ? head.reading.parent : undefined;

const COLORS: Readonly<Record<string, string>> = { done: "0e8a16", failed: "b60205", cancelled: "8b949e" };
const HALTED = "fbca04";
/** GitHub's own bounds. */
const NAME = 50;
const DESCRIPTION = 100;

export function labelOf(state: string, { states }: Workflow): Label {
  const found = states[state];
  const color = COLORS[state] ?? (found ? (found.human ? "d93f0b" : "1d76db") : HALTED);
  const description = cleanLine(found?.description ?? "", DESCRIPTION) || "A state of Trailhand's workflow";
  return { name: `${STATE_LABEL}${state}`.slice(0, NAME), color, description };
}
