import { describe, expect, it } from "vitest";
import { NO_AMOUNTS } from "../../../../src/core/util/amounts.ts";
import type { Run, SlotClaim } from "../../../../src/core/scheduling/decide.ts";
import type { Ref } from "../../../../src/core/protocol/ids.ts";
import { admit, type Spread } from "../../../../src/core/scheduling/admission.ts";
import { type Lease } from "../../../../src/core/protocol/lease.ts";
import { slotRef } from "../../../../src/core/protocol/refs.ts";
import { LEASES } from "../../../../src/core/protocol/refs.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type RunningAttempt,
  type Head,
  type Now,
  type ObservedLease,
  type ObservedSlot,
  type Snapshot,
} from "../../../../src/core/scheduling/snapshot.ts";
import { branchKey } from "../../../../src/git/swap-refs.ts";
import { branch, RUN, sha, workflow, workflowOf } from "../../../support/builders/generated-snapshots.ts";

/** Soon after the requests, so that waiting raises no priority. */
const NOW: Now = { mono: 1_000_000, wall: 100_000 };

/** `at` is the age of the request: the lowest number is the oldest. */
function runOf(
  name: string,
  at: number,
  state: "build" | "test" = "test",
  priority = 0,
  previousLease?: ObservedLease,
): Run {
  const message = `s\n\nState: ${state}\nPriority: ${priority}\n`;
  const commit = { commit: sha(at), parents: [], committed: at, message };
  const request = parseRequest(branch(name), commit);
  if (request.kind !== "request") throw new TypeError(request.reason);
  const head: Head = { ...commit, branch: branch(name), key: branchKey(branch(name)), reading: request };
  return { kind: "run", head, request, state: workflow.states[state], attempt: 1, previousLease };
}

function leaseOf(name: string, lane: string, more: Partial<Lease> = {}): ObservedLease {
  const lease: Lease = {
    branch: branch(name),
    request: sha(1),
    run: RUN,
    runner: "r",
    attempt: 1,
    ttlMs: 1000,
    nonce: "n",
    lanes: [lane],
    slots: [],
    spent: NO_AMOUNTS,
    ...more,
  };
  const ref = `${LEASES}${branchKey(branch(name))}` as Ref;
  return { ref, value: sha(77), lease, firstSeen: 0, wasSeenBefore: true, committed: 0, isHolderDead: true };
}

/** An occupied slot. Its holder is unknown unless `run` is given. */
const slotOf = (lane: string, index: number, run?: ObservedSlot["run"]): ObservedSlot => ({
  ref: slotRef(lane, index),
  value: sha(800 + index),
  run,
  wasSeenBefore: true,
});

const attemptIn = (lane: string, index?: number): RunningAttempt => ({
  slots: index === undefined ? [] : [slotRef(lane, index)],
});

const claimOf = (lane: string, index: number, expected: SlotClaim["expected"] = null): SlotClaim => ({
  name: `${lane}/${index}`,
  ref: slotRef(lane, index),
  expected,
});

const snapshotOf = (
  slots: ObservedSlot[] = [],
  attempts: RunningAttempt[] = [],
  leases: ObservedLease[] = [],
): Snapshot => ({
  target: branch("main"),
  heads: [],
  leases: new Map(leases.map((lease) => [lease.ref, lease])),
  slots: new Map(slots.map((slot) => [slot.ref, slot])),
  parkedResponses: new Map(),
  takeovers: new Map(),
  firstSightings: new Map(),
  runningAttempts: new Map(attempts.map((attempt, at) => [branch(`running-${at}`), attempt])),
  sideRefs: NO_SIDE_REFS,
  facts: NO_HISTORY_FACTS,
});

/** The branches that run, and the reason code of each branch that waits. */
function admissionOf(snapshot: Snapshot, runs: Run[], limit?: number): [string[], Record<string, string>] {
  const admission = admit(snapshot, workflow, runs, NOW, limit);
  return [
    admission.runs.map(({ head }) => head.branch),
    Object.fromEntries(admission.waits.map(({ head, why }) => [head.branch, why.code])),
  ];
}

