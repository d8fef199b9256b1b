import { describe, expect, it } from "vitest";
import { NO_AMOUNTS } from "../../../src/core/util/amounts.ts";
import type { Ref } from "../../../src/core/protocol/ids.ts";
import { type Holder, type Lease } from "../../../src/core/protocol/lease.ts";
import { slotRef } from "../../../src/core/protocol/refs.ts";
import { LEASES } from "../../../src/core/protocol/refs.ts";
import { parseRequest } from "../../../src/core/protocol/request.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type Head,
  type Snapshot,
} from "../../../src/core/scheduling/snapshot.ts";
import { Observer } from "../../../src/engine/observer.ts";
import type { LeaseRef, RefListing } from "../../../src/engine/ports.ts";
import { branch, RUN, sha } from "../../support/builders/generated-snapshots.ts";

const deadHolder: Holder = { boot: "b", pid: 1, started: "1" };
const livingHolder: Holder = { boot: "b", pid: 2, started: "2" };

/** An observer whose clock the test sets. */
function makeObserver() {
  let now = 0;
  const machine = { isDead: ({ pid }: Holder) => pid === deadHolder.pid };
  const observer = new Observer({ clock: { mono: () => now }, machine });
  return (at: number, listing: Partial<RefListing>): Snapshot => {
    now = at;
    const empty = {
      leases: new Map(),
      slots: new Map(),
      parkedResponses: new Map(),
      sideRefs: NO_SIDE_REFS,
      isUnchanged: false,
    };
    const whole: RefListing = { target: branch("main"), heads: [], ...empty, ...listing };
    return observer.observe(whole, new Map(), new Map(), NO_HISTORY_FACTS);
  };
}

function recordOf(ref: Ref, value: number, holder?: Holder): LeaseRef {
  const lease: Lease = {
    branch: branch("a"),
    request: sha(1),
    run: RUN,
    runner: "r",
    attempt: 1,
    ttlMs: 1000,
    nonce: "n",
    lanes: ["wide"],
    slots: ["wide/0"],
    spent: NO_AMOUNTS,
    ...(holder ? { holder } : {}),
  };
  return { ref, value: sha(value), committed: 1234, lease };
}

const LEASE = `${LEASES}key` as Ref;
const SLOT = slotRef("wide", 0);
const lease = (value: number, holder?: Holder): Partial<RefListing> => ({
  leases: new Map([["key", recordOf(LEASE, value, holder)]]),
});
const slot = (value: number): Partial<RefListing> => ({ slots: new Map([[SLOT, recordOf(SLOT, value)]]) });
const leaseIn = (snapshot: Snapshot) => snapshot.leases.get("key");

describe("a lease", () => {
  it("keeps the content of the listing", () => {
    const leaseRef = recordOf(LEASE, 7);
    expect(leaseIn(makeObserver()(5, lease(7)))).toEqual({
      ...leaseRef,
      firstSeen: 5,
      wasSeenBefore: false,
      isHolderDead: false,
    });
  });

  it("keeps its first sight, and was seen before from the second poll on", () => {
    const observe = makeObserver();
    expect(leaseIn(observe(100, lease(7)))).toMatchObject({ firstSeen: 100, wasSeenBefore: false });
    expect(leaseIn(observe(200, lease(7)))).toMatchObject({ firstSeen: 100, wasSeenBefore: true });
    expect(leaseIn(observe(300, lease(7)))).toMatchObject({ firstSeen: 100, wasSeenBefore: true });
  });

  it("counts as new after each renewal", () => {
    const observe = makeObserver();
    observe(100, lease(7));
    expect(leaseIn(observe(200, lease(8)))).toMatchObject({ firstSeen: 200, wasSeenBefore: false });
  });

  it("is forgotten when a poll does not find it", () => {
    const observe = makeObserver();
    observe(100, lease(7));
    observe(200, {});
    expect(leaseIn(observe(300, lease(7)))).toMatchObject({ firstSeen: 300, wasSeenBefore: false });
  });

  it("was not seen before only because its lane slot was", () => {
    const observe = makeObserver();
    observe(100, slot(7));
    expect(leaseIn(observe(200, { ...lease(7), ...slot(7) }))).toMatchObject({
      firstSeen: 200,
      wasSeenBefore: false,
    });
  });

  it("has a dead holder when the holder ran on this machine and is gone", () => {
    const observe = makeObserver();
    expect(leaseIn(observe(0, lease(7, deadHolder)))?.isHolderDead).toBe(true);
    expect(leaseIn(observe(0, lease(7, livingHolder)))?.isHolderDead).toBe(false);
    expect(leaseIn(observe(0, lease(7)))?.isHolderDead).toBe(false);
    const unreadable = { ...recordOf(LEASE, 7), lease: undefined };
    expect(leaseIn(observe(0, { leases: new Map([["key", unreadable]]) }))?.isHolderDead).toBe(false);
  });
});

describe("a lane slot", () => {
  const slotIn = (snapshot: Snapshot) => snapshot.slots.get(SLOT);

  it("names the run that took it, or no run if its lease is unreadable", () => {
    expect(slotIn(makeObserver()(0, slot(7)))).toEqual({
      ref: SLOT,
      value: sha(7),
      run: RUN,
      wasSeenBefore: false,
    });
    const unreadable = { ...recordOf(SLOT, 7), lease: undefined };
    expect(slotIn(makeObserver()(0, { slots: new Map([[SLOT, unreadable]]) }))?.run).toBeUndefined();
  });

  it("was seen before from the second poll on, as long as its value is the same", () => {
    const observe = makeObserver();
    expect(slotIn(observe(1, slot(7)))?.wasSeenBefore).toBe(false);
    expect(slotIn(observe(2, slot(7)))?.wasSeenBefore).toBe(true);
    expect(slotIn(observe(3, slot(8)))?.wasSeenBefore).toBe(false);
    expect(slotIn(observe(4, {}))).toBeUndefined();
    expect(slotIn(observe(5, slot(8)))?.wasSeenBefore).toBe(false);
  });

  it("was not seen before only because a young lease has the same value", () => {
    const observe = makeObserver();
    observe(1, lease(7));
    expect(slotIn(observe(2, { ...lease(7), ...slot(7) }))?.wasSeenBefore).toBe(false);
    expect(slotIn(observe(3, { ...lease(7), ...slot(7) }))?.wasSeenBefore).toBe(true);
  });
});

describe("a head that a foreign worker has claimed", () => {
  const headOf = (state: string, commit: number): Head => {
    const record = { commit: sha(commit), parents: [], committed: 1, message: `s\n\ndwp-state: ${state}\n` };
    return { ...record, branch: branch("a"), key: "key", reading: parseRequest(branch("a"), record) };
  };

  it("keeps its first sight; other heads have none", () => {
    const observe = makeObserver();
    const heads = [headOf("working", 3), headOf("build", 4)];
    expect(observe(100, { heads }).firstSightings).toEqual(new Map([[sha(3), 100]]));
    expect(observe(200, { heads }).firstSightings).toEqual(new Map([[sha(3), 100]]));
    observe(300, {});
    expect(observe(400, { heads }).firstSightings).toEqual(new Map([[sha(3), 400]]));
  });
});
