/** The policy holds on every view: what may run does, what must not never does. */
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
import { busyView, NOW, view, workflow } from "../../../support/builders/generated-snapshots.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(1250), seed: 1 };

const isHeld = ({ lease, isHolderDead: dead, firstSeen }: ObservedLease): boolean =>
  !lease?.backoff && !dead && NOW.mono - firstSeen <= 1.5 * (lease?.ttlMs ?? 60_000);

/** Watched for less than its time, and begun less than that ago even at the end of the second it names. */
const isResting = ({ lease, firstSeen, committed }: ObservedLease, head: Head): boolean =>
  lease?.backoff !== undefined &&
  lease.request === head.commit &&
  NOW.mono - firstSeen < lease.backoff.ms &&
  NOW.wall - committed * 1000 - 1000 < lease.backoff.ms;

/** Everything that keeps a head from being run, said once more and in another way than in the core. */
function hindrances(seen: Snapshot, head: Head): string[] {
  const { reading } = head;
  const lease = seen.leases.get(head.key);
  const found: Record<string, boolean> = {
    target: head.branch === seen.target,
    unlisted: head.branch.startsWith("skip/"),
    landing: seen.parkedResponses.get(head.key)?.answers === head.commit,
    held: lease !== undefined && isHeld(lease),
    resting: lease !== undefined && isResting(lease, head),
    merge: head.parents.length > 1,
    boundElsewhere: reading.kind === "none" && reading.reason === "bound-elsewhere",
    noRequest: reading.kind === "none",
  };
  if (reading.kind === "request") {
    const foreign = reading.key !== "State" && reading.state === "working";
    const sighted = seen.firstSightings.get(head.commit) ?? NOW.mono;
    found["notScripted"] = !["build", "test"].includes(reading.state) && !foreign;
    found["dependsOn"] = reading.dependsOn.length > 0 && !foreign;
    found["tooEarly"] = (reading.notBefore ?? 0) > NOW.wall && !foreign;
    found["foreign"] = foreign && NOW.mono - sighted < 300_000;
  }
  return Object.keys(found).filter((name) => found[name]);
}