/** The slot of each run, which has at most one. */
const slotsOf = (snapshot: Snapshot, runs: Run[], by = workflow) =>
  admit(snapshot, by, runs, NOW).runs.map(({ slots = [] }) => {
    expect(slots.length).toBeLessThanOrEqual(1);
    return slots[0];
  });

const indexOf = (slot: SlotClaim | undefined): number => Number(slot?.name.split("/")[1] ?? -1);

describe("admit", () => {
  it("orders requests by priority, then by age", () => {
    const runs = [runOf("c", 3), runOf("a", 2), runOf("b", 1), runOf("z", 9, "test", 5)];
    expect(admissionOf(snapshotOf(), runs, 4)).toEqual([["z", "b", "a"], { c: "lane-full" }]);
    expect(admissionOf(snapshotOf(), runs, 1)).toEqual([["z"], { a: "no-room", b: "no-room", c: "no-room" }]);
  });

  it("delays only the requests that use a full lane", () => {
    const runs = [runOf("a", 1, "build"), runOf("b", 2, "build"), runOf("c", 3)];
    expect(admissionOf(snapshotOf(), runs)).toEqual([["a", "c"], { b: "lane-full" }]);
  });

  it("counts running attempts of this process against the limit, whatever their lane", () => {
    expect(admissionOf(snapshotOf([], [attemptIn("default")]), [runOf("a", 1)], 1)).toEqual([
      [],
      { a: "no-room" },
    ]);
  });
});

describe("a request that needs several slots", () => {
  const heavy = workflowOf(`
states:
  build: { lane: wide, weight: 3 }
  test: { lane: wide }
lanes: { wide: 4 }
start: [build, test]
limits: { ageing: 60s }
`);
  const at = (wall: number) => {
    const runs = [runOf("heavy", 1, "build"), runOf("light", 2), runOf("other", 3)].map((run) => ({
      ...run,
      state: heavy.states[run.request.state],
    }));
    const snapshot = snapshotOf([slotOf("wide", 0), slotOf("wide", 1)]);
    return admit(snapshot, heavy, runs, { mono: 0, wall }).runs.map(({ head }) => head.branch);
  };

  it("is overtaken by smaller requests until it has waited for `ageing`", () => {
    expect(at(30_000)).toEqual(["light", "other"]);
    expect(at(61_000)).toEqual([]);
  });
});

