/**
 * Evaluates the conditions that a request waits for.
 *
 * Invariants:
 * - Conditions are evaluated from the refs of each snapshot, so no event can be missed.
 * - A condition that can never hold any more is distinguished from one that only waits.
 */
import { countedApprovals, type ApprovalRule } from "../policy/approvals.ts";
import { formatDuration } from "../util/duration.ts";
import { EMPTY_CARRIED_STATE, carriedStateOf, type CarriedState } from "../workflow/carried-state.ts";
import { evaluateJoin, MET, childrenOf, type JoinResult } from "./children.ts";
import type { Branch } from "../protocol/ids.ts";
import type { Request } from "../protocol/request.ts";
import type { Head, Now, Snapshot } from "./snapshot.ts";
import type { Predicate } from "../workflow/wait.ts";
import { isTerminal, type Workflow } from "../workflow/workflow.ts";

export interface ConditionContext {
  readonly snapshot: Snapshot;
  readonly workflow: Workflow;
  readonly now: Now;
  /** The heads of the snapshot, by branch. */
  readonly heads: ReadonlyMap<Branch, Head>;
}

const waits = (why: string): JoinResult => ({ kind: "waits", why });
const never = (why: string): JoinResult => ({ kind: "never", why });

/** Evaluates all predicates. The first one that can never hold decides. */
export function evaluateConditions(
  predicates: readonly Predicate[],
  head: Head,
  request: Request,
  context: ConditionContext,
): JoinResult {
  const results = predicates.map((predicate) => evaluate(predicate, head, request, context));
  const unmet = results.filter((result) => result.kind !== "met");
  const impossible = unmet.find((result) => result.kind === "never");
  if (impossible) return impossible;
  if (unmet.length === 0) return MET;
  const needsPerson = unmet.some((result) => result.kind === "waits" && result.needsPerson);
  return { kind: "waits", why: unmet.map(({ why }) => why).join("; "), needsPerson };
}

function evaluate(predicate: Predicate, head: Head, request: Request, context: ConditionContext): JoinResult {
  const { snapshot, now, heads } = context;
  switch (predicate.kind) {
    case "children": {
      const carriedState = carriedStateAt(head, request, snapshot);
      const children = childrenOf(head.branch, carriedState, heads, snapshot.facts.missedBranches);
      return evaluateJoin(predicate.join, children);
    }
    case "approvals":
      return evaluateApprovals(predicate, head, context);
    case "requests":
      return evaluateRequests(predicate, head, snapshot);
    case "check":
      return evaluateCheck(predicate.name, head, snapshot);
    case "commit":
      return snapshot.facts.reachedCommits.has(predicate.id)
        ? MET
        : waits(`waits for the commit ${predicate.id} on ${snapshot.target}`);
    case "branch":
      return evaluateBranch(predicate.branch, context);
    case "after": {
      const leftMs = request.committed * 1000 + predicate.ms - now.wall;
      return leftMs <= 0 ? MET : waits(`waits for ${formatDuration(leftMs)} more`);
    }
    case "until":
      return predicate.at <= now.wall
        ? MET
        : waits(`waits for its start time, in ${formatDuration(predicate.at - now.wall)}`);
    case "outside":
      return waits(`waits for ${predicate.what}, which a runner cannot check`);
    case "either":
      return evaluateAlternatives(predicate.of, head, request, context);
  }
}

function evaluateAlternatives(
  predicates: readonly Predicate[],
  head: Head,
  request: Request,
  context: ConditionContext,
): JoinResult {
  const results = predicates.map((predicate) => evaluate(predicate, head, request, context));
  if (results.some(({ kind }) => kind === "met")) return MET;
  const possible = results.filter((result) => result.kind === "waits");
  if (possible.length === 0)
    return never(results.flatMap((result) => ("why" in result ? [result.why] : [])).join(", and "));
  const needsPerson = possible.some((result) => result.needsPerson);
  return { kind: "waits", why: possible.map(({ why }) => why).join(", or "), needsPerson };
}

/** The carried state at a head. For a commit of a person it comes from the history below it. */
export function carriedStateAt(head: Head, request: Request, snapshot: Snapshot): CarriedState {
  // Where work continues after a plain commit, the request below that commit holds the state.
  const { message, answers } = snapshot.takeovers.get(head.key) ?? request;
  if (answers !== undefined) return carriedStateOf(message.trailers);
  return snapshot.facts.carriedStates.get(head.key) ?? EMPTY_CARRIED_STATE;
}

function evaluateApprovals(
  rule: ApprovalRule,
  head: Head,
  { snapshot, workflow, now }: ConditionContext,
): JoinResult {
  const state = snapshot.facts.approvalStates.get(head.key) ?? { approvals: [], requesters: [] };
  const approvals = countedApprovals(rule, state, workflow, now.wall);
  if (approvals.length >= rule.n) return MET;
  const approvers = rule.by.length > 0 ? ` by ${rule.by.join(" or ")}` : "";
  const given = approvals.length > 0 ? `, approved by ${approvals.map(({ by }) => by).join(", ")}` : "";
  const missing = rule.n - approvals.length;
  return {
    kind: "waits",
    why: `waits for ${missing} approval${missing === 1 ? "" : "s"}${approvers}${given}`,
    needsPerson: true,
  };
}

function evaluateRequests(
  { state, n }: Extract<Predicate, { kind: "requests" }>,
  head: Head,
  snapshot: Snapshot,
): JoinResult {
  const count = snapshot.heads.filter(
    ({ reading, branch }) => branch !== head.branch && reading.kind === "request" && reading.state === state,
  ).length;
  return count >= n ? MET : waits(`waits for ${n} requests at ${state} (now ${count})`);
}

function evaluateCheck(name: string, head: Head, snapshot: Snapshot): JoinResult {
  const checks = snapshot.sideRefs.checks.get(head.key);
  // An approval changes no file, so checks of the approved commit are valid for the head too.
  const { approvedCommit } = snapshot.facts.approvalStates.get(head.key) ?? {};
  const isCurrent = checks && (checks.commit === head.commit || checks.commit === approvedCommit);
  const result = isCurrent ? checks.results.get(name) : undefined;
  if (result === "success" || result === "neutral" || result === "skipped") return MET;
  return result === undefined
    ? waits(`waits for the check ${name}`)
    : never(`the check ${name} ended as ${result}`);
}

function evaluateBranch(branch: Branch, { snapshot, heads }: ConditionContext): JoinResult {
  if (snapshot.facts.landedBranches.has(branch)) return MET;
  const head = heads.get(branch);
  if (!head)
    return snapshot.facts.missedBranches.has(branch)
      ? waits(`waits for the branch ${branch}`)
      : never(`there is no branch ${branch}`);
  const state = head.reading.kind === "request" ? head.reading.state : undefined;
  if (state === "done") return MET;
  if (state !== undefined && isTerminal(state)) return never(`the branch ${branch} ended as ${state}`);
  return waits(
    `waits for the branch ${branch}, which ${state === undefined ? "has no state" : `is at ${state}`}`,
  );
}
