/**
 * What a request waits for, how long, and what follows when that is in vain.
 *
 * What must hold: every wait has an end; waiting needs no lease and no place in a lane; a ring of
 * requests that wait for each other is named, and waits for a person.
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

/** Why the request does not run yet, or the answer that follows without a script; undefined: it may run. */
export function decideWait(
  head: Head,
  request: Request,
  scene: ConditionContext,
): DecisionReason | Run["knownAnswer"] {
  const { workflow, now } = scene;
  const state = workflow.states[request.state];
  const depends = request.dependsOn.map((text) => parseDependency(text) ?? text);
  const unread = depends.find((one) => typeof one === "string");
  if (unread !== undefined) return { code: "depends-on", detail: unread };
  const all = [...(state?.wait ?? []), ...depends.filter((one) => typeof one !== "string")];
  if (all.length === 0) return undefined;
  const verdict = evaluateConditions(all, head, request, scene);
  if (verdict.kind === "met") return undefined;
  const otherwise = state?.otherwise ?? "parked";
  if (verdict.kind === "never") return { state: otherwise, why: verdict.why };
  const ring = findCycle(head.branch, (branch) => waitsFor(scene.heads.get(branch), scene));
  if (ring) return { code: "cycle", detail: ring.join(" -> ") };
  const patience = state?.deadline ?? workflow.limits.wait;
  if (now.wall - request.committed * 1000 <= patience)
    return { code: "waits", detail: verdict.why, person: verdict.needsPerson ?? false };
  return { state: otherwise, why: `waited ${formatDuration(patience)} in vain: ${verdict.why}` };
}

/** The branches that a head waits for: those it depends on, and the children that it joins. */
function waitsFor(head: Head | undefined, { workflow, snapshot, heads }: ConditionContext): Branch[] {
  const asked = head?.reading;
  // What has ended waits for nothing, whatever its request said.
  if (!head || asked?.kind !== "request" || isTerminal(asked.state)) return [];
  const wait = workflow.states[asked.state]?.wait ?? [];
  const joins = wait.some((one) => one.kind === "children");
  const children = joins
    ? childrenOf(head.branch, carriedStateAt(head, asked, snapshot), heads, snapshot.facts.missedBranches)
    : [];
  return [
    ...branchesOf(asked.dependsOn.flatMap((text) => parseDependency(text) ?? [])),
    ...branchesOf(wait),
    ...children.filter(({ isNew, result }) => isNew && result === "going").map(({ branch }) => branch),
  ];
}

const branchesOf = (all: readonly Predicate[]): Branch[] =>
  all.flatMap((one) => (one.kind === "branch" ? [one.branch] : []));

/** The ring that a dependency would close, for whoever is about to write it. */
export function cycleWith(
  branch: Branch,
  dependsOn: readonly string[],
  scene: ConditionContext,
): Branch[] | undefined {
  const wanted = branchesOf(dependsOn.flatMap((text) => parseDependency(text) ?? []));
  return findCycle(branch, (one) => (one === branch ? wanted : waitsFor(scene.heads.get(one), scene)));
}

/** Why a child is called off by the branch that handed it out; undefined while it is wanted. */
export function cancelReason(request: Request, { heads }: ConditionContext): string | undefined {
  if (request.parent === undefined) return undefined;
  const asked = heads.get(request.parent)?.reading;
  if (asked?.kind !== "request") return undefined;
  if (asked.state === "cancelled") return `${request.parent} was cancelled`;
  const key = request.branch.slice(request.parent.length + 1);
  if (!asked.calls || !carriedStateOf(asked.message.trailers).cancels.includes(key)) return undefined;
  return `${request.parent} called it off`;
}

/** The approvals that a request waits for, be they there or not. */
export function requiredApprovals(request: Request, workflow: Workflow): ApprovalRule[] {
  const depends = request.dependsOn.flatMap((text) => parseDependency(text) ?? []);
  const all = [...(workflow.states[request.state]?.wait ?? []), ...depends].flatMap(singles);
  return all.filter((one) => one.kind === "approvals");
}

/** A scene to judge by. */
export const conditionContext = (
  view: ConditionContext["snapshot"],
  workflow: Workflow,
  now: ConditionContext["now"],
): ConditionContext => ({
  snapshot: view,
  workflow,
  now,
  heads: new Map(view.heads.map((head) => [head.branch, head])),
});

/** The way from one thing back to itself along what each waits for; undefined when there is none. */
export function findCycle<T>(from: T, next: (one: T) => readonly T[]): T[] | undefined {
  const seen = new Set<T>();
  const visit = (one: T, path: readonly T[]): T[] | undefined => {
    for (const to of next(one)) {
      if (to === from) return [...path, to];
      if (seen.has(to)) continue;
      seen.add(to);
      const ring = visit(to, [...path, to]);
      if (ring) return ring;
    }
    return undefined;
  };
  return visit(from, [from]);
}
