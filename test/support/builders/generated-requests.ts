/** Requests that ask for places in lanes of every kind, and views of what is taken of them. */
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
  dear: { slots: 2, cost: 5, tokens: 1000, window: 2h }
states:
  light: { next: done, lane: wide }
  heavy: { next: done, lane: wide, weight: 2 }
  both: { next: done, lane: [wide, narrow], weight: 2 }
  other: { next: done, lane: [narrow, wide] }
  huge: { next: done, lane: wide, weight: 9 }
  metered: { next: done, lane: [metered, wide] }
  dear: { next: done, lane: dear }
  free: { next: done, lane: anything, weight: 3 }
  join: { next: done, wait: children all, deadline: 1h, otherwise: failed, lane: wide }
`);
export const STATES = Object.keys(workflow.states);
export const LANE_NAMES = Object.keys(workflow.lanes);

interface Asking {
  readonly state: string;
  readonly priority: number;
  /** Seconds ago. */
  readonly age: number;
  readonly after: boolean;
}

export function headOf({ state, priority, age, after }: Asking, at: number): Head {
  const waits = after ? "Depends-On: branch b0\n" : "";
  // A join of a child that goes on waits; that child is not in the view, or it would be gone.
  const joins = state === "join" ? `Answers: ${sha(999)}\nChildren: x\n` : "";
  const message = `s\n\nState: ${state}\nPriority: ${priority}\n${waits}${joins}`;
  const name = branch(`b${at}`);
  const commit = { commit: sha(at + 1), parents: [], committed: NOW.wall / 1000 - age, message };
  return { ...commit, branch: name, key: branchKey(name), reading: parseRequest(name, commit) };
}

const asking: fc.Arbitrary<Asking> = fc.record({
  state: fc.constantFrom(...STATES),
  priority: fc.integer({ min: -3, max: 3 }),
  age: fc.nat(9 * 3600),
  after: fc.constantFrom(false, false, false, true),
});

const taken = fc
  .uniqueArray(fc.tuple(fc.constantFrom("narrow", "wide", "wide", "dear"), fc.nat(5)), {
    maxLength: 4,
    selector: (one) => one.join("/"),
  })
  .map((all) =>
    all.map(([lane, index], at): ObservedSlot => {
      return { ref: `${LANES}${lane}/${index}` as Ref, value: sha(800 + at), run: RUN, wasSeenBefore: true };
    }),
  );

const used: fc.Arbitrary<LaneUsage[]> = fc
  .uniqueArray(
    fc.record({
      lane: fc.constantFrom("metered", "metered", "dear"),
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

export const viewOf = (
  heads: Head[],
  slots: ObservedSlot[],
  going: RunningAttempt[],
  sides: Partial<SideRefs>,
): Snapshot => ({
  target: branch("main"),
  heads,
  leases: new Map(),
  slots: new Map(slots.map((one) => [one.ref, one])),
  parkedResponses: new Map(),
  takeovers: new Map(),
  firstSightings: new Map(),
  runningAttempts: new Map(going.map((one, at) => [branch(`going-${at}`), one])),
  sideRefs: { ...NO_SIDE_REFS, ...sides },
  facts: NO_HISTORY_FACTS,
});

export const scene = fc
  .record({
    asks: fc.array(asking, { maxLength: 10 }),
    slots: taken,
    going: fc.array(
      fc.constantFrom<RunningAttempt>(
        { slots: [] },
        { slots: [`${LANES}wide/0` as Ref, `${LANES}wide/3` as Ref] },
      ),
      { maxLength: 1 },
    ),
    used,
    closed: fc.constantFrom(new Map<string, number>(), new Map([["dear", NOW.wall + 1]])),
    limit: fc.constantFrom(1, 3, 256),
  })
  .map(({ asks, slots, going, used: marks, closed, limit }) => {
    const heads = asks.map(headOf);
    const child = headOf({ state: "light", priority: 0, age: 0, after: false }, 99);
    const kids = heads
      .filter(({ reading }) => reading.kind === "request" && reading.state === "join")
      .map(({ branch: parent }, at): Head => {
        const name = branch(`${parent}.x`);
        const message = `s\n\nState: light\nDepends-On: #${at + 1}\n`;
        const commit = { ...child, commit: sha(500 + at), message };
        return { ...commit, branch: name, key: branchKey(name), reading: parseRequest(name, commit) };
      });
    const view = viewOf([...heads, ...kids], slots, going, { laneUsage: marks, closedUntil: closed });
    const decisions = decide(view, workflow, NOW);
    const runs = decisions.filter((one): one is Run => one.kind === "run");
    return { view, decisions, limit, admission: admit(view, workflow, runs, NOW, limit) };
  });
