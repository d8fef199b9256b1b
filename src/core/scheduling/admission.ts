/**
 * Selects the runnable requests that start now, and their order.
 *
 * Invariants:
 * - Priority decides first, and waiting raises it. Ties go to the older request, then to fewer hops.
 * - A request gets its slots in all of its lanes or none, and no slot goes to two requests.
 * - A full lane delays only the requests that use it.
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
  /** Runnable requests that have to wait, each with its reason. */
  readonly waits: readonly Idle[];
}

/**
 * Keeps runners that see the same snapshot from claiming the same request: each runner shuffles the
 * first `window` requests of equal rank. `salt` differs between runners and between passes.
 */
export interface Spread {
  readonly window: number;
  readonly salt: number;
}

/** Refs that are not available to the next request. */
interface ClaimedRefs {
  /** Slots with a holder, the new ones included. */
  readonly occupied: Set<Ref>;
  /** Slots that this pass assigned. */
  readonly slots: Set<Ref>;
  /** Quota marks that this pass assigned. */
  readonly quotas: Set<Ref>;
}

/** `limit` is the runner's maximum of concurrent attempts. Attempts that are running count. */
export function admit(
  snapshot: Snapshot,
  workflow: Workflow,
  runnable: readonly Run[],
  now: Now,
  limit: number = workflow.limits.concurrency ?? DEFAULTS.concurrency,
  spread?: Spread,
): Admission {
  const ownSlots = [...snapshot.runningAttempts.values()].flatMap(({ slots }) => slots);
  const claimed: ClaimedRefs = {
    occupied: new Set([...snapshot.slots.keys(), ...ownSlots]),
    slots: new Set(),
    quotas: new Set(),
  };
  let capacity = limit - snapshot.runningAttempts.size;
  const runs: Run[] = [];
  const waits: Idle[] = [];
  const reservedLanes = new Set<string>();
  for (const run of byPriority(runnable, workflow, now, spread)) {
    const claims = findReservedLane(run, reservedLanes) ?? claimLanes(snapshot, workflow, run, now, claimed);
    const why: DecisionReason | undefined =
      "code" in claims ? claims : capacity <= 0 ? { code: "no-room" } : undefined;
    if (why || "code" in claims) {
      if (why?.code === "lane-full")
        for (const lane of lanesToReserve(run, workflow, now, claimed)) reservedLanes.add(lane);
      waits.push({ kind: "wait", head: run.head, why: why ?? { code: "no-room" } });
      continue;
    }
    const { slots, quotas } = claims;
    for (const { ref } of slots) {
      claimed.occupied.add(ref);
      claimed.slots.add(ref);
    }
    for (const { ref } of quotas) claimed.quotas.add(ref);
    capacity--;
    runs.push({
      ...run,
      ...(slots.length > 0 ? { slots } : {}),
      ...(quotas.length > 0 ? { quotas } : {}),
    });
  }
  return { runs, waits };
}

/**
 * Lanes whose free slots are too few for a request that has waited for at least `ageing`. They are
 * reserved: no request of lower rank takes one of their slots.
 */
function lanesToReserve(
  { request, state }: Run,
  workflow: Workflow,
  now: Now,
  { occupied }: ClaimedRefs,
): string[] {
  if (now.wall - request.committed * 1000 < workflow.limits.ageing) return [];
  return (state?.lane ?? []).filter((lane) => {
    const capacity = workflow.lanes[lane]?.slots;
    const freeCount = (capacity ?? 0) - countSlots(occupied, lane);
    return capacity !== undefined && freeCount > 0 && freeCount < Math.min(state?.weight ?? 1, capacity);
  });
}

const countSlots = (refs: Iterable<Ref>, lane: string): number =>
  [...refs].filter((ref) => ref.startsWith(`${LANES}${lane}/`)).length;

function findReservedLane(run: Run, reservedLanes: ReadonlySet<string>): DecisionReason | undefined {
  if (run.limit || run.knownAnswer) return undefined;
  const lane = run.state?.lane.find((name) => reservedLanes.has(name));
  return lane === undefined ? undefined : { code: "lane-full", detail: lane };
}

