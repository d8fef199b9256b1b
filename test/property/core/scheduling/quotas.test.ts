/** Checks the quotas of lanes: runs and amounts within a window, and opening hours. */
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
import {
  HOUR,
  workflow,
  headOf,
  snapshotWith,
  generatedAdmission,
} from "../../../support/builders/generated-requests.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(500), seed: 3 };

describe("the quota of a lane", () => {
  const live = (marks: readonly LaneUsage[], lane: string, at: number) =>
    marks.filter((mark) => mark.lane === lane && mark.at + (workflow.lanes[lane]?.window ?? 0) > at);

  it("assigns no mark twice, never replaces a live mark, and assigns no more marks than the quota", () => {
    const counts = { marks: 0, closed: 0 };
    fc.assert(
      fc.property(generatedAdmission, ({ snapshot, admission: { runs, waits } }) => {
        const marks = runs.flatMap(({ quotas = [] }) => quotas);
        counts.marks += marks.length;
        counts.closed += waits.filter(({ why }) => why.code === "lane-closed").length;
        expect(new Set(marks.map(({ ref }) => ref)).size).toBe(marks.length);
        const liveMarks = live(snapshot.sideRefs.laneUsage, "metered", NOW.wall);
        const newMarks = marks.filter(({ lane }) => lane === "metered");
        expect(newMarks.length).toBeLessThanOrEqual(Math.max(0, 3 - liveMarks.length));
        for (const { ref, expected } of marks) {
          expect(liveMarks.map((mark) => mark.ref)).not.toContain(ref);
          expect(expected).toBe(snapshot.sideRefs.laneUsage.find((mark) => mark.ref === ref)?.value ?? null);
        }
        const priced = live(snapshot.sideRefs.laneUsage, "priced", NOW.wall);
        const cost = priced.reduce((sum, mark) => sum + mark.cost, 0);
        const tokens = priced.reduce((sum, mark) => sum + mark.tokens, 0);
        const isOpen = cost < 5 && tokens < 1000 && !snapshot.sideRefs.closedUntil.has("priced");
        if (!isOpen) expect(runs.filter(({ request }) => request.state === "priced")).toEqual([]);
        for (const { head, why } of waits) {
          if (why.code !== "lane-closed") continue;
          expect(why.until, head.branch).toBeGreaterThan(NOW.wall);
        }
      }),
      RUNS,
    );
    expect(Math.min(counts.marks, counts.closed)).toBeGreaterThan(cases(50));
  });

  it("is never exceeded, however many runners claim from stale snapshots", () => {
    const metered = workflowOf(
      "lanes: { m: { runs: 3, window: 1h } }\nstates: { a: { next: done, lane: m } }",
    );
    let failedSwaps = 0;
    const steps = fc.array(
      fc.record({
        runner: fc.nat(2),
        scans: fc.boolean(),
        minutes: fc.nat(25),
        branch: fc.nat(20),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const refs = new Map<Ref, { readonly value: Sha; readonly message: string }>();
        const snapshots: (Snapshot | undefined)[] = [undefined, undefined, undefined];
        let wall = NOW.wall;
        let count = 0;
        for (const { runner, scans, minutes, branch: at } of all) {
          wall += minutes * 60_000;
          const fields = { state: "light", priority: 0, age: 0, after: false };
          const head = headOf(fields, at);
          if (scans || !snapshots[runner]) {
            const entries = [...refs].map(([ref, { value, message }]) => [ref, value, message] as const);
            snapshots[runner] = snapshotWith([], [], [], readSideRefs(entries));
          }
          const commit = { ...head, message: "s\n\nState: a\n" };
          const request = parseRequest(head.branch, commit);
          if (request.kind !== "request") throw new TypeError("not a request");
          const run: Run = {
            kind: "run",
            head,
            request,
            state: metered.states["a"],
            attempt: 1,
            previousLease: undefined,
          };
          const { runs } = admit(snapshots[runner], metered, [run], { mono: 0, wall });
          for (const { ref, expected } of runs[0]?.quotas ?? []) {
            // The swap of the claim: it fails if the ref has changed.
            if ((refs.get(ref)?.value ?? null) !== expected) {
              failedSwaps++;
              continue;
            }
            const message = formatLaneRun({ lane: "m", run: RUN, at: wall, tokens: 0, cost: 0 });
            refs.set(ref, { value: sha(++count), message });
          }
          const now = readSideRefs(
            [...refs].map(([ref, { value, message }]) => [ref, value, message] as const),
          );
          expect(
            now.laneUsage.filter(({ at: startedAt }) => startedAt + HOUR > wall).length,
          ).toBeLessThanOrEqual(3);
        }
      }),
      RUNS,
    );
    expect(failedSwaps).toBeGreaterThan(cases(12));
  });
});

describe("the opening hours of a lane", () => {
  const time = fc.tuple(fc.nat(23), fc.nat(59));
  const text = ([hour, minute]: readonly [number, number]) =>
    `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

  it("open at the minute that a search minute by minute finds", () => {
    fc.assert(
      fc.property(time, time, fc.nat(3 * 86_400_000), (from, to, offset) => {
        const wall = Date.UTC(2026, 0, 1) + offset;
        const [opens, closes] = [from[0] * 60 + from[1], to[0] * 60 + to[1]];
        /** `minute` is counted from midnight. Equal times mean the whole day. */
        const isOpen = (minute: number) => {
          if (opens === closes) return true;
          for (let at = opens; at !== closes; at = (at + 1) % 1440) if (at === minute) return true;
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
