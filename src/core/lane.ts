/**
 * Admission: which runnable requests fit now, and in which order.
 *
 * What must hold: a higher priority goes first, then the older request, then the one
 * with fewer hand-offs behind it, so that nobody is overtaken
 * for ever by newcomers of the same rank; a full lane holds up its own branches only; no place of a
 * lane is given to two.
 */
import type { Idle, Run, Slot, Why } from "./decide.ts";
import type { Ref } from "./ids.ts";
import { LANES, slotRef } from "./lease.ts";
import { draw } from "./share.ts";
import type { View } from "./view.ts";
import { DEFAULT_CONCURRENCY, type Workflow } from "./workflow.ts";

export interface Admission {
  readonly admitted: readonly Run[];
  readonly held: readonly Idle[];
}

/**
 * How runners that look at the same list keep out of each other's way: each takes the first
 * `window` requests of the same rank in an order of its own, drawn anew each time by `salt`.
 */
export interface Spread {
  readonly window: number;
  readonly salt: number;
}

/** `limit` is how many attempts this runner may have at once; `view.going` count among them. */
export function admit(
  view: View,
  workflow: Workflow,
  runnable: readonly Run[],
  limit: number = workflow.limits.concurrency ?? DEFAULT_CONCURRENCY,
  spread?: Spread,
): Admission {
  const taken = takenSlots(view);
  const given = new Set<Ref>();
  let free = limit - view.going.size;
  const admitted: Run[] = [];
  const held: Idle[] = [];
  for (const run of inOrder(runnable, spread)) {
    const lane = run.state?.lane ?? "default";
    const capacity = workflow.lanes[lane];
    const slot = capacity === undefined ? undefined : findSlot(view, run, lane, capacity, taken, given);
    const isFull = capacity !== undefined && slot === undefined;
    const why: Why | undefined = isFull
      ? { code: "lane-full", detail: lane }
      : free <= 0
        ? { code: "no-room" }
        : undefined;
    if (why) {
      held.push({ kind: "wait", head: run.head, why });
      continue;
    }
    if (slot) {
      taken.add(slot.ref);
      given.add(slot.ref);
    }
    free--;
    admitted.push(slot ? { ...run, slot } : run);
  }
  return { admitted, held };
}

function inOrder(runnable: readonly Run[], spread: Spread | undefined): Run[] {
  const sorted = runnable.toSorted(
    (a, b) =>
      b.request.priority - a.request.priority ||
      a.request.committed - b.request.committed ||
      a.request.hops - b.request.hops ||
      (a.head.branch < b.head.branch ? -1 : 1),
  );
  if (!spread) return sorted;
  const rank = sorted[0]?.request.priority;
  const same = sorted.findIndex(({ request }) => request.priority !== rank);
  const end = Math.min(spread.window, same < 0 ? sorted.length : same);
  const turn = ({ head }: Run) => draw(String(spread.salt), head.key);
  const first = sorted.slice(0, end).toSorted((a, b) => turn(a) - turn(b));
  return [...first, ...sorted.slice(end)];
}

/** Places of lanes that are held, by anyone. */
function takenSlots(view: View): Set<Ref> {
  const going = [...view.going.values()].flatMap(({ slot }) => slot ?? []);
  return new Set([...view.slots.keys(), ...going]);
}

/**
 * The place that a claim takes. A run that is taken over hands its own place on; otherwise a free
 * one, looked for from a point that differs from branch to branch, so that claims seldom meet.
 */
function findSlot(
  view: View,
  run: Run,
  lane: string,
  capacity: number,
  taken: ReadonlySet<Ref>,
  given: ReadonlySet<Ref>,
): Slot | undefined {
  const before = run.over?.lease;
  if (before?.slot !== undefined && !before.rest && before.lane === lane) {
    const ref = slotRef(lane, before.slot);
    const held = view.slots.get(ref);
    if (held?.run === before.run && !given.has(ref)) return { index: before.slot, ref, expected: held.value };
  }
  const used = [...taken].filter((ref) => ref.startsWith(`${LANES}${lane}/`)).length;
  if (used >= capacity) return undefined;
  const start = draw("", run.head.key) % capacity;
  for (let step = 0; step < capacity; step++) {
    const index = (start + step) % capacity;
    const ref = slotRef(lane, index);
    if (!taken.has(ref)) return { index, ref, expected: null };
  }
  return undefined;
}
