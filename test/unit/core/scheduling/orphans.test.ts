import { describe, expect, it } from "vitest";
import { NO_AMOUNTS } from "../../../../src/core/util/amounts.ts";
import type { Ref } from "../../../../src/core/protocol/ids.ts";
import { type Lease } from "../../../../src/core/protocol/lease.ts";
import { slotRef } from "../../../../src/core/protocol/refs.ts";
import { LEASES } from "../../../../src/core/protocol/refs.ts";
import { findOrphans } from "../../../../src/core/scheduling/orphans.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type RunningAttempt,
  type Head,
  type ObservedLease,
  type ObservedSlot,
  type Snapshot,
} from "../../../../src/core/scheduling/snapshot.ts";
import { branch, NOW, RUN, sha } from "../../../support/builders/generated-snapshots.ts";

const LEASE = `${LEASES}gone` as Ref;
const SLOT = slotRef("wide", 1);

/** The lease of a branch that is there only when the view says so. */
function leaseOf(more: Partial<ObservedLease> = {}, record: Partial<Lease> = {}): ObservedLease {
  const lease: Lease = {
    branch: branch("gone"),
    request: sha(1),
    run: RUN,
    runner: "r",
    attempt: 1,
    ttlMs: 10_000,
    nonce: "n",
    lanes: ["wide"],
    slots: ["wide/1"],
    spent: NO_AMOUNTS,
    ...record,
  };
  return {
    ref: LEASE,
    value: sha(7),
    lease,
    firstSeen: 0,
    wasSeenBefore: true,
    committed: 0,
    isHolderDead: false,
    ...more,
  };
}

const slot: ObservedSlot = { ref: SLOT, value: sha(8), run: RUN, wasSeenBefore: true };

const headOf = (key: string): Head => {
  const commit = { commit: sha(1), parents: [], committed: 1, message: "s\n\nState: build\n" };
  return { ...commit, branch: branch("gone"), key, reading: parseRequest(branch("gone"), commit) };
};

interface Seen {
  readonly lease?: ObservedLease;
  readonly slot?: ObservedSlot;
  readonly going?: RunningAttempt;
  readonly heads?: readonly Head[];
}

function found({ lease, slot: place, going, heads = [] }: Seen) {
  const view: Snapshot = {
    target: branch("main"),
    heads,
    leases: new Map(lease ? [["gone", lease]] : []),
    slots: new Map(place ? [[place.ref, place]] : []),
    parkedResponses: new Map(),
    takeovers: new Map(),
    firstSightings: new Map(),
    runningAttempts: new Map(going ? [[branch("gone"), going]] : []),
    sideRefs: NO_SIDE_REFS,
    facts: NO_HISTORY_FACTS,
  };
  return findOrphans(view, NOW);
}

describe("the lease of a branch that is gone", () => {
  const left = { ref: LEASE, value: sha(7), isConfirmed: true };

  it("is left over once it has expired", () => {
    expect(found({ lease: leaseOf({ firstSeen: NOW.mono - 15_001 }) })).toEqual([left]);
    expect(found({ lease: leaseOf({ firstSeen: NOW.mono - 15_000 }) })).toEqual([]);
    expect(found({ lease: leaseOf({ firstSeen: NOW.mono, isHolderDead: true }) })).toEqual([left]);
  });

  it("is left over at once while it rests: nobody runs", () => {
    const resting = leaseOf({ firstSeen: NOW.mono }, { backoff: { ms: 60_000, why: "exit 1" } });
    expect(found({ lease: resting })).toEqual([left]);
  });

  it("is left over even when it cannot be read, in its time", () => {
    expect(found({ lease: leaseOf({ lease: undefined, firstSeen: 0 }) })).toEqual([left]);
    expect(found({ lease: leaseOf({ lease: undefined, firstSeen: NOW.mono - 60_000 }) })).toEqual([]);
  });

  it("is sure to be left over only when an earlier look saw it", () => {
    expect(found({ lease: leaseOf({ wasSeenBefore: false, isHolderDead: true }) })).toEqual([
      { ...left, isConfirmed: false },
    ]);
  });

  it("is no concern of this while the branch is there", () => {
    expect(found({ lease: leaseOf({ isHolderDead: true }), heads: [headOf("gone")] })).toEqual([]);
    expect(found({ lease: leaseOf({ isHolderDead: true }), heads: [headOf("other")] })).toEqual([left]);
  });

  it("is never left over while this process works under it", () => {
    const going = { slots: [SLOT] };
    expect(found({ lease: leaseOf({ isHolderDead: true, firstSeen: 0 }), going })).toEqual([]);
  });
});

describe("a place in a lane", () => {
  const left = { ref: SLOT, value: sha(8), isConfirmed: true };
  const held = leaseOf({ firstSeen: NOW.mono });

  it("is held as long as its run has a lease, whatever that lease holds by now", () => {
    expect(found({ slot, lease: held })).toEqual([]);
    expect(found({ slot, lease: { ...held, value: sha(9), wasSeenBefore: false } })).toEqual([]);
  });

  it("is held by an expired lease too, until that is gone", () => {
    const heads = [headOf("gone")];
    expect(found({ slot, lease: leaseOf({ isHolderDead: true, firstSeen: 0 }), heads })).toEqual([]);
  });

  it("is left over when its run has no lease, or another run has taken over", () => {
    expect(found({ slot })).toEqual([left]);
    const other = leaseOf({ firstSeen: NOW.mono }, { run: "other" as Lease["run"] });
    expect(found({ slot, lease: other })).toEqual([left]);
    expect(found({ slot: { ...slot, run: undefined } })).toEqual([left]);
  });

  it("is left over when the lease of its run rests", () => {
    const heads = [headOf("gone")];
    const resting = leaseOf({ firstSeen: NOW.mono }, { backoff: { ms: 60_000, why: "exit 1" } });
    expect(found({ slot, lease: resting, heads })).toEqual([left]);
  });

  it("is sure to be left over only when an earlier look saw it: its lease may be younger than this look", () => {
    expect(found({ slot: { ...slot, wasSeenBefore: false } })).toEqual([{ ...left, isConfirmed: false }]);
  });

  it("is never left over while this process works in it", () => {
    expect(found({ slot, going: { slots: [SLOT] } })).toEqual([]);
    expect(found({ slot, going: { slots: [slotRef("narrow", 0), SLOT] } })).toEqual([]);
    expect(found({ slot, going: { slots: [slotRef("wide", 2)] } })).toEqual([left]);
    expect(found({ slot, going: { slots: [] } })).toEqual([left]);
  });
});
