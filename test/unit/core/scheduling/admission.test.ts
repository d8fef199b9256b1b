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

/** Soon after the requests: nobody has waited long. */
const NOW: Now = { mono: 1_000_000, wall: 100_000 };

/** A request on a branch of this name, in the order of `at`: the first number is the oldest. */
function runOf(
  name: string,
  at: number,
  state: "build" | "test" = "test",
  priority = 0,
  over?: ObservedLease,
): Run {
  const message = `s\n\nState: ${state}\nPriority: ${priority}\n`;
  const commit = { commit: sha(at), parents: [], committed: at, message };
  const request = parseRequest(branch(name), commit);
  if (request.kind !== "request") throw new TypeError(request.reason);
  const head: Head = { ...commit, branch: branch(name), key: branchKey(branch(name)), reading: request };
  return { kind: "run", head, request, state: workflow.states[state], attempt: 1, previousLease: over };
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

/** A taken place, by a run that is nobody's here unless it is named. */
const slotOf = (lane: string, index: number, run?: ObservedSlot["run"]): ObservedSlot => ({
  ref: slotRef(lane, index),
  value: sha(800 + index),
  run,
  wasSeenBefore: true,
});

const goingIn = (lane: string, index?: number): RunningAttempt => ({
  slots: index === undefined ? [] : [slotRef(lane, index)],
});

/** A place as admission gives it. */
const placeOf = (lane: string, index: number, expected: SlotClaim["expected"] = null): SlotClaim => ({
  name: `${lane}/${index}`,
  ref: slotRef(lane, index),
  expected,
});

const viewOf = (
  slots: ObservedSlot[] = [],
  going: RunningAttempt[] = [],
  leases: ObservedLease[] = [],
): Snapshot => ({
  target: branch("main"),
  heads: [],
  leases: new Map(leases.map((one) => [one.ref, one])),
  slots: new Map(slots.map((one) => [one.ref, one])),
  parkedResponses: new Map(),
  takeovers: new Map(),
  firstSightings: new Map(),
  runningAttempts: new Map(going.map((one, at) => [branch(`going-${at}`), one])),
  sideRefs: NO_SIDE_REFS,
  facts: NO_HISTORY_FACTS,
});

/** The names that go, and the code for each that does not. */
function admitted(view: Snapshot, runs: Run[], limit?: number): [string[], Record<string, string>] {
  const { runs: go, waits: held } = admit(view, workflow, runs, NOW, limit);
  return [
    go.map(({ head }) => head.branch),
    Object.fromEntries(held.map(({ head, why }) => [head.branch, why.code])),
  ];
}

/** The only place of each run that goes. */
const slotsOf = (view: Snapshot, runs: Run[], by = workflow) =>
  admit(view, by, runs, NOW).runs.map(({ slots = [] }) => {
    expect(slots.length).toBeLessThanOrEqual(1);
    return slots[0];
  });

const indexOf = (slot: SlotClaim | undefined): number => Number(slot?.name.split("/")[1] ?? -1);

describe("admit", () => {
  it("goes by priority, then by age", () => {
    const runs = [runOf("c", 3), runOf("a", 2), runOf("b", 1), runOf("z", 9, "test", 5)];
    expect(admitted(viewOf(), runs, 4)).toEqual([["z", "b", "a"], { c: "lane-full" }]);
    expect(admitted(viewOf(), runs, 1)).toEqual([["z"], { a: "no-room", b: "no-room", c: "no-room" }]);
  });

  it("lets a full lane hold up its own branches only", () => {
    const runs = [runOf("a", 1, "build"), runOf("b", 2, "build"), runOf("c", 3)];
    expect(admitted(viewOf(), runs)).toEqual([["a", "c"], { b: "lane-full" }]);
  });

  it("counts what goes on here against the limit, whatever its lane", () => {
    expect(admitted(viewOf([], [goingIn("default")]), [runOf("a", 1)], 1)).toEqual([[], { a: "no-room" }]);
  });
});

describe("work that needs several places", () => {
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
    const view = viewOf([slotOf("wide", 0), slotOf("wide", 1)]);
    return admit(view, heavy, runs, { mono: 0, wall }).runs.map(({ head }) => head.branch);
  };

  it("is overtaken by what fits, and after a while no more", () => {
    expect(at(30_000)).toEqual(["light", "other"]);
    expect(at(61_000)).toEqual([]);
  });
});

