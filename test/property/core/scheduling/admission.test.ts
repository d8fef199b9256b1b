/** Checks admission to lanes with several slots and weights, for all orders of requests. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Run } from "../../../../src/core/scheduling/decide.ts";
import type { Ref } from "../../../../src/core/protocol/ids.ts";
import { LANES } from "../../../../src/core/protocol/refs.ts";
import {
  workflow,
  STATES,
  LANE_NAMES,
  generatedAdmission,
} from "../../../support/builders/generated-requests.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(500), seed: 3 };

const weightIn = (lane: string, { state }: Run): number =>
  Math.min(state?.weight ?? 1, workflow.lanes[lane]?.slots ?? 0);
const lanesOf = (run: Run): readonly string[] => run.state?.lane ?? [];
const countSlots = (lane: string, refs: Iterable<Ref>): number =>
  [...refs].filter((ref) => ref.startsWith(`${LANES}${lane}/`)).length;

describe("admission to lanes", () => {
  it("assigns all slots in all lanes or none, and no slot twice", () => {
    const seenStates = new Set<string>();
    fc.assert(
      fc.property(generatedAdmission, ({ snapshot, admission: { runs } }) => {
        const occupied = new Set<Ref>([
          ...snapshot.slots.keys(),
          ...[...snapshot.runningAttempts.values()].flatMap(({ slots }) => slots),
        ]);
        for (const run of runs) {
          if (!run.knownAnswer) seenStates.add(run.request.state);
          const slots = run.knownAnswer ? [] : (run.slots ?? []);
          const expectedCount = run.knownAnswer
            ? 0
            : lanesOf(run).reduce((sum, lane) => sum + weightIn(lane, run), 0);
          expect(slots).toHaveLength(expectedCount);
          for (const lane of lanesOf(run)) {
            if (run.knownAnswer) continue;
            expect(
              countSlots(
                lane,
                slots.map(({ ref }) => ref),
              ),
            ).toBe(weightIn(lane, run));
          }
          for (const { ref, name, expected } of slots) {
            expect(expected).toBeNull();
            expect(ref).toBe(`${LANES}${name}`);
            expect(Number(name.split("/")[1])).toBeLessThan(
              workflow.lanes[name.split("/")[0] ?? ""]?.slots ?? 0,
            );
            expect(occupied).not.toContain(ref);
            occupied.add(ref);
          }
        }
        const before = new Set<Ref>([
          ...snapshot.slots.keys(),
          ...[...snapshot.runningAttempts.values()].flatMap(({ slots }) => slots),
        ]);
        for (const lane of LANE_NAMES) {
          const capacity = workflow.lanes[lane]?.slots ?? Number.POSITIVE_INFINITY;
          expect(countSlots(lane, occupied)).toBeLessThanOrEqual(
            Math.max(capacity, countSlots(lane, before)),
          );
        }
      }),
      RUNS,
    );
    expect([...seenStates].toSorted()).toEqual(STATES.filter((state) => state !== "join").toSorted());
  });

  it("admits no request that waits", () => {
    let waiting = 0;
    fc.assert(
      fc.property(generatedAdmission, ({ decisions, admission: { runs } }) => {
        const waits = decisions.filter((decision) => "why" in decision && decision.why.code === "waits");
        waiting += waits.length;
        for (const { head } of waits) expect(runs.map((run) => run.head)).not.toContain(head);
        for (const { knownAnswer, slots, quotas } of runs) {
          if (knownAnswer) expect([slots, quotas]).toEqual([undefined, undefined]);
        }
      }),
      RUNS,
    );
    expect(waiting).toBeGreaterThan(cases(125));
  });

  it("overtakes a request only within the time that the difference in priority is worth", () => {
    let overtakes = 0;
    fc.assert(
      fc.property(generatedAdmission, ({ admission: { runs, waits } }) => {
        for (const { head, why } of waits) {
          if (why.code !== "no-room" && why.code !== "lane-full") continue;
          const { reading } = head;
          if (reading.kind !== "request") continue;
          const rivals = runs.filter(
            (run) => !run.knownAnswer && (why.code === "no-room" || lanesOf(run).includes(why.detail)),
          );
          for (const { request, state } of rivals) {
            // A smaller request may fit where a larger one does not.
            const own = workflow.states[reading.state];
            if (why.code === "lane-full" && (state?.weight ?? 1) < (own?.weight ?? 1)) continue;
            if (why.code === "lane-full" && (state?.lane.length ?? 0) < (own?.lane.length ?? 0)) continue;
            const laterMs = (request.committed - reading.committed) * 1000;
            if (laterMs > 0) overtakes++;
            const worthMs = (request.priority - reading.priority) * workflow.limits.ageing;
            expect(laterMs <= 0 || laterMs < worthMs, `${laterMs} ms, worth ${worthMs}`).toBe(true);
          }
        }
      }),
      RUNS,
    );
    expect(overtakes).toBeGreaterThan(cases(12));
  });
});