/** The requested priority, plus one for each `ageing` that the request has waited. */
function rankOf({ request }: Run, workflow: Workflow, now: Now): number {
  const waitedMs = Math.max(0, now.wall - request.committed * 1000);
  return request.priority + Math.floor(waitedMs / workflow.limits.ageing);
}

/** Sorts requests by rank, highest first. */
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
  const topRank = rank(sorted[0]);
  const firstLower = sorted.findIndex((run) => rank(run) !== topRank);
  const end = Math.min(spread.window, firstLower < 0 ? sorted.length : firstLower);
  const score = ({ head }: Run) => hashScore(String(spread.salt), head.key);
  const shuffled = sorted.slice(0, end).toSorted((a, b) => score(a) - score(b));
  return [...shuffled, ...sorted.slice(end)];
}

interface LaneClaims {
  readonly slots: readonly SlotClaim[];
  readonly quotas: readonly QuotaClaim[];
}

/** Finds slots and quota marks in each lane of the state. A run without a script takes none. */
function claimLanes(
  snapshot: Snapshot,
  workflow: Workflow,
  run: Run,
  now: Now,
  claimed: ClaimedRefs,
): LaneClaims | DecisionReason {
  const slots: SlotClaim[] = [];
  const quotas: QuotaClaim[] = [];
  if (run.limit || run.knownAnswer) return { slots, quotas };
  const occupied = new Set(claimed.occupied);
  for (const name of run.state?.lane ?? []) {
    const lane = workflow.lanes[name];
    if (!lane) continue;
    const quota = findQuota(snapshot, run, name, lane, now, claimed.quotas);
    if (quota && "code" in quota) return quota;
    const laneSlots = findSlots(snapshot, run, name, lane, occupied, claimed.slots);
    if (!laneSlots) return { code: "lane-full", detail: name };
    for (const { ref } of laneSlots) occupied.add(ref);
    slots.push(...laneSlots);
    if (quota) quotas.push(quota);
  }
  return { slots, quotas };
}

/**
 * The slots that a claim takes in one lane; undefined if there are too few. A run that replaces a
 * lost one keeps its slots. Otherwise the search starts at a different slot for each branch, so that
 * concurrent claims rarely collide.
 */
function findSlots(
  snapshot: Snapshot,
  run: Run,
  lane: string,
  { slots: capacity }: Lane,
  occupied: ReadonlySet<Ref>,
  assigned: ReadonlySet<Ref>,
): SlotClaim[] | undefined {
  if (capacity === undefined) return [];
  // A weight above the capacity takes the whole lane. Otherwise the request would wait forever.
  const weight = Math.min(run.state?.weight ?? 1, capacity);
  const claims: SlotClaim[] = inheritedSlots(snapshot, run, lane, assigned).slice(0, weight);
  const inherited = new Set(claims.map(({ ref }) => ref));
  const othersCount = countSlots(
    [...occupied].filter((ref) => !inherited.has(ref)),
    lane,
  );
  if (othersCount + weight > capacity) return undefined;
  const start = hashScore("", run.head.key) % capacity;
  for (let step = 0; step < capacity && claims.length < weight; step++) {
    const index = (start + step) % capacity;
    const ref = slotRef(lane, index);
    if (!occupied.has(ref)) claims.push({ name: `${lane}/${index}`, ref, expected: null });
  }
  return claims.length === weight ? claims : undefined;
}

/** Slots of a lane that the run being replaced still holds. */
function inheritedSlots(snapshot: Snapshot, run: Run, lane: string, assigned: ReadonlySet<Ref>): SlotClaim[] {
  const lease = run.previousLease?.lease;
  if (!lease || lease.backoff) return [];
  return lease.slots.flatMap((name): SlotClaim[] => {
    const ref = `${LANES}${name}` as Ref;
    const slot = snapshot.slots.get(ref);
    const isOurs = name.startsWith(`${lane}/`) && slot?.run === lease.run && !assigned.has(ref);
    return isOurs ? [{ name, ref, expected: slot.value }] : [];
  });
}
