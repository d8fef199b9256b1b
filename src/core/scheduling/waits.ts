/**
 * Decides how a waiting request goes on: it may run, waits, or gets an answer without a script.
 *
 * Invariants:
 * - Every wait has a deadline.
 * - A waiting request holds no lease and no slot.
 * - A cycle of requests that wait for each other is reported to a person.
 */
import type { ApprovalRule } from "../policy/approvals.ts";
import type { Run, DecisionReason } from "./decision.ts";
import { formatDuration } from "../util/duration.ts";
import { childrenOf } from "./children.ts";
import type { Branch } from "../protocol/ids.ts";
import { carriedStateOf } from "../workflow/carried-state.ts";
import { carriedStateAt, evaluateConditions, type ConditionContext } from "./conditions.ts";
import type { Request } from "../protocol/request.ts";
import type { Head } from "./snapshot.ts";
import { parseDependency, type Predicate, singles } from "../workflow/wait.ts";
import { isTerminal, type Workflow } from "../workflow/workflow.ts";

/** Why the request waits, or its answer without a script. Undefined if it may run. */
export function decideWait(
  head: Head,
  request: Request,
  context: ConditionContext,
): DecisionReason | Run["knownAnswer"] {
  const { workflow, now } = context;
  const state = workflow.states[request.state];
  const dependencies = request.dependsOn.map((text) => parseDependency(text) ?? text);
  const invalid = dependencies.find((dependency) => typeof dependency === "string");
  if (invalid !== undefined) return { code: "depends-on", detail: invalid };
  const predicates = [
    ...(state?.wait ?? []),
    ...dependencies.filter((dependency) => typeof dependency !== "string"),
  ];
  if (predicates.length === 0) return undefined;
  const result = evaluateConditions(predicates, head, request, context);
  if (result.kind === "met") return undefined;
  const otherwise = state?.otherwise ?? "parked";
  if (result.kind === "never") return { state: otherwise, why: result.why };
  const cycle = findCycle(head.branch, (branch) => dependenciesOf(context.heads.get(branch), context));
  if (cycle) return { code: "cycle", detail: cycle.join(" -> ") };
  const deadlineMs = state?.deadline ?? workflow.limits.wait;
  if (now.wall - request.committed * 1000 <= deadlineMs)
    return { code: "waits", detail: result.why, person: result.needsPerson ?? false };
  return { state: otherwise, why: `gave up after ${formatDuration(deadlineMs)}: ${result.why}` };
}

/** The branches that a head waits for: its dependencies, and the children that it joins. */
function dependenciesOf(head: Head | undefined, { workflow, snapshot, heads }: ConditionContext): Branch[] {
  const request = head?.reading;
  if (!head || request?.kind !== "request" || isTerminal(request.state)) return [];
  const wait = workflow.states[request.state]?.wait ?? [];
  const hasJoin = wait.some(({ kind }) => kind === "children");
  const children = hasJoin
    ? childrenOf(head.branch, carriedStateAt(head, request, snapshot), heads, snapshot.facts.missedBranches)
    : [];
  return [
    ...branchesOf(request.dependsOn.flatMap((text) => parseDependency(text) ?? [])),
    ...branchesOf(wait),
    ...children.filter(({ isNew, result }) => isNew && result === "going").map(({ branch }) => branch),
  ];
}

const branchesOf = (predicates: readonly Predicate[]): Branch[] =>
  predicates.flatMap((predicate) => (predicate.kind === "branch" ? [predicate.branch] : []));

/** The cycle that new dependencies of a branch would close; undefined if there is none. */
export function cycleWith(
  branch: Branch,
  dependsOn: readonly string[],
  context: ConditionContext,
): Branch[] | undefined {
  const dependencies = branchesOf(dependsOn.flatMap((text) => parseDependency(text) ?? []));
  return findCycle(branch, (next) =>
    next === branch ? dependencies : dependenciesOf(context.heads.get(next), context),
  );
}

/** Why the parent cancelled a child; undefined if it did not. */
export function cancelReason(request: Request, { heads }: ConditionContext): string | undefined {
  if (request.parent === undefined) return undefined;
  const parent = heads.get(request.parent)?.reading;
  if (parent?.kind !== "request") return undefined;
  if (parent.state === "cancelled") return `${request.parent} was cancelled`;
  const key = request.branch.slice(request.parent.length + 1);
  if (!parent.calls || !carriedStateOf(parent.message.trailers).cancels.includes(key)) return undefined;
  return `${request.parent} cancelled it`;
}

/** The approvals that a request needs, whether or not they were given. */
export function requiredApprovals(request: Request, workflow: Workflow): ApprovalRule[] {
  const dependencies = request.dependsOn.flatMap((text) => parseDependency(text) ?? []);
  return [...(workflow.states[request.state]?.wait ?? []), ...dependencies]
    .flatMap(singles)
    .filter((predicate) => predicate.kind === "approvals");
}

export const conditionContext = (
  snapshot: ConditionContext["snapshot"],
  workflow: Workflow,
  now: ConditionContext["now"],
): ConditionContext => ({
  snapshot,
  workflow,
  now,
  heads: new Map(snapshot.heads.map((head) => [head.branch, head])),
});

/** The nodes of a cycle through `start`, which is both its first and last; undefined without one. */
export function findCycle<T>(start: T, next: (node: T) => readonly T[]): T[] | undefined {
  const visited = new Set<T>();
  const visit = (node: T, path: readonly T[]): T[] | undefined => {
    for (const successor of next(node)) {
      if (successor === start) return [...path, successor];
      if (visited.has(successor)) continue;
      visited.add(successor);
      const cycle = visit(successor, [...path, successor]);
      if (cycle) return cycle;
    }
    return undefined;
  };
  return visit(start, [start]);
}