describe("the slots of a lane", () => {
  it("are assigned one to a run, by number", () => {
    const [slot] = slotsOf(snapshotOf(), [runOf("a", 1, "build")]);
    expect(slot).toEqual({ name: "narrow/0", ref: "refs/trailhand/lanes/narrow/0", expected: null });
  });

  it("do not exist if the lane has no capacity", () => {
    const free = workflowOf("states: { build: {}, test: {} }");
    expect(slotsOf(snapshotOf(), [runOf("a", 1), runOf("b", 2)], free)).toEqual([undefined, undefined]);
    expect(admit(snapshotOf(), free, [runOf("a", 1)], NOW).runs[0]).not.toHaveProperty("slots");
  });

  it("are distinct within one pass", () => {
    const slots = slotsOf(snapshotOf(), [runOf("a", 1), runOf("b", 2), runOf("c", 3)]);
    expect(new Set(slots.map(indexOf))).toEqual(new Set([0, 1, 2]));
    expect(slots).toEqual(slots.map((slot) => claimOf("wide", indexOf(slot))));
  });

  it.each([0, 1, 2])("are found if only number %i is free", (free) => {
    const others = [0, 1, 2].filter((index) => index !== free).map((index) => slotOf("wide", index));
    for (const name of ["a", "b", "c", "d"]) {
      expect(slotsOf(snapshotOf(others), [runOf(name, 1)])).toEqual([claimOf("wide", free)]);
    }
  });

  it("are searched from a different start for each branch, and always the same start for one branch", () => {
    const first = (at: number) => indexOf(slotsOf(snapshotOf(), [runOf(`b${at}`, 1)])[0]);
    const starts = Array.from({ length: 30 }, (_, at) => first(at));
    expect(new Set(starts)).toEqual(new Set([0, 1, 2]));
    expect(Array.from({ length: 30 }, (_, at) => first(at))).toEqual(starts);
  });

  it("count as occupied by other runners, by this runner, and by runs that the snapshot does not list yet", () => {
    const run = runOf("a", 1, "build");
    const full = [[], { a: "lane-full" }];
    expect(admissionOf(snapshotOf([slotOf("narrow", 0)]), [run])).toEqual(full);
    expect(admissionOf(snapshotOf([], [attemptIn("narrow", 0)]), [run])).toEqual(full);
    expect(
      admissionOf(snapshotOf([slotOf("wide", 0)], [attemptIn("wide", 1)]), [runOf("a", 1), runOf("b", 2)]),
    ).toEqual([["a"], { b: "lane-full" }]);
    expect(slotsOf(snapshotOf([slotOf("wide", 0)], [attemptIn("wide", 1)]), [runOf("a", 1)])).toEqual([
      claimOf("wide", 2),
    ]);
  });

  it("count once if both the snapshot and this process list them", () => {
    const snapshot = snapshotOf([slotOf("wide", 1)], [attemptIn("wide", 1)]);
    expect(admissionOf(snapshot, [runOf("a", 1), runOf("b", 2)])).toEqual([["a", "b"], {}]);
  });

  it("are not occupied by a lease without a slot ref", () => {
    const snapshot = snapshotOf([], [attemptIn("narrow")], [leaseOf("x", "narrow", { slots: ["narrow/0"] })]);
    expect(admissionOf(snapshot, [runOf("a", 1, "build")])[0]).toEqual(["a"]);
  });

  it("are not occupied by a lane whose name has the same prefix", () => {
    expect(admissionOf(snapshotOf([slotOf("narrow-2", 0)]), [runOf("a", 1, "build")])[0]).toEqual(["a"]);
  });

  it("count above a lowered capacity, and become free once the lane is below it", () => {
    const smaller = workflowOf("lanes: { wide: 1 }\nstates: { test: { lane: wide } }");
    const full = { runs: [], waits: [{ why: { code: "lane-full", detail: "wide" } }] };
    const runs = [runOf("a", 1)];
    expect(admit(snapshotOf([slotOf("wide", 1), slotOf("wide", 2)]), smaller, runs, NOW)).toMatchObject(full);
    expect(admit(snapshotOf([slotOf("wide", 2)]), smaller, runs, NOW)).toMatchObject(full);
    expect(slotsOf(snapshotOf(), runs, smaller)).toEqual([claimOf("wide", 0)]);
  });
});

describe("the slot of a run that is replaced", () => {
  const lost = leaseOf("a", "wide", { slots: ["wide/1"] });
  const replacing = (lease: ObservedLease, state: "build" | "test" = "test") => [
    runOf("a", 1, state, 0, lease),
  ];

  it("is inherited, even in a full lane", () => {
    const snapshot = snapshotOf([slotOf("wide", 0), slotOf("wide", 1, RUN), slotOf("wide", 2)]);
    expect(slotsOf(snapshot, replacing(lost))).toEqual([claimOf("wide", 1, sha(801))]);
  });

  it("is assigned to no other run of the same pass", () => {
    const snapshot = snapshotOf([slotOf("wide", 1, RUN)]);
    const slots = slotsOf(snapshot, [runOf("b", 0), ...replacing(lost), runOf("c", 2)]);
    expect(new Set(slots.map(indexOf))).toEqual(new Set([0, 1, 2]));
    expect(slots[1]).toEqual(claimOf("wide", 1, sha(801)));
    expect(admissionOf(snapshotOf([slotOf("narrow", 0, RUN)]), [runOf("b", 1, "build")])[0]).toEqual([]);
  });

  it("is not inherited if another run holds it now", () => {
    const others = [slotOf("wide", 0), slotOf("wide", 1), slotOf("wide", 2)];
    expect(slotsOf(snapshotOf(others), replacing(lost))).toEqual([]);
    expect(slotsOf(snapshotOf(others.slice(0, 2)), replacing(lost))).toEqual([claimOf("wide", 2)]);
  });

  it("is searched again if it was released, after a back-off, and in another lane", () => {
    expect(slotsOf(snapshotOf(), replacing(lost))[0]?.expected).toBeNull();
    const rested = leaseOf("a", "wide", { slots: ["wide/1"], backoff: { ms: 1, why: "exit 1" } });
    const [fresh] = slotsOf(snapshotOf([slotOf("wide", 1, RUN)]), replacing(rested));
    expect(indexOf(fresh)).not.toBe(1);
    expect(fresh?.expected).toBeNull();
    expect(slotsOf(snapshotOf([slotOf("wide", 1, RUN)]), replacing(lost, "build"))).toEqual([
      claimOf("narrow", 0),
    ]);
  });
});