describe("the places of a lane", () => {
  it("are given one to a run, by number", () => {
    const [slot] = slotsOf(viewOf(), [runOf("a", 1, "build")]);
    expect(slot).toEqual({ name: "narrow/0", ref: "refs/trailhand/lanes/narrow/0", expected: null });
  });

  it("are none where the lane has no bounds", () => {
    const free = workflowOf("states: { build: {}, test: {} }");
    expect(slotsOf(viewOf(), [runOf("a", 1), runOf("b", 2)], free)).toEqual([undefined, undefined]);
    expect(admit(viewOf(), free, [runOf("a", 1)], NOW).runs[0]).not.toHaveProperty("slots");
  });

  it("are distinct for the runs of one look", () => {
    const slots = slotsOf(viewOf(), [runOf("a", 1), runOf("b", 2), runOf("c", 3)]);
    expect(new Set(slots.map(indexOf))).toEqual(new Set([0, 1, 2]));
    expect(slots).toEqual(slots.map((slot) => placeOf("wide", indexOf(slot))));
  });

  it.each([0, 1, 2])("are found when only number %i is left", (left) => {
    const others = [0, 1, 2].filter((index) => index !== left).map((index) => slotOf("wide", index));
    for (const name of ["a", "b", "c", "d"]) {
      expect(slotsOf(viewOf(others), [runOf(name, 1)])).toEqual([placeOf("wide", left)]);
    }
  });

  it("are not looked for from the same end by every branch, but always so by one", () => {
    const first = (at: number) => indexOf(slotsOf(viewOf(), [runOf(`b${at}`, 1)])[0]);
    const found = Array.from({ length: 30 }, (_, at) => first(at));
    expect(new Set(found)).toEqual(new Set([0, 1, 2]));
    expect(Array.from({ length: 30 }, (_, at) => first(at))).toEqual(found);
  });

  it("are taken by what goes on elsewhere, here, and here but not yet in the view", () => {
    const run = runOf("a", 1, "build");
    const full = [[], { a: "lane-full" }];
    expect(admitted(viewOf([slotOf("narrow", 0)]), [run])).toEqual(full);
    expect(admitted(viewOf([], [goingIn("narrow", 0)]), [run])).toEqual(full);
    expect(
      admitted(viewOf([slotOf("wide", 0)], [goingIn("wide", 1)]), [runOf("a", 1), runOf("b", 2)]),
    ).toEqual([["a"], { b: "lane-full" }]);
    expect(slotsOf(viewOf([slotOf("wide", 0)], [goingIn("wide", 1)]), [runOf("a", 1)])).toEqual([
      placeOf("wide", 2),
    ]);
  });

  it("count once when both the view and this process know them", () => {
    const view = viewOf([slotOf("wide", 1)], [goingIn("wide", 1)]);
    expect(admitted(view, [runOf("a", 1), runOf("b", 2)])).toEqual([["a", "b"], {}]);
  });

  it("are not taken by a lease that holds none", () => {
    const view = viewOf([], [goingIn("narrow")], [leaseOf("x", "narrow", { slots: ["narrow/0"] })]);
    expect(admitted(view, [runOf("a", 1, "build")])[0]).toEqual(["a"]);
  });

  it("are not taken by a lane whose name begins alike", () => {
    expect(admitted(viewOf([slotOf("narrow-2", 0)]), [runOf("a", 1, "build")])[0]).toEqual(["a"]);
  });

  it("are held above a capacity that was lowered, and given again when the lane is below it", () => {
    const one = workflowOf("lanes: { wide: 1 }\nstates: { test: { lane: wide } }");
    const full = { runs: [], waits: [{ why: { code: "lane-full", detail: "wide" } }] };
    const runs = [runOf("a", 1)];
    expect(admit(viewOf([slotOf("wide", 1), slotOf("wide", 2)]), one, runs, NOW)).toMatchObject(full);
    expect(admit(viewOf([slotOf("wide", 2)]), one, runs, NOW)).toMatchObject(full);
    expect(slotsOf(viewOf(), runs, one)).toEqual([placeOf("wide", 0)]);
  });
});

