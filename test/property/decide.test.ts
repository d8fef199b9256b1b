/** The policy holds on every view: what may run does, what must not never does. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Run } from "../../src/core/decide.ts";
import { admit } from "../../src/core/lane.ts";
import { parseRequest } from "../../src/core/request.ts";
import type { Head, SeenLease, View } from "../../src/core/view.ts";
import { NOW, view, workflow } from "./views.ts";

const RUNS = { numRuns: 5000, seed: 1 };

const isHeld = ({ lease, dead, firstSeen }: SeenLease): boolean =>
  !lease?.rest && !dead && NOW.mono - firstSeen <= 1.5 * (lease?.ttlMs ?? 60_000);

const isResting = ({ lease, firstSeen }: SeenLease, head: Head): boolean =>
  lease?.rest !== undefined && lease.request === head.commit && NOW.mono - firstSeen < lease.rest.ms;

/** Everything that keeps a head from being run, said once more and in another way than in the core. */
function hindrances(seen: View, head: Head): string[] {
  const { asked } = head;
  const lease = seen.leases.get(head.key);
  const found: Record<string, boolean> = {
    target: head.branch === seen.target,
    unlisted: head.branch.startsWith("skip/"),
    landing: seen.parked.get(head.key)?.answers === head.commit,
    held: lease !== undefined && isHeld(lease),
    resting: lease !== undefined && isResting(lease, head),
    merge: head.parents.length > 1,
    boundElsewhere: asked.kind === "none" && asked.reason === "bound-elsewhere",
    noRequest: asked.kind === "none",
  };
  if (asked.kind === "request") {
    const foreign = asked.key !== "State" && asked.state === "working";
    const sighted = seen.sightings.get(head.commit) ?? NOW.mono;
    found["notScripted"] = !["build", "test"].includes(asked.state) && !foreign;
    found["dependsOn"] = asked.dependsOn.length > 0 && !foreign;
    found["tooEarly"] = (asked.notBefore ?? 0) > NOW.wall && !foreign;
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
        const heads = seen.heads.map((head) => ({ ...head, asked: parseRequest(head.branch, head) }));
        expect(decide({ ...seen, heads }, workflow, NOW)).toEqual(first);
      }),
      { ...RUNS, numRuns: 1000 },
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
          if (decision.kind === "expire") expect(decision.over).toBe(lease);
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
          expect(decision.over).toBe(lease);
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

const rank = ({ request }: Run): [number, number] => [-request.priority, request.committed];
const before = (a: Run, b: Run): boolean => {
  const [[aRank, aAge], [bRank, bAge]] = [rank(a), rank(b)];
  return aRank < bRank || (aRank === bRank && aAge < bAge);
};
const laneOf = (run: Run): string => run.state?.lane ?? "default";

describe("admit", () => {
  const admission = fc.tuple(view, fc.nat(5)).map(([seen, limit]) => {
    const runnable = decide(seen, workflow, NOW).filter((one): one is Run => one.kind === "run");
    const { admitted, held } = admit(seen, workflow, runnable, limit);
    return { seen, limit, runnable, admitted, held };
  });

  it("admits or holds each run once, and admits within the limit and the lanes", () => {
    fc.assert(
      fc.property(admission, ({ seen, limit, runnable, admitted, held }) => {
        const heads = [...admitted, ...held].map(({ head }) => head.branch);
        expect(heads.toSorted()).toEqual(runnable.map(({ head }) => head.branch).toSorted());
        expect(admitted.length).toBeLessThanOrEqual(Math.max(0, limit - seen.going.size));
        for (const [lane, capacity] of Object.entries(workflow.lanes)) {
          const started = admitted.filter((run) => laneOf(run) === lane).length;
          const going = [...seen.going.values()].filter((one) => one === lane).length;
          if (started > 0) expect(started + going).toBeLessThanOrEqual(capacity);
        }
      }),
      RUNS,
    );
  });

  it("goes by priority, then by age, and no lower rank takes the place of a higher one", () => {
    fc.assert(
      fc.property(admission, ({ runnable, admitted, held }) => {
        for (const [at, run] of admitted.slice(1).entries()) {
          const earlier = admitted[at];
          if (earlier) expect(before(run, earlier)).toBe(false);
        }
        for (const { head, why } of held) {
          const run = runnable.find((one) => one.head === head);
          const rivals = admitted.filter(
            (one) => why.code === "no-room" || (run && laneOf(one) === laneOf(run)),
          );
          if (run) expect(rivals.some((one) => before(run, one))).toBe(false);
        }
      }),
      RUNS,
    );
  });

  it("holds a run only when there is no place for it", () => {
    fc.assert(
      fc.property(admission, ({ seen, limit, runnable, admitted, held }) => {
        const over = new Set(runnable.map((run) => run.over));
        for (const { why } of held) {
          if (why.code === "no-room") expect(admitted.length + seen.going.size).toBeGreaterThanOrEqual(limit);
          else if (why.code === "lane-full") {
            const lane = why.detail;
            const started = admitted.filter((run) => laneOf(run) === lane).length;
            const going = [...seen.going.values()].filter((one) => one === lane).length;
            const others = [...seen.leases.values()].filter(
              (one) => one.lease?.lane === lane && !one.lease.rest && !one.dead && !over.has(one),
            ).length;
            expect(started + going + others).toBeGreaterThanOrEqual(workflow.lanes[lane] ?? Infinity);
          } else expect(why.code).toBe("no-room");
        }
      }),
      RUNS,
    );
  });
});
