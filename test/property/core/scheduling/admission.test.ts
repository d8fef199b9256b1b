/** Lanes with places and weights: no order of requests gets more out of them than they hold. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Run } from "../../../../src/core/scheduling/decide.ts";
import type { Ref } from "../../../../src/core/protocol/ids.ts";
import { LANES } from "../../../../src/core/protocol/refs.ts";
import { workflow, STATES, LANE_NAMES, scene } from "../../../support/builders/generated-requests.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(500), seed: 3 };

const weightIn = (lane: string, { state }: Run): number =>
  Math.min(state?.weight ?? 1, workflow.lanes[lane]?.slots ?? 0);
const lanesOf = (run: Run): readonly string[] => run.state?.lane ?? [];
const placesIn = (lane: string, refs: Iterable<Ref>): number =>
  [...refs].filter((ref) => ref.startsWith(`${LANES}${lane}/`)).length;

describe("admission to lanes", () => {
  it("gives all places in all lanes, or none, and no place to two", () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(scene, ({ view, admission: { runs: admitted } }) => {
        const held = new Set<Ref>([
          ...view.slots.keys(),
          ...[...view.runningAttempts.values()].flatMap((one) => one.slots),
        ]);
        for (const run of admitted) {
          if (!run.knownAnswer) met.add(run.request.state);
          const slots = run.knownAnswer ? [] : (run.slots ?? []);
          const wanted = run.knownAnswer
            ? 0
            : lanesOf(run).reduce((sum, lane) => sum + weightIn(lane, run), 0);
          expect(slots).toHaveLength(wanted);
          for (const lane of lanesOf(run)) {
            if (run.knownAnswer) continue;
            expect(
              placesIn(
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
            expect(held).not.toContain(ref);
            held.add(ref);
          }
        }
        const before = new Set<Ref>([
          ...view.slots.keys(),
          ...[...view.runningAttempts.values()].flatMap((one) => one.slots),
        ]);
        for (const lane of LANE_NAMES) {
          const capacity = workflow.lanes[lane]?.slots ?? Number.POSITIVE_INFINITY;
          expect(placesIn(lane, held)).toBeLessThanOrEqual(Math.max(capacity, placesIn(lane, before)));
        }
      }),
      RUNS,
    );
    expect([...met].toSorted()).toEqual(STATES.filter((state) => state !== "join").toSorted());
  });

  it("lets no request in that waits, and gives it no place", () => {
    let waiting = 0;
    fc.assert(
      fc.property(scene, ({ decisions, admission: { runs: admitted } }) => {
        const waits = decisions.filter((one) => "why" in one && one.why.code === "waits");
        waiting += waits.length;
        for (const { head } of waits) expect(admitted.map((one) => one.head)).not.toContain(head);
        for (const { knownAnswer: decided, slots, quotas } of admitted) {
          if (decided) expect([slots, quotas]).toEqual([undefined, undefined]);
        }
      }),
      RUNS,
    );
    expect(waiting).toBeGreaterThan(cases(125));
  });

  it("overtakes nobody by what came later than the difference in priority is worth", () => {
    let overtakes = 0;
    fc.assert(
      fc.property(scene, ({ admission: { runs: admitted, waits: held } }) => {
        for (const { head, why } of held) {
          if (why.code !== "no-room" && why.code !== "lane-full") continue;
          const { reading } = head;
          if (reading.kind !== "request") continue;
          const rivals = admitted.filter(
            (one) => !one.knownAnswer && (why.code === "no-room" || lanesOf(one).includes(why.detail)),
          );
          for (const { request, state } of rivals) {
            // What asks for less may fit where more does not.
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
