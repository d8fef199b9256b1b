/**
 * Refs that nobody needs any more: leases of branches that are gone, places that ended runs left.
 *
 * What must hold: a look is no snapshot, its refs are read one after another. So a ref counts as
 * left over only when an earlier look saw it too: whatever this look did not find beside it was
 * missed after that, not before.
 */
import { isExpired } from "./decide.ts";
import type { Ref, Sha } from "../protocol/ids.ts";
import type { Now, Snapshot } from "./snapshot.ts";

export interface OrphanRef {
  readonly ref: Ref;
  readonly value: Sha;
  /** False: another look must see it too. */
  readonly isConfirmed: boolean;
}

/** Everything of that kind in a view. */
export function findOrphans(view: Snapshot, now: Now): OrphanRef[] {
  const keys = new Set(view.heads.map(({ key }) => key));
  const lost = [...view.leases].flatMap(([key, seen]): OrphanRef[] => {
    const mine = seen.lease !== undefined && view.runningAttempts.has(seen.lease.branch);
    if (keys.has(key) || mine || !isExpired(seen, now)) return [];
    return [{ ref: seen.ref, value: seen.value, isConfirmed: seen.wasSeenBefore }];
  });
  const runs = new Set([...view.leases.values()].flatMap(({ lease }) => (lease?.backoff ? [] : lease?.run)));
  // A lease that we cannot read may be a later version's, and so may a place that we cannot read.
  const taken = new Set([...view.runningAttempts.values()].flatMap(({ slots }) => slots));
  const free = [...view.slots.values()].filter(({ ref, run }) => !runs.has(run) && !taken.has(ref));
  return [
    ...lost,
    ...free.map(({ ref, value, wasSeenBefore }) => ({ ref, value, isConfirmed: wasSeenBefore })),
  ];
}
