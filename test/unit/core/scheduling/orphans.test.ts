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

/** A lease of the branch `gone`, which exists only if the snapshot has a head for it. */
function leaseOf(more: Partial<ObservedLease> = {}, leaseFields: Partial<Lease> = {}): ObservedLease {
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
    ...leaseFields,
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

interface Scan {
  readonly lease?: ObservedLease;
  readonly slot?: ObservedSlot;
  readonly attempt?: RunningAttempt;
  readonly heads?: readonly Head[];
}

function orphansIn({ lease, slot: laneSlot, attempt, heads = [] }: Scan) {
  const snapshot: Snapshot = {
    target: branch("main"),
    heads,
    leases: new Map(lease ? [["gone", lease]] : []),
    slots: new Map(laneSlot ? [[laneSlot.ref, laneSlot]] : []),
    parkedResponses: new Map(),
    takeovers: new Map(),
    firstSightings: new Map(),
    runningAttempts: new Map(attempt ? [[branch("gone"), attempt]] : []),
    sideRefs: NO_SIDE_REFS,
    facts: NO_HISTORY_FACTS,
  };
  return findOrphans(snapshot, NOW);
}

describe("the lease of a deleted branch", () => {
  const orphan = { ref: LEASE, value: sha(7), isConfirmed: true };

  it("is an orphan once it has expired", () => {
    expect(orphansIn({ lease: leaseOf({ firstSeen: NOW.mono - 15_001 }) })).toEqual([orphan]);
    expect(orphansIn({ lease: leaseOf({ firstSeen: NOW.mono - 15_000 }) })).toEqual([]);
    expect(orphansIn({ lease: leaseOf({ firstSeen: NOW.mono, isHolderDead: true }) })).toEqual([orphan]);
  });

  it("is an orphan at once during a back-off, because no run holds it", () => {
    const resting = leaseOf({ firstSeen: NOW.mono }, { backoff: { ms: 60_000, why: "exit 1" } });
    expect(orphansIn({ lease: resting })).toEqual([orphan]);
  });

  it("is an orphan after a while even if it is unreadable", () => {
    expect(orphansIn({ lease: leaseOf({ lease: undefined, firstSeen: 0 }) })).toEqual([orphan]);
    expect(orphansIn({ lease: leaseOf({ lease: undefined, firstSeen: NOW.mono - 60_000 }) })).toEqual([]);
  });

  it("is confirmed only if an earlier scan saw it", () => {
    expect(orphansIn({ lease: leaseOf({ wasSeenBefore: false, isHolderDead: true }) })).toEqual([
      { ...orphan, isConfirmed: false },
    ]);
  });

  it("is not an orphan while the branch exists", () => {
    expect(orphansIn({ lease: leaseOf({ isHolderDead: true }), heads: [headOf("gone")] })).toEqual([]);
    expect(orphansIn({ lease: leaseOf({ isHolderDead: true }), heads: [headOf("other")] })).toEqual([orphan]);
  });

  it("is never an orphan while this process runs under it", () => {
    const attempt = { slots: [SLOT] };
    expect(orphansIn({ lease: leaseOf({ isHolderDead: true, firstSeen: 0 }), attempt })).toEqual([]);
  });
});

describe("a slot of a lane", () => {
  const orphan = { ref: SLOT, value: sha(8), isConfirmed: true };
  const held = leaseOf({ firstSeen: NOW.mono });

  it("is occupied as long as its run has a lease, whatever the value of that lease", () => {
    expect(orphansIn({ slot, lease: held })).toEqual([]);
    expect(orphansIn({ slot, lease: { ...held, value: sha(9), wasSeenBefore: false } })).toEqual([]);
  });

  it("is occupied by an expired lease too, until that is deleted", () => {
    const heads = [headOf("gone")];
    expect(orphansIn({ slot, lease: leaseOf({ isHolderDead: true, firstSeen: 0 }), heads })).toEqual([]);
  });

  it("is an orphan if its run has no lease, or another run has replaced it", () => {
    expect(orphansIn({ slot })).toEqual([orphan]);
    const other = leaseOf({ firstSeen: NOW.mono }, { run: "other" as Lease["run"] });
    expect(orphansIn({ slot, lease: other })).toEqual([orphan]);
    expect(orphansIn({ slot: { ...slot, run: undefined } })).toEqual([orphan]);
  });

  it("is an orphan during the back-off of its run", () => {
    const heads = [headOf("gone")];
    const resting = leaseOf({ firstSeen: NOW.mono }, { backoff: { ms: 60_000, why: "exit 1" } });
    expect(orphansIn({ slot, lease: resting, heads })).toEqual([orphan]);
  });

  it("is confirmed only if an earlier scan saw it, because its lease may be newer than this scan", () => {
    expect(orphansIn({ slot: { ...slot, wasSeenBefore: false } })).toEqual([
      { ...orphan, isConfirmed: false },
    ]);
  });

  it("is never an orphan while this process uses it", () => {
    expect(orphansIn({ slot, attempt: { slots: [SLOT] } })).toEqual([]);
    expect(orphansIn({ slot, attempt: { slots: [slotRef("narrow", 0), SLOT] } })).toEqual([]);
    expect(orphansIn({ slot, attempt: { slots: [slotRef("wide", 2)] } })).toEqual([orphan]);
    expect(orphansIn({ slot, attempt: { slots: [] } })).toEqual([orphan]);
  });
});
