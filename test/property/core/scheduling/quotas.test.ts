/** Lanes that are used up: so many runs in a time, what they spend, hours of the day. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Run } from "../../../../src/core/scheduling/decide.ts";
import type { Ref, Sha } from "../../../../src/core/protocol/ids.ts";
import { admit } from "../../../../src/core/scheduling/admission.ts";
import { opensAt } from "../../../../src/core/scheduling/quotas.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import { formatLaneRun, readSideRefs } from "../../../../src/core/scheduling/side-refs.ts";
import { type LaneUsage, type Snapshot } from "../../../../src/core/scheduling/snapshot.ts";
import { NOW, RUN, sha, workflowOf } from "../../../support/builders/generated-snapshots.ts";
import { HOUR, workflow, headOf, viewOf, scene } from "../../../support/builders/generated-requests.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(500), seed: 3 };

describe("the quota of a lane", () => {
  const live = (marks: readonly LaneUsage[], lane: string, at: number) =>
    marks.filter((one) => one.lane === lane && one.at + (workflow.lanes[lane]?.window ?? 0) > at);

  it("holds in a view: no mark twice, none over a live one, no more than there are runs", () => {
    const met = { given: 0, closed: 0 };
    fc.assert(
      fc.property(scene, ({ view, admission: { runs: admitted, waits: held } }) => {
        const marks = admitted.flatMap(({ quotas = [] }) => quotas);
        met.given += marks.length;
        met.closed += held.filter(({ why }) => why.code === "lane-closed").length;
        expect(new Set(marks.map(({ ref }) => ref)).size).toBe(marks.length);
        const alive = live(view.sideRefs.laneUsage, "metered", NOW.wall);
        const begun = marks.filter(({ lane }) => lane === "metered");
        expect(begun.length).toBeLessThanOrEqual(Math.max(0, 3 - alive.length));
        for (const { ref, expected } of marks) {
          expect(alive.map((one) => one.ref)).not.toContain(ref);
          expect(expected).toBe(view.sideRefs.laneUsage.find((one) => one.ref === ref)?.value ?? null);
        }
        const dear = live(view.sideRefs.laneUsage, "dear", NOW.wall);
        const cost = dear.reduce((sum, one) => sum + one.cost, 0);
        const tokens = dear.reduce((sum, one) => sum + one.tokens, 0);
        const isOpen = cost < 5 && tokens < 1000 && !view.sideRefs.closedUntil.has("dear");
        if (!isOpen) expect(admitted.filter(({ request }) => request.state === "dear")).toEqual([]);
        for (const { head, why } of held) {
          if (why.code !== "lane-closed") continue;
          expect(why.until, head.branch).toBeGreaterThan(NOW.wall);
        }
      }),
      RUNS,
    );
    expect(Math.min(met.given, met.closed)).toBeGreaterThan(cases(50));
  });

  it("is never passed, however many runners claim from views that are out of date", () => {
    const metered = workflowOf(
      "lanes: { m: { runs: 3, window: 1h } }\nstates: { a: { next: done, lane: m } }",
    );
    let refused = 0;
    const steps = fc.array(
      fc.record({
        runner: fc.nat(2),
        looks: fc.boolean(),
        minutes: fc.nat(25),
        branch: fc.nat(20),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const refs = new Map<Ref, { readonly value: Sha; readonly message: string }>();
        const seen: (Snapshot | undefined)[] = [undefined, undefined, undefined];
        let wall = NOW.wall;
        let count = 0;
        for (const { runner, looks, minutes, branch: at } of all) {
          wall += minutes * 60_000;
          const ask = { state: "light", priority: 0, age: 0, after: false };
          const head = headOf(ask, at);
          if (looks || !seen[runner]) {
            const entries = [...refs].map(([ref, { value, message }]) => [ref, value, message] as const);
            seen[runner] = viewOf([], [], [], readSideRefs(entries));
          }
          const commit = { ...head, message: "s\n\nState: a\n" };
          const request = parseRequest(head.branch, commit);
          if (request.kind !== "request") throw new TypeError("it is a request");
          const run: Run = {
            kind: "run",
            head,
            request,
            state: metered.states["a"],
            attempt: 1,
            previousLease: undefined,
          };
          const { runs: admitted } = admit(seen[runner], metered, [run], { mono: 0, wall });
          for (const { ref, expected } of admitted[0]?.quotas ?? []) {
            // The swap of a claim.
            if ((refs.get(ref)?.value ?? null) !== expected) {
              refused++;
              continue;
            }
            const message = formatLaneRun({ lane: "m", run: RUN, at: wall, tokens: 0, cost: 0 });
            refs.set(ref, { value: sha(++count), message });
          }
          const now = readSideRefs(
            [...refs].map(([ref, { value, message }]) => [ref, value, message] as const),
          );
          expect(now.laneUsage.filter((one) => one.at + HOUR > wall).length).toBeLessThanOrEqual(3);
        }
      }),
      RUNS,
    );
    expect(refused).toBeGreaterThan(cases(12));
  });
});

describe("the hours of a lane", () => {
  const time = fc.tuple(fc.nat(23), fc.nat(59));
  const text = ([hour, minute]: readonly [number, number]) =>
    `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

  it("open when going on minute by minute says so", () => {
    fc.assert(
      fc.property(time, time, fc.nat(3 * 86_400_000), (from, to, offset) => {
        const wall = Date.UTC(2026, 0, 1) + offset;
        const [begin, end] = [from[0] * 60 + from[1], to[0] * 60 + to[1]];
        /** True in a minute of the day; the same time twice is the whole day. */
        const isOpen = (minute: number) => {
          if (begin === end) return true;
          for (let at = begin; at !== end; at = (at + 1) % 1440) if (at === minute) return true;
          return false;
        };
        const minuteOf = (ms: number) => new Date(ms).getUTCHours() * 60 + new Date(ms).getUTCMinutes();
        let expected = wall;
        while (!isOpen(minuteOf(expected))) expected = Math.floor(expected / 60_000 + 1) * 60_000;
        expect(opensAt(`${text(from)}-${text(to)}`, wall)).toBe(expected);
      }),
      { ...RUNS, numRuns: cases(125) },
    );
    expect(opensAt(undefined, 5)).toBe(5);
  });
});