describe("the place of a run that is taken over", () => {
  const lost = leaseOf("a", "wide", { slots: ["wide/1"] });
  const over = (lease: ObservedLease, state: "build" | "test" = "test") => [runOf("a", 1, state, 0, lease)];

  it("is handed on as it is, even in a full lane", () => {
    const view = viewOf([slotOf("wide", 0), slotOf("wide", 1, RUN), slotOf("wide", 2)]);
    expect(slotsOf(view, over(lost))).toEqual([placeOf("wide", 1, sha(801))]);
  });

  it("is given to nobody else of the same look", () => {
    const view = viewOf([slotOf("wide", 1, RUN)]);
    const slots = slotsOf(view, [runOf("b", 0), ...over(lost), runOf("c", 2)]);
    expect(new Set(slots.map(indexOf))).toEqual(new Set([0, 1, 2]));
    expect(slots[1]).toEqual(placeOf("wide", 1, sha(801)));
    expect(admitted(viewOf([slotOf("narrow", 0, RUN)]), [runOf("b", 1, "build")])[0]).toEqual([]);
  });

  it("is not its own when another run has it by now", () => {
    const others = [slotOf("wide", 0), slotOf("wide", 1), slotOf("wide", 2)];
    expect(slotsOf(viewOf(others), over(lost))).toEqual([]);
    expect(slotsOf(viewOf(others.slice(0, 2)), over(lost))).toEqual([placeOf("wide", 2)]);
  });

  it("is looked for anew when it is gone, after a rest, and in another lane", () => {
    expect(slotsOf(viewOf(), over(lost))[0]?.expected).toBeNull();
    const rested = leaseOf("a", "wide", { slots: ["wide/1"], backoff: { ms: 1, why: "exit 1" } });
    const [fresh] = slotsOf(viewOf([slotOf("wide", 1, RUN)]), over(rested));
    expect(indexOf(fresh)).not.toBe(1);
    expect(fresh?.expected).toBeNull();
    expect(slotsOf(viewOf([slotOf("wide", 1, RUN)]), over(lost, "build"))).toEqual([placeOf("narrow", 0)]);
  });
});

describe("a spread", () => {
  const free = workflowOf("states: { build: {}, test: {} }");
  const runs = Array.from({ length: 8 }, (_, at) => runOf(`b${at}`, at));
  const names = runs.map(({ head }) => head.branch as string);
  const orderOf = (spread: Spread | undefined, all = runs): string[] =>
    admit(viewOf(), free, all, NOW, 100, spread).runs.map(({ head }) => head.branch);
  const SALTS = Array.from({ length: 50 }, (_, at) => at * 85_899_345);

  it("draws an order of its own for each salt, and the same one for the same", () => {
    const orders = SALTS.map((salt) => orderOf({ window: 8, salt }).join());
    expect(new Set(orders).size).toBeGreaterThan(45);
    expect(SALTS.map((salt) => orderOf({ window: 8, salt }).join())).toEqual(orders);
    expect(orderOf(undefined)).toEqual(names);
  });

  it("lets each request come first about as often as any other", () => {
    const firsts = Array.from({ length: 800 }, (_, at) => orderOf({ window: 8, salt: at * 5_368_709 })[0]);
    for (const name of names) expect(firsts.filter((first) => first === name).length).toBeGreaterThan(50);
  });

  it("mixes the first of the list only: who is further down comes by age", () => {
    for (const salt of SALTS) {
      const order = orderOf({ window: 3, salt });
      expect(order.slice(0, 3).toSorted()).toEqual(names.slice(0, 3));
      expect(order.slice(3)).toEqual(names.slice(3));
    }
    expect(orderOf({ window: 0, salt: 7 })).toEqual(names);
  });

  it("keeps to the highest rank, whatever the window", () => {
    const urgent = [runOf("y", 20, "test", 1), runOf("z", 21, "test", 1)];
    const firsts = SALTS.map((salt) => {
      const order = orderOf({ window: 8, salt }, [...runs, ...urgent]);
      expect(order.slice(0, 2).toSorted()).toEqual(["y", "z"]);
      expect(order.slice(2)).toEqual(names);
      return order[0];
    });
    expect(new Set(firsts)).toEqual(new Set(["y", "z"]));
  });

  it("admits or holds each request exactly once, and none twice to one place", () => {
    for (const salt of SALTS) {
      const { runs: go, waits: held } = admit(viewOf(), workflow, runs, NOW, 100, { window: 5, salt });
      expect(go).toHaveLength(3);
      expect(new Set(go.map(({ slots }) => slots?.[0]?.ref)).size).toBe(3);
      expect([...go, ...held].map(({ head }) => head.branch).toSorted()).toEqual(names);
    }
  });

  it("of nothing is nothing", () => {
    expect(admit(viewOf(), workflow, [], NOW, 4, { window: 8, salt: 1 })).toEqual({ runs: [], waits: [] });
  });
});