describe("decide", () => {
  it("gives one decision for each head, in the order of the view", () => {
    fc.assert(
      fc.property(view, (seen) => {
        expect(decide(seen, workflow, NOW).map(({ head }) => head)).toEqual(seen.heads);
      }),
      RUNS,
    );
  });

  it("gives the same decisions for the same view, and leaves the view as it was", () => {
    fc.assert(
      fc.property(view, (seen) => {
        const before = structuredClone(seen);
        const first = decide(seen, workflow, NOW);
        expect(seen).toEqual(before);
        const heads = seen.heads.map((head) => ({ ...head, reading: parseRequest(head.branch, head) }));
        expect(decide({ ...seen, heads }, workflow, NOW)).toEqual(first);
      }),
      { ...RUNS, numRuns: cases(250) },
    );
  });

  it("runs exactly what nothing hinders", () => {
    const met = new Set<string>();
    let runs = 0;
    fc.assert(
      fc.property(view, (seen) => {
        for (const decision of decide(seen, workflow, NOW)) {
          const found = hindrances(seen, decision.head);
          for (const name of found) met.add(name);
          if (decision.kind === "run") runs++;
          expect({ found, runs: decision.kind === "run" }).toEqual({ found, runs: found.length === 0 });
        }
      }),
      RUNS,
    );
    // Each hindrance took part, and so did heads without any.
    expect([...met].toSorted()).toEqual([
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

  it("never runs over or deletes a lease that is held and alive", () => {
    fc.assert(
      fc.property(view, (seen) => {
        for (const decision of decide(seen, workflow, NOW)) {
          const lease = seen.leases.get(decision.head.key);
          if (lease && isHeld(lease)) expect(["wait", "park", "ignore", "land"]).toContain(decision.kind);
          if (decision.kind === "expire") expect(decision.previousLease).toBe(lease);
        }
      }),
      RUNS,
    );
  });

  it("counts attempts on the work: a takeover goes on counting, and a limit is never passed", () => {
    fc.assert(
      fc.property(view, (seen) => {
        for (const decision of decide(seen, workflow, NOW)) {
          if (decision.kind !== "run") continue;
          const lease = seen.leases.get(decision.head.key);
          const same = lease?.lease?.request === decision.head.commit;
          expect(decision.previousLease).toBe(lease);
          expect(decision.attempt).toBe(same ? (lease?.lease?.attempt ?? 0) + 1 : 1);
          if (decision.limit !== undefined) continue;
          expect(decision.attempt).toBeLessThanOrEqual((decision.state?.retries ?? 0) + 1);
          expect(decision.request.hops).toBeLessThan(5);
        }
      }),
      RUNS,
    );
  });
});

/** In the workflow of these views a state has one lane. What runs no script has none. */
const laneOf = (run: Run): string =>
  run.limit || run.knownAnswer ? "none" : (run.state?.lane[0] ?? "default");
const capacityOf = (lane: string): number | undefined => workflow.lanes[lane]?.slots;
const inLane = (refs: Iterable<Ref>, lane: string): Ref[] =>
  [...refs].filter((ref) => ref.startsWith(`refs/trailhand/lanes/${lane}/`));

/** The place that the run before this one left, which nobody but this run may take. */
function inherited(seen: Snapshot, { previousLease: over, ...run }: Run): ObservedSlot | undefined {
  const { backoff, slots: [name] = [], run: id } = over?.lease ?? {};
  if (backoff || name === undefined || !name.startsWith(`${laneOf({ previousLease: over, ...run })}/`))
    return undefined;
  const held = seen.slots.get(`refs/trailhand/lanes/${name}` as Ref);
  return held?.run === id ? held : undefined;
}

describe("admit", () => {
  const spread = fc.option(fc.record({ window: fc.nat(6), salt: fc.nat() }), { nil: undefined });
  const admission = fc.tuple(fc.oneof(view, busyView), fc.nat(8), spread).map(([seen, limit, apart]) => {
    const runnable = decide(seen, workflow, NOW).filter((one): one is Run => one.kind === "run");
    const { runs: admitted, waits: held } = admit(seen, workflow, runnable, NOW, limit, apart);
    const taken = new Set([
      ...seen.slots.keys(),
      ...[...seen.runningAttempts.values()].flatMap(({ slots }) => slots),
    ]);
    const after = new Set([...taken, ...admitted.flatMap(({ slots = [] }) => slots.map(({ ref }) => ref))]);
    return { seen, limit, apart, runnable, admitted, held, taken, after };
  });
  type Admitted = typeof admission extends fc.Arbitrary<infer T> ? T : never;

  /** Spread runners keep to the priority alone. */
  const isBefore = (a: Run, b: Run, apart: Spread | undefined): boolean =>
    a.request.priority !== b.request.priority
      ? a.request.priority > b.request.priority
      : !apart && a.request.committed < b.request.committed;

  it("admits or holds each run once, and no more than the limit", () => {
    fc.assert(
      fc.property(admission, ({ seen, limit, runnable, admitted, held }) => {
        const heads = [...admitted, ...held].map(({ head }) => head.branch);
        expect(heads.toSorted()).toEqual(runnable.map(({ head }) => head.branch).toSorted());
        expect(admitted.length).toBeLessThanOrEqual(Math.max(0, limit - seen.runningAttempts.size));
        for (const run of admitted) {
          const { slots: _, ...asked } = run;
          expect(runnable).toContainEqual(asked);
        }
      }),
      RUNS,
    );
  });

  it("gives each run of a lane with bounds one place, and no place twice", () => {
    const met = { fresh: 0, inherited: 0, none: 0 };
    const check = ({ seen, admitted, taken }: Admitted) => {
      const given = admitted.flatMap(({ slots = [] }) => slots.map(({ ref }) => ref));
      expect(new Set(given).size).toBe(given.length);
      for (const run of admitted) {
        const lane = laneOf(run);
        const capacity = capacityOf(lane);
        const [slot, ...more] = run.slots ?? [];
        expect(more).toEqual([]);
        expect(slot !== undefined).toBe(capacity !== undefined);
        if (!slot || capacity === undefined) {
          met.none++;
          continue;
        }
        const index = Number(slot.name.slice(lane.length + 1));
        expect(slot.name).toBe(`${lane}/${index}`);
        expect(slot.ref).toBe(`refs/trailhand/lanes/${slot.name}`);
        const before = inherited(seen, run);
        expect(slot.expected).toBe(before?.value ?? null);
        if (before) {
          met.inherited++;
          expect(slot.ref).toBe(before.ref);
        } else {
          met.fresh++;
          expect(taken).not.toContain(slot.ref);
          expect(index).toBeLessThan(capacity);
        }
      }
    };
    fc.assert(fc.property(admission, check), RUNS);
    for (const [what, count] of Object.entries(met)) expect(count, what).toBeGreaterThan(cases(12));
  });

  it("never fills a lane beyond its capacity, and adds nothing to one that is", () => {
    fc.assert(
      fc.property(admission, ({ taken, after }) => {
        for (const [lane, { slots: capacity = Number.POSITIVE_INFINITY }] of Object.entries(workflow.lanes)) {
          const before = inLane(taken, lane).length;
          expect(inLane(after, lane).length).toBeLessThanOrEqual(Math.max(capacity, before));
        }
      }),
      RUNS,
    );
  });

  it("goes by priority, then by age, and no lower rank takes the place of a higher one", () => {
    const check = ({ seen, apart, runnable, admitted, held }: Admitted) => {
      for (const [at, run] of admitted.slice(1).entries()) {
        const earlier = admitted[at];
        if (earlier) expect(isBefore(run, earlier, apart)).toBe(false);
      }
      for (const { head, why } of held) {
        const run = runnable.find((one) => one.head === head);
        if (!run) throw new TypeError("what is held was not asked for");
        const rivals = admitted.filter(
          (one) => why.code === "no-room" || (laneOf(one) === laneOf(run) && !inherited(seen, one)),
        );
        expect(rivals.some((one) => isBefore(run, one, apart))).toBe(false);
      }
    };
    fc.assert(fc.property(admission, check), RUNS);
  });

  it("holds a run only when there is no place for it", () => {
    const met = { "no-room": 0, "lane-full": 0 };
    const check = ({ seen, limit, runnable, admitted, held, after }: Admitted) => {
      for (const { head, why } of held) {
        const run = runnable.find((one) => one.head === head);
        if (!run) throw new TypeError("what is held was not asked for");
        if (why.code === "lane-full") {
          expect(why.detail).toBe(laneOf(run));
          // A place of its own does not help where others alone fill the lane, since that was made narrower.
          const own = inherited(seen, run)?.ref;
          expect(inLane(after, why.detail).filter((ref) => ref !== own).length).toBeGreaterThanOrEqual(
            capacityOf(why.detail) ?? Number.POSITIVE_INFINITY,
          );
          met["lane-full"]++;
        } else {
          expect(why.code).toBe("no-room");
          expect(admitted.length + seen.runningAttempts.size).toBeGreaterThanOrEqual(limit);
          met["no-room"]++;
        }
      }
    };
    fc.assert(fc.property(admission, check), RUNS);
    for (const count of Object.values(met)) expect(count).toBeGreaterThan(cases(12));
  });
});
