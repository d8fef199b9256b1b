/**
 * Finds side refs without an owner: leases of deleted branches, and slots of runs that have ended.
 *
 * Invariants:
 * - An orphan is confirmed only if an earlier scan saw it too. Refs are read one after another, so a
 *   single scan can miss the owner of a new ref.
 */
import { isReplaceable } from "./decide.ts";
import type { Ref, Sha } from "../protocol/ids.ts";
import type { Now, Snapshot } from "./snapshot.ts";

export interface OrphanRef {
  readonly ref: Ref;
  readonly value: Sha;
  /** False until a second scan has seen it. */
  readonly isConfirmed: boolean;
}

export function findOrphans(snapshot: Snapshot, now: Now): OrphanRef[] {
  const keys = new Set(snapshot.heads.map(({ key }) => key));
  const leases = [...snapshot.leases].flatMap(([key, observed]): OrphanRef[] => {
    const isOurs = observed.lease !== undefined && snapshot.runningAttempts.has(observed.lease.branch);
    if (keys.has(key) || isOurs || !isReplaceable(observed, now)) return [];
    return [{ ref: observed.ref, value: observed.value, isConfirmed: observed.wasSeenBefore }];
  });
  const liveRuns = new Set(
    [...snapshot.leases.values()].flatMap(({ lease }) => (lease?.backoff ? [] : lease?.run)),
  );
  // An unreadable lease puts undefined into `liveRuns`, which keeps unreadable slots: both may have
  // been written by a newer version.
  const ownSlots = new Set([...snapshot.runningAttempts.values()].flatMap(({ slots }) => slots));
  const slots = [...snapshot.slots.values()].filter(
    ({ ref, run }) => !liveRuns.has(run) && !ownSlots.has(ref),
  );
  return [
    ...leases,
    ...slots.map(({ ref, value, wasSeenBefore }) => ({ ref, value, isConfirmed: wasSeenBefore })),
  ];
}
