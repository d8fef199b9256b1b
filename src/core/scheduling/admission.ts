/**
 * Admission: which runnable requests fit now, and in which order.
 *
 * What must hold: a higher priority goes first, and waiting raises it; then the older request, then
 * the one with fewer hand-offs behind it, so that nobody is overtaken for ever by newcomers, those
 * that need many places neither; places of several lanes are given all at once or not at all; a full
 * lane holds up its own branches only; no place of a lane is given to two.
 */
import type { Idle, QuotaClaim, Run, SlotClaim, DecisionReason } from "./decide.ts";
import type { Ref } from "../protocol/ids.ts";
import { LANES, slotRef } from "../protocol/refs.ts";
import { findQuota } from "./quotas.ts";
import { hashScore } from "./sharding.ts";
import type { Now, Snapshot } from "./snapshot.ts";
import type { Lane, Workflow } from "../workflow/workflow.ts";
import { DEFAULTS } from "../workflow/defaults.ts";

export interface Admission {
  readonly runs: readonly Run[];
  readonly waits: readonly Idle[];
}

/**
 * How runners that look at the same list keep out of each other's way: each takes the first
 * `window` requests of the same rank in an order of its own, drawn anew each time by `salt`.
 */
export interface Spread {
  readonly window: number;
  readonly salt: number;
}

/** What admission has given so far. */
interface Assigned {
  /** Places that are held, by anyone. */
  readonly taken: Set<Ref>;
  readonly slots: Set<Ref>;
  readonly quotas: Set<Ref>;
}

/** `limit` is how many attempts this runner may have at once; `view.going` count among them. */
export function admit(
  view: Snapshot,
  workflow: Workflow,
  runnable: readonly Run[],
  now: Now,
  limit: number = workflow.limits.concurrency ?? DEFAULTS.concurrency,
  spread?: Spread,
): Admission {
  const going = [...view.runningAttempts.values()].flatMap(({ slots }) => slots);
  const given: Assigned = {
    taken: new Set([...view.slots.keys(), ...going]),
    slots: new Set(),
    quotas: new Set(),
  };
  let free = limit - view.runningAttempts.size;
  const admitted: Run[] = [];
  const held: Idle[] = [];
  const kept = new Set<string>();
  for (const run of byPriority(runnable, workflow, now, spread)) {
    const places = reservedLane(run, kept) ?? claimLanes(view, workflow, run, now, given);
    const why: DecisionReason | undefined =
      "code" in places ? places : free <= 0 ? { code: "no-room" } : undefined;
    if (why || "code" in places) {
      if (why?.code === "lane-full")
        for (const lane of partlyFreeLanes(run, workflow, now, given)) kept.add(lane);
      held.push({ kind: "wait", head: run.head, why: why ?? { code: "no-room" } });
      continue;
    }
    const { slots, quotas } = places;
    for (const { ref } of slots) {
      given.taken.add(ref);
      given.slots.add(ref);
    }
    for (const { ref } of quotas) given.quotas.add(ref);
    free--;
    admitted.push({
      ...run,
      ...(slots.length > 0 ? { slots } : {}),
      ...(quotas.length > 0 ? { quotas } : {}),
    });
  }
  return { runs: admitted, waits: held };
}

/** Lanes with places left, but too few for one who has long waited: those below it take none of them. */
function partlyFreeLanes(
  { request, state }: Run,
  workflow: Workflow,
  now: Now,
  { taken }: Assigned,
): string[] {
  if (now.wall - request.committed * 1000 < workflow.limits.ageing) return [];
  return (state?.lane ?? []).filter((lane) => {
    const capacity = workflow.lanes[lane]?.slots;
    const free = (capacity ?? 0) - [...taken].filter((ref) => ref.startsWith(`${LANES}${lane}/`)).length;
    return capacity !== undefined && free > 0 && free < Math.min(state?.weight ?? 1, capacity);
  });
}

function reservedLane(run: Run, kept: ReadonlySet<string>): DecisionReason | undefined {
  if (run.limit || run.knownAnswer) return undefined;
  const lane = run.state?.lane.find((name) => kept.has(name));
  return lane === undefined ? undefined : { code: "lane-full", detail: lane };
}

