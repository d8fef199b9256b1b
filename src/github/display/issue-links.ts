/**
 * The issues and pull requests that a branch belongs to.
 *
 * Invariants:
 * - Only the name of the branch, the commits of people, and open pull requests of this repository count.
 * - What a script writes never links its branch to an issue.
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
/** Issues that one commit can link to. Each of them costs requests to GitHub. */
const MAX_REFERENCES = 20;
const REFERENCE = /(?<![\w/#])#([1-9]\d{0,8})\b/g;

/** The issue that a branch is named for. */
export const ownIssue = (branch: string): number | undefined => {
  const number = OWN_ISSUE.exec(branch)?.[1];
  return number === undefined ? undefined : Number(number);
};

/** The open pull requests of a branch, without those of branches of the same name in forks. */
export const pullsOf = (branch: string, pulls: readonly PullRequestRef[]): PullRequestRef[] =>
  pulls.filter((pull) => pull.branch === branch && !pull.isFork);

/** The numbers of all issues and pull requests that show a branch. */
export function numbersOf(
  { decision: { head }, trail }: BranchView,
  pulls: readonly PullRequestRef[],
): number[] {
  const own = ownIssue(head.branch);
  const here = pullsOf(head.branch, pulls).map(({ number }) => number);
  const named = personHandOffs(trail).map(({ message }) => valuesOf(message.trailers, KEY.refs));
  const refs = named.find((values) => values.length > 0)?.join(" ") ?? "";
  const referred = [...refs.matchAll(REFERENCE)].slice(0, MAX_REFERENCES).map(([, number]) => Number(number));
  return [...new Set([...(own === undefined ? [] : [own]), ...here, ...referred])];
}

const personHandOffs = (trail: readonly Commit[]): Hand[] =>
  readHandOffs(trail).filter((step) => step.isByPerson);

export const branchOf = ({ decision }: BranchView): string => decision.head.branch;

/** The branch whose response created this one as a child. */
export const parentOf = ({ decision: { head } }: BranchView): string | undefined =>
  head.reading.kind === "request" ? head.reading.parent : undefined;

const COLORS: Readonly<Record<string, string>> = { done: "0e8a16", failed: "b60205", cancelled: "8b949e" };
const HALTED = "fbca04";
/** GitHub's limits for labels. */
const MAX_NAME = 50;
const MAX_DESCRIPTION = 100;

export function labelOf(state: string, { states }: Workflow): Label {
  const definition = states[state];
  const color = COLORS[state] ?? (definition ? (definition.human ? "d93f0b" : "1d76db") : HALTED);
  const description =
    cleanLine(definition?.description ?? "", MAX_DESCRIPTION) || "A state of Trailhand's workflow";
  return { name: `${STATE_LABEL}${state}`.slice(0, MAX_NAME), color, description };
}
