/**
 * Admission: which runnable requests fit now, and in which order.
 *
 * What must hold: a higher priority goes first, then the older request, then the one
 * with fewer hand-offs behind it, so that nobody is overtaken
 * for ever by newcomers of the same rank; a full lane holds up its own branches only.
 */
import type { Idle, Run, Why } from "./decide.ts";
import type { View } from "./view.ts";
import { DEFAULT_CONCURRENCY, type Workflow } from "./workflow.ts";

export interface Admission {
  readonly admitted: readonly Run[];
  readonly held: readonly Idle[];
}

/** `limit` is how many attempts this runner may have at once; `view.going` count among them. */
export function admit(
  view: View,
  workflow: Workflow,
  runnable: readonly Run[],
  limit: number = workflow.limits.concurrency ?? DEFAULT_CONCURRENCY,
): Admission {
  const taken = takenPlaces(view, runnable);
  let free = limit - view.going.size;
  const admitted: Run[] = [];
  const held: Idle[] = [];
  for (const run of inOrder(runnable)) {
    const lane = run.state?.lane ?? "default";
    const capacity = workflow.lanes[lane] ?? Number.POSITIVE_INFINITY;
    const used = taken.get(lane) ?? 0;
    const why: Why | undefined =
      used >= capacity ? { code: "lane-full", detail: lane } : free <= 0 ? { code: "no-room" } : undefined;
    if (why) {
      held.push({ kind: "wait", head: run.head, why });
    } else {
      taken.set(lane, used + 1);
      free--;
      admitted.push(run);
    }
  }
  return { admitted, held };
}

function inOrder(runnable: readonly Run[]): Run[] {
  return runnable.toSorted(
    (a, b) =>
      b.request.priority - a.request.priority ||
      a.request.committed - b.request.committed ||
      a.request.hops - b.request.hops ||
      (a.head.branch < b.head.branch ? -1 : 1),
  );
}

/** A lease that is taken over gives up its place, or a lane full of lost runners would stay full. */
function takenPlaces(view: View, runnable: readonly Run[]): Map<string, number> {
  const lanes = [...view.going.values()];
  const over = new Set(runnable.map((run) => run.over?.value));
  for (const { lease, value, dead } of view.leases.values()) {
    const free = dead || over.has(value) || lease?.rest;
    if (lease && !free && !view.going.has(lease.branch)) lanes.push(lease.lane);
  }
  const taken = new Map<string, number>();
  for (const lane of lanes) taken.set(lane, (taken.get(lane) ?? 0) + 1);
  return taken;
}
