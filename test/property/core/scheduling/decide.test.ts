/** Checks decisions and admission on generated snapshots: exactly the requests that may run do run. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Run } from "../../../../src/core/scheduling/decide.ts";
import type { Ref } from "../../../../src/core/protocol/ids.ts";
import { admit, type Spread } from "../../../../src/core/scheduling/admission.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import type {
  Head,
  ObservedLease,
  ObservedSlot,
  Snapshot,
} from "../../../../src/core/scheduling/snapshot.ts";
import { busySnapshot, NOW, anySnapshot, workflow } from "../../../support/builders/generated-snapshots.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(1250), seed: 1 };

const isHeld = ({ lease, isHolderDead, firstSeen }: ObservedLease): boolean =>
  !lease?.backoff && !isHolderDead && NOW.mono - firstSeen <= 1.5 * (lease?.ttlMs ?? 60_000);

/** Watched for less than its back-off, which is not over by its date either, rounded up to a second. */
const isBackingOff = ({ lease, firstSeen, committed }: ObservedLease, head: Head): boolean =>
  lease?.backoff !== undefined &&
  lease.request === head.commit &&
  NOW.mono - firstSeen < lease.backoff.ms &&
  NOW.wall - committed * 1000 - 1000 < lease.backoff.ms;

/** A second implementation of all reasons why a head does not run. */
function obstaclesOf(snapshot: Snapshot, head: Head): string[] {
  const { reading } = head;
  const lease = snapshot.leases.get(head.key);
  const obstacles: Record<string, boolean> = {
    target: head.branch === snapshot.target,
    unlisted: head.branch.startsWith("skip/"),
    landing: snapshot.parkedResponses.get(head.key)?.answers === head.commit,
    held: lease !== undefined && isHeld(lease),
    resting: lease !== undefined && isBackingOff(lease, head),
    merge: head.parents.length > 1,
    boundElsewhere: reading.kind === "none" && reading.reason === "bound-elsewhere",
    noRequest: reading.kind === "none",
  };
  if (reading.kind === "request") {
    const isForeign = reading.key !== "State" && reading.state === "working";
    const firstSighting = snapshot.firstSightings.get(head.commit) ?? NOW.mono;
    obstacles["notScripted"] = !["build", "test"].includes(reading.state) && !isForeign;
    obstacles["dependsOn"] = reading.dependsOn.length > 0 && !isForeign;
    obstacles["tooEarly"] = (reading.notBefore ?? 0) > NOW.wall && !isForeign;
    obstacles["foreign"] = isForeign && NOW.mono - firstSighting < 300_000;
  }
  return Object.keys(obstacles).filter((name) => obstacles[name]);
}

describe("decide", () => {
  it("gives one decision for each head, in the order of the snapshot", () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        expect(decide(snapshot, workflow, NOW).map(({ head }) => head)).toEqual(snapshot.heads);
      }),
      RUNS,
    );
  });

  it("gives the same decisions for the same snapshot, and does not change it", () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        const before = structuredClone(snapshot);
        const first = decide(snapshot, workflow, NOW);
        expect(snapshot).toEqual(before);
        const heads = snapshot.heads.map((head) => ({ ...head, reading: parseRequest(head.branch, head) }));
        expect(decide({ ...snapshot, heads }, workflow, NOW)).toEqual(first);
      }),
      { ...RUNS, numRuns: cases(250) },
    );
  });

  it("runs exactly the heads without an obstacle", () => {
    const seenObstacles = new Set<string>();
    let runs = 0;
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        for (const decision of decide(snapshot, workflow, NOW)) {
          const obstacles = obstaclesOf(snapshot, decision.head);
          for (const name of obstacles) seenObstacles.add(name);
          if (decision.kind === "run") runs++;
          expect({ obstacles, runs: decision.kind === "run" }).toEqual({
            obstacles,
            runs: obstacles.length === 0,
          });
        }
      }),
      RUNS,
    );
    // Each obstacle occurred, and so did heads without any.
    expect([...seenObstacles].toSorted()).toEqual([
      "boundElsewhere",
      "dependsOn",
      "foreign",
      "held",
      "landing",
      "merge",
      "noRequest",
      "notScripted",
      "resting",
      "target",
      "tooEarly",
      "unlisted",
    ]);
    expect(runs).toBeGreaterThan(RUNS.numRuns / 10);
  });

  it("never replaces or deletes a lease that is held and alive", () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        for (const decision of decide(snapshot, workflow, NOW)) {
          const lease = snapshot.leases.get(decision.head.key);
          if (lease && isHeld(lease)) expect(["wait", "park", "ignore", "land"]).toContain(decision.kind);
          if (decision.kind === "expire") expect(decision.previousLease).toBe(lease);
        }
      }),
      RUNS,
    );
  });

  it("counts attempts on the work: a replaced run counts, and no limit is exceeded", () => {
    fc.assert(
      fc.property(anySnapshot, (snapshot) => {
        for (const decision of decide(snapshot, workflow, NOW)) {
          if (decision.kind !== "run") continue;
          const lease = snapshot.leases.get(decision.head.key);
          const isSameRequest = lease?.lease?.request === decision.head.commit;
          expect(decision.previousLease).toBe(lease);
          expect(decision.attempt).toBe(isSameRequest ? (lease?.lease?.attempt ?? 0) + 1 : 1);
          if (decision.limit !== undefined) continue;
          expect(decision.attempt).toBeLessThanOrEqual((decision.state?.retries ?? 0) + 1);
          expect(decision.request.hops).toBeLessThan(5);
        }
      }),
      RUNS,
    );
  });
});