/** What is asked for, and how long it has waited: each `ageing` of that is a point of priority. */
function rankOf({ request }: Run, workflow: Workflow, now: Now): number {
  const waited = Math.max(0, now.wall - request.committed * 1000);
  return request.priority + Math.floor(waited / workflow.limits.ageing);
}

/** Those that go first, first. */
export function byPriority(runnable: readonly Run[], workflow: Workflow, now: Now, spread?: Spread): Run[] {
  const ranks = new Map(runnable.map((run) => [run, rankOf(run, workflow, now)]));
  const rank = (run: Run | undefined): number => (run && ranks.get(run)) ?? 0;
  const sorted = runnable.toSorted(
    (a, b) =>
      rank(b) - rank(a) ||
      a.request.committed - b.request.committed ||
      a.request.hops - b.request.hops ||
      (a.head.branch < b.head.branch ? -1 : 1),
  );
  if (!spread) return sorted;
  const first = rank(sorted[0]);
  const same = sorted.findIndex((run) => rank(run) !== first);
  const end = Math.min(spread.window, same < 0 ? sorted.length : same);
  const turn = ({ head }: Run) => hashScore(String(spread.salt), head.key);
  const shuffled = sorted.slice(0, end).toSorted((a, b) => turn(a) - turn(b));
  return [...shuffled, ...sorted.slice(end)];
}

interface LaneClaims {
  readonly slots: readonly SlotClaim[];
  readonly quotas: readonly QuotaClaim[];
}

/** A place in each lane of the state, or why there is none. What runs no script needs no place. */
function claimLanes(
  view: Snapshot,
  workflow: Workflow,
  run: Run,
  now: Now,
  given: Assigned,
): LaneClaims | DecisionReason {
  const slots: SlotClaim[] = [];
  const quotas: QuotaClaim[] = [];
  if (run.limit || run.knownAnswer) return { slots, quotas };
  const taken = new Set(given.taken);
  for (const name of run.state?.lane ?? []) {
    const lane = workflow.lanes[name];
    if (!lane) continue;
    const quota = findQuota(view, run, name, lane, now, given.quotas);
    if (quota && "code" in quota) return quota;
    const found = findSlots(view, run, name, lane, taken, given.slots);
    if (!found) return { code: "lane-full", detail: name };
    for (const { ref } of found) taken.add(ref);
    slots.push(...found);
    if (quota) quotas.push(quota);
  }
  return { slots, quotas };
}

/**
 * The places that a claim takes in one lane. A run that is taken over hands its own on; otherwise
 * free ones, looked for from a point that differs from branch to branch, so that claims seldom meet.
 */
function findSlots(
  view: Snapshot,
  run: Run,
  lane: string,
  { slots: capacity }: Lane,
  taken: ReadonlySet<Ref>,
  given: ReadonlySet<Ref>,
): SlotClaim[] | undefined {
  if (capacity === undefined) return [];
  // What is heavier than its lane takes all of it, or it would wait for ever.
  const weight = Math.min(run.state?.weight ?? 1, capacity);
  const found: SlotClaim[] = inheritedSlots(view, run, lane, given).slice(0, weight);
  const own = new Set(found.map(({ ref }) => ref));
  const used = [...taken].filter((ref) => ref.startsWith(`${LANES}${lane}/`) && !own.has(ref)).length;
  if (used + weight > capacity) return undefined;
  const start = hashScore("", run.head.key) % capacity;
  for (let step = 0; step < capacity && found.length < weight; step++) {
    const index = (start + step) % capacity;
    const ref = slotRef(lane, index);
    if (!taken.has(ref)) found.push({ name: `${lane}/${index}`, ref, expected: null });
  }
  return found.length === weight ? found : undefined;
}

/** Places in a lane that the run which is taken over still holds. */
function inheritedSlots(view: Snapshot, run: Run, lane: string, given: ReadonlySet<Ref>): SlotClaim[] {
  const before = run.previousLease?.lease;
  if (!before || before.backoff) return [];
  return before.slots.flatMap((name): SlotClaim[] => {
    const ref = `${LANES}${name}` as Ref;
    const held = view.slots.get(ref);
    const isOurs = name.startsWith(`${lane}/`) && held?.run === before.run && !given.has(ref);
    return isOurs ? [{ name, ref, expected: held.value }] : [];
  });
}