describe("a spread", () => {
  const free = workflowOf("states: { build: {}, test: {} }");
  const runs = Array.from({ length: 8 }, (_, at) => runOf(`b${at}`, at));
  const names = runs.map(({ head }) => head.branch as string);
  const orderOf = (spread: Spread | undefined, all = runs): string[] =>
    admit(snapshotOf(), free, all, NOW, 100, spread).runs.map(({ head }) => head.branch);
  const SALTS = Array.from({ length: 50 }, (_, at) => at * 85_899_345);

  it("gives a different order for each salt, and the same order for the same salt", () => {
    const orders = SALTS.map((salt) => orderOf({ window: 8, salt }).join());
    expect(new Set(orders).size).toBeGreaterThan(45);
    expect(SALTS.map((salt) => orderOf({ window: 8, salt }).join())).toEqual(orders);
    expect(orderOf(undefined)).toEqual(names);
  });

  it("puts each request first about equally often", () => {
    const firsts = Array.from({ length: 800 }, (_, at) => orderOf({ window: 8, salt: at * 5_368_709 })[0]);
    for (const name of names) expect(firsts.filter((first) => first === name).length).toBeGreaterThan(50);
  });

  it("shuffles only the first requests; the others stay in order of age", () => {
    for (const salt of SALTS) {
      const order = orderOf({ window: 3, salt });
      expect(order.slice(0, 3).toSorted()).toEqual(names.slice(0, 3));
      expect(order.slice(3)).toEqual(names.slice(3));
    }
    expect(orderOf({ window: 0, salt: 7 })).toEqual(names);
  });

  it("shuffles only the highest rank, whatever the window", () => {
    const urgent = [runOf("y", 20, "test", 1), runOf("z", 21, "test", 1)];
    const firsts = SALTS.map((salt) => {
      const order = orderOf({ window: 8, salt }, [...runs, ...urgent]);
      expect(order.slice(0, 2).toSorted()).toEqual(["y", "z"]);
      expect(order.slice(2)).toEqual(names);
      return order[0];
    });
    expect(new Set(firsts)).toEqual(new Set(["y", "z"]));
  });

  it("admits or delays each request exactly once, and assigns no slot twice", () => {
    for (const salt of SALTS) {
      const admission = admit(snapshotOf(), workflow, runs, NOW, 100, { window: 5, salt });
      expect(admission.runs).toHaveLength(3);
      expect(new Set(admission.runs.map(({ slots }) => slots?.[0]?.ref)).size).toBe(3);
      expect([...admission.runs, ...admission.waits].map(({ head }) => head.branch).toSorted()).toEqual(
        names,
      );
    }
  });

  it("of an empty list is empty", () => {
    expect(admit(snapshotOf(), workflow, [], NOW, 4, { window: 8, salt: 1 })).toEqual({
      runs: [],
      waits: [],
    });
  });
});
