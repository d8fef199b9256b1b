/** Generates requests for slots in all kinds of lanes, and snapshots in which some slots are occupied. */
import * as fc from "fast-check";
import { decide, type Run } from "../../../src/core/scheduling/decide.ts";
import type { Ref } from "../../../src/core/protocol/ids.ts";
import { admit } from "../../../src/core/scheduling/admission.ts";
import { LANES } from "../../../src/core/protocol/refs.ts";
import { parseRequest } from "../../../src/core/protocol/request.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type RunningAttempt,
  type Head,
  type SideRefs,
  type ObservedSlot,
  type LaneUsage,
  type Snapshot,
} from "../../../src/core/scheduling/snapshot.ts";
import { branchKey } from "../../../src/git/swap-refs.ts";
import { branch, NOW, RUN, sha, workflowOf } from "./generated-snapshots.ts";

export const HOUR = 3_600_000;

export const workflow = workflowOf(`
limits: { concurrency: 256, ageing: 1h }
lanes:
  narrow: 1
  wide: 4
  metered: { runs: 3, window: 1h }
  priced: { slots: 2, cost: 5, tokens: 1000, window: 2h }
states:
  light: { next: done, lane: wide }
  heavy: { next: done, lane: wide, weight: 2 }
  both: { next: done, lane: [wide, narrow], weight: 2 }
  other: { next: done, lane: [narrow, wide] }
  huge: { next: done, lane: wide, weight: 9 }
  metered: { next: done, lane: [metered, wide] }
  priced: { next: done, lane: priced }
  free: { next: done, lane: anything, weight: 3 }
  join: { next: done, wait: children all, deadline: 1h, otherwise: failed, lane: wide }
`);
export const STATES = Object.keys(workflow.states);
export const LANE_NAMES = Object.keys(workflow.lanes);

interface RequestFields {
  readonly state: string;
  readonly priority: number;
  /** Seconds ago. */
  readonly age: number;
  readonly after: boolean;
}

export function headOf({ state, priority, age, after }: RequestFields, at: number): Head {
  const waits = after ? "Depends-On: branch b0\n" : "";
  // A join waits for its child `x`, which `generatedAdmission` adds to the snapshot.
  const joins = state === "join" ? `Answers: ${sha(999)}\nChildren: x\n` : "";
  const message = `s\n\nState: ${state}\nPriority: ${priority}\n${waits}${joins}`;
  const name = branch(`b${at}`);
  const commit = { commit: sha(at + 1), parents: [], committed: NOW.wall / 1000 - age, message };
  return { ...commit, branch: name, key: branchKey(name), reading: parseRequest(name, commit) };
}

const requestFields: fc.Arbitrary<RequestFields> = fc.record({
  state: fc.constantFrom(...STATES),
  priority: fc.integer({ min: -3, max: 3 }),
  age: fc.nat(9 * 3600),
  after: fc.constantFrom(false, false, false, true),
});

const occupiedSlots = fc
  .uniqueArray(fc.tuple(fc.constantFrom("narrow", "wide", "wide", "priced"), fc.nat(5)), {
    maxLength: 4,
    selector: (slot) => slot.join("/"),
  })
  .map((all) =>
    all.map(([lane, index], at): ObservedSlot => {
      return { ref: `${LANES}${lane}/${index}` as Ref, value: sha(800 + at), run: RUN, wasSeenBefore: true };
    }),
  );

const laneUsage: fc.Arbitrary<LaneUsage[]> = fc
  .uniqueArray(
    fc.record({
      lane: fc.constantFrom("metered", "metered", "priced"),
      mark: fc.nat(3),
      agoMs: fc.nat(3 * HOUR),
      tokens: fc.nat(900),
      cost: fc.nat(4),
    }),
    { maxLength: 5, selector: ({ lane, mark }) => `${lane}/${mark}` },
  )
  .map((all) =>
    all.map(({ lane, mark, agoMs, tokens, cost }, at): LaneUsage => {
      const ref = `refs/trailhand/used/${lane}/${mark}` as Ref;
      return { ref, value: sha(700 + at), lane, at: NOW.wall - agoMs, tokens, cost };
    }),
  );

export const snapshotWith = (
  heads: Head[],
  slots: ObservedSlot[],
  attempts: RunningAttempt[],
  sideRefs: Partial<SideRefs>,
): Snapshot => ({
  target: branch("main"),
  heads,
  leases: new Map(),
  slots: new Map(slots.map((slot) => [slot.ref, slot])),
  parkedResponses: new Map(),
  takeovers: new Map(),
  firstSightings: new Map(),
  runningAttempts: new Map(attempts.map((attempt, at) => [branch(`running-${at}`), attempt])),
  sideRefs: { ...NO_SIDE_REFS, ...sideRefs },
  facts: NO_HISTORY_FACTS,
});

export const generatedAdmission = fc
  .record({
    requests: fc.array(requestFields, { maxLength: 10 }),
    slots: occupiedSlots,
    attempts: fc.array(
      fc.constantFrom<RunningAttempt>(
        { slots: [] },
        { slots: [`${LANES}wide/0` as Ref, `${LANES}wide/3` as Ref] },
      ),
      { maxLength: 1 },
    ),
    laneUsage,
    closedUntil: fc.constantFrom(new Map<string, number>(), new Map([["priced", NOW.wall + 1]])),
    limit: fc.constantFrom(1, 3, 256),
  })
  .map(({ requests, slots, attempts, laneUsage: usage, closedUntil, limit }) => {
    const heads = requests.map(headOf);
    const child = headOf({ state: "light", priority: 0, age: 0, after: false }, 99);
    const children = heads
      .filter(({ reading }) => reading.kind === "request" && reading.state === "join")
      .map(({ branch: parent }, at): Head => {
        const name = branch(`${parent}.x`);
        const message = `s\n\nState: light\nDepends-On: #${at + 1}\n`;
        const commit = { ...child, commit: sha(500 + at), message };
        return { ...commit, branch: name, key: branchKey(name), reading: parseRequest(name, commit) };
      });
    const snapshot = snapshotWith([...heads, ...children], slots, attempts, {
      laneUsage: usage,
      closedUntil,
    });
    const decisions = decide(snapshot, workflow, NOW);
    const runs = decisions.filter((decision): decision is Run => decision.kind === "run");
    return { snapshot, decisions, limit, admission: admit(snapshot, workflow, runs, NOW, limit) };
  });