/** Each state of this workflow has one lane. A run without a script has none. */
const laneOf = (run: Run): string =>
  run.limit || run.knownAnswer ? "none" : (run.state?.lane[0] ?? "default");
const capacityOf = (lane: string): number | undefined => workflow.lanes[lane]?.slots;
const inLane = (refs: Iterable<Ref>, lane: string): Ref[] =>
  [...refs].filter((ref) => ref.startsWith(`refs/trailhand/lanes/${lane}/`));

/** The slot that the previous run still holds. Only the run that replaces it may take this slot. */
function inheritedSlot(snapshot: Snapshot, run: Run): ObservedSlot | undefined {
  const { backoff, slots: [name] = [], run: id } = run.previousLease?.lease ?? {};
  if (backoff || name === undefined || !name.startsWith(`${laneOf(run)}/`)) return undefined;
  const slot = snapshot.slots.get(`refs/trailhand/lanes/${name}` as Ref);
  return slot?.run === id ? slot : undefined;
}

describe("admit", () => {
  const spread = fc.option(fc.record({ window: fc.nat(6), salt: fc.nat() }), { nil: undefined });
  const admission = fc
    .tuple(fc.oneof(anySnapshot, busySnapshot), fc.nat(8), spread)
    .map(([snapshot, limit, ownSpread]) => {
      const runnable = decide(snapshot, workflow, NOW).filter(
        (decision): decision is Run => decision.kind === "run",
      );
      const { runs, waits } = admit(snapshot, workflow, runnable, NOW, limit, ownSpread);
      const occupiedBefore = new Set([
        ...snapshot.slots.keys(),
        ...[...snapshot.runningAttempts.values()].flatMap(({ slots }) => slots),
      ]);
      const occupiedAfter = new Set([
        ...occupiedBefore,
        ...runs.flatMap(({ slots = [] }) => slots.map(({ ref }) => ref)),
      ]);
      return { snapshot, limit, ownSpread, runnable, runs, waits, occupiedBefore, occupiedAfter };
    });
  type AdmissionCase = typeof admission extends fc.Arbitrary<infer T> ? T : never;

  /** With a spread, only the priority decides. */
  const isBefore = (a: Run, b: Run, ownSpread: Spread | undefined): boolean =>
    a.request.priority !== b.request.priority
      ? a.request.priority > b.request.priority
      : !ownSpread && a.request.committed < b.request.committed;

  it("admits or delays each run once, and admits no more than the limit", () => {
    fc.assert(
      fc.property(admission, ({ snapshot, limit, runnable, runs, waits }) => {
        const heads = [...runs, ...waits].map(({ head }) => head.branch);
        expect(heads.toSorted()).toEqual(runnable.map(({ head }) => head.branch).toSorted());
        expect(runs.length).toBeLessThanOrEqual(Math.max(0, limit - snapshot.runningAttempts.size));
        for (const run of runs) {
          const { slots: _, ...withoutSlots } = run;
          expect(runnable).toContainEqual(withoutSlots);
        }
      }),
      RUNS,
    );
  });

  it("assigns one slot to each run in a lane with a capacity, and no slot twice", () => {
    const counts = { free: 0, inherited: 0, none: 0 };
    const check = ({ snapshot, runs, occupiedBefore }: AdmissionCase) => {
      const assigned = runs.flatMap(({ slots = [] }) => slots.map(({ ref }) => ref));
      expect(new Set(assigned).size).toBe(assigned.length);
      for (const run of runs) {
        const lane = laneOf(run);
        const capacity = capacityOf(lane);
        const [slot, ...more] = run.slots ?? [];
        expect(more).toEqual([]);
        expect(slot !== undefined).toBe(capacity !== undefined);
        if (!slot || capacity === undefined) {
          counts.none++;
          continue;
        }
        const index = Number(slot.name.slice(lane.length + 1));
        expect(slot.name).toBe(`${lane}/${index}`);
        expect(slot.ref).toBe(`refs/trailhand/lanes/${slot.name}`);
        const inherited = inheritedSlot(snapshot, run);
        expect(slot.expected).toBe(inherited?.value ?? null);
        if (inherited) {
          counts.inherited++;
          expect(slot.ref).toBe(inherited.ref);
        } else {
          counts.free++;
          expect(occupiedBefore).not.toContain(slot.ref);
          expect(index).toBeLessThan(capacity);
        }
      }
    };
    fc.assert(fc.property(admission, check), RUNS);
    for (const [kind, count] of Object.entries(counts)) expect(count, kind).toBeGreaterThan(cases(12));
  });

  it("never fills a lane above its capacity, and adds nothing to one that is", () => {
    fc.assert(
      fc.property(admission, ({ occupiedBefore, occupiedAfter }) => {
        for (const [lane, { slots: capacity = Number.POSITIVE_INFINITY }] of Object.entries(workflow.lanes)) {
          const before = inLane(occupiedBefore, lane).length;
          expect(inLane(occupiedAfter, lane).length).toBeLessThanOrEqual(Math.max(capacity, before));
        }
      }),
      RUNS,
    );
  });

  it("orders runs by priority, then by age, and never assigns a slot to a lower rank first", () => {
    const check = ({ snapshot, ownSpread, runnable, runs, waits }: AdmissionCase) => {
      for (const [at, run] of runs.slice(1).entries()) {
        const earlier = runs[at];
        if (earlier) expect(isBefore(run, earlier, ownSpread)).toBe(false);
      }
      for (const { head, why } of waits) {
        const run = runnable.find((candidate) => candidate.head === head);
        if (!run) throw new TypeError("the delayed run was not requested");
        const rivals = runs.filter(
          (rival) =>
            why.code === "no-room" || (laneOf(rival) === laneOf(run) && !inheritedSlot(snapshot, rival)),
        );
        expect(rivals.some((rival) => isBefore(run, rival, ownSpread))).toBe(false);
      }
    };
    fc.assert(fc.property(admission, check), RUNS);
  });

  it("delays a run only if there is no slot for it", () => {
    const counts = { "no-room": 0, "lane-full": 0 };
    const check = ({ snapshot, limit, runnable, runs, waits, occupiedAfter }: AdmissionCase) => {
      for (const { head, why } of waits) {
        const run = runnable.find((candidate) => candidate.head === head);
        if (!run) throw new TypeError("the delayed run was not requested");
        if (why.code === "lane-full") {
          expect(why.detail).toBe(laneOf(run));
          // An inherited slot does not help if other runs alone fill a lane whose capacity was lowered.
          const inherited = inheritedSlot(snapshot, run)?.ref;
          expect(
            inLane(occupiedAfter, why.detail).filter((ref) => ref !== inherited).length,
          ).toBeGreaterThanOrEqual(capacityOf(why.detail) ?? Number.POSITIVE_INFINITY);
          counts["lane-full"]++;
        } else {
          expect(why.code).toBe("no-room");
          expect(runs.length + snapshot.runningAttempts.size).toBeGreaterThanOrEqual(limit);
          counts["no-room"]++;
        }
      }
    };
    fc.assert(fc.property(admission, check), RUNS);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(cases(12));
  });
});
