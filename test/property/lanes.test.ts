/** Lanes with places, weights and quotas: no order of requests gets more out of them than they hold. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Run } from "../../src/core/decide.ts";
import type { Ref, Sha } from "../../src/core/ids.ts";
import { admit } from "../../src/core/lane.ts";
import { LANES } from "../../src/core/lease.ts";
import { opensAt } from "../../src/core/quota.ts";
import { parseRequest } from "../../src/core/request.ts";
import { formatUse, readSides } from "../../src/core/used.ts";
import {
  NO_FACTS,
  NO_SIDES,
  type Going,
  type Head,
  type Sides,
  type SeenSlot,
  type Used,
  type View,
} from "../../src/core/view.ts";
import { branchKey } from "../../src/git/key.ts";
import { branch, NOW, RUN, sha, workflowOf } from "./views.ts";

const RUNS = { numRuns: 2000, seed: 3 };
const HOUR = 3_600_000;

const workflow = workflowOf(`
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
const STATES = Object.keys(workflow.states);
const LANE_NAMES = Object.keys(workflow.lanes);

interface Asking {
  readonly state: string;
  readonly priority: number;
  /** Seconds ago. */
  readonly age: number;
  readonly after: boolean;
}

function headOf({ state, priority, age, after }: Asking, at: number): Head {
  const waits = after ? "Depends-On: branch b0\n" : "";
  // A join of a child that goes on waits; that child is not in the view, or it would be gone.
  const joins = state === "join" ? `Answers: ${sha(999)}\nChildren: x\n` : "";
  const message = `s\n\nState: ${state}\nPriority: ${priority}\n${waits}${joins}`;
  const name = branch(`b${at}`);
  const commit = { commit: sha(at + 1), parents: [], committed: NOW.wall / 1000 - age, message };
  return { ...commit, branch: name, key: branchKey(name), asked: parseRequest(name, commit) };
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
    all.map(([lane, index], at): SeenSlot => {
      return { ref: `${LANES}${lane}/${index}` as Ref, value: sha(800 + at), run: RUN, known: true };
    }),
  );

const used: fc.Arbitrary<Used[]> = fc
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
    all.map(({ lane, mark, agoMs, tokens, cost }, at): Used => {
      const ref = `refs/trailhand/used/${lane}/${mark}` as Ref;
      return { ref, value: sha(700 + at), lane, at: NOW.wall - agoMs, tokens, cost };
    }),
  );

const viewOf = (heads: Head[], slots: SeenSlot[], going: Going[], sides: Partial<Sides>): View => ({
  target: branch("main"),
  heads,
  leases: new Map(),
  slots: new Map(slots.map((one) => [one.ref, one])),
  parked: new Map(),
  takenOver: new Map(),
  sightings: new Map(),
  going: new Map(going.map((one, at) => [branch(`going-${at}`), one])),
  sides: { ...NO_SIDES, ...sides },
  facts: NO_FACTS,
});

const scene = fc
  .record({
    asks: fc.array(asking, { maxLength: 10 }),
    slots: taken,
    going: fc.array(
      fc.constantFrom<Going>({ slots: [] }, { slots: [`${LANES}wide/0` as Ref, `${LANES}wide/3` as Ref] }),
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
      .filter(({ asked }) => asked.kind === "request" && asked.state === "join")
      .map(({ branch: parent }, at): Head => {
        const name = branch(`${parent}.x`);
        const message = `s\n\nState: light\nDepends-On: #${at + 1}\n`;
        const commit = { ...child, commit: sha(500 + at), message };
        return { ...commit, branch: name, key: branchKey(name), asked: parseRequest(name, commit) };
      });
    const view = viewOf([...heads, ...kids], slots, going, { used: marks, closed });
    const decisions = decide(view, workflow, NOW);
    const runs = decisions.filter((one): one is Run => one.kind === "run");
    return { view, decisions, runs, limit, ...admit(view, workflow, runs, NOW, limit) };
  });

const weightIn = (lane: string, { state }: Run): number =>
  Math.min(state?.weight ?? 1, workflow.lanes[lane]?.slots ?? 0);
const lanesOf = (run: Run): readonly string[] => run.state?.lane ?? [];
const placesIn = (lane: string, refs: Iterable<Ref>): number =>
  [...refs].filter((ref) => ref.startsWith(`${LANES}${lane}/`)).length;

describe("admission to lanes", () => {
  it("gives all places in all lanes, or none, and no place to two", () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(scene, ({ view, admitted }) => {
        const held = new Set<Ref>([
          ...view.slots.keys(),
          ...[...view.going.values()].flatMap((one) => one.slots),
        ]);
        for (const run of admitted) {
          if (!run.known) met.add(run.request.state);
          const slots = run.known ? [] : (run.slots ?? []);
          const wanted = run.known ? 0 : lanesOf(run).reduce((sum, lane) => sum + weightIn(lane, run), 0);
          expect(slots).toHaveLength(wanted);
          for (const lane of lanesOf(run)) {
            if (run.known) continue;
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
          ...[...view.going.values()].flatMap((one) => one.slots),
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
      fc.property(scene, ({ decisions, admitted }) => {
        const waits = decisions.filter((one) => "why" in one && one.why.code === "waits");
        waiting += waits.length;
        for (const { head } of waits) expect(admitted.map((one) => one.head)).not.toContain(head);
        for (const { known, slots, quotas } of admitted) {
          if (known) expect([slots, quotas]).toEqual([undefined, undefined]);
        }
      }),
      RUNS,
    );
    expect(waiting).toBeGreaterThan(500);
  });

  it("overtakes nobody by what came later than the difference in priority is worth", () => {
    let overtakes = 0;
    fc.assert(
      fc.property(scene, ({ admitted, held }) => {
        for (const { head, why } of held) {
          if (why.code !== "no-room" && why.code !== "lane-full") continue;
          const { asked } = head;
          if (asked.kind !== "request") continue;
          const rivals = admitted.filter(
            (one) => !one.known && (why.code === "no-room" || lanesOf(one).includes(why.detail)),
          );
          for (const { request, state } of rivals) {
            // What asks for less may fit where more does not.
            const own = workflow.states[asked.state];
            if (why.code === "lane-full" && (state?.weight ?? 1) < (own?.weight ?? 1)) continue;
            if (why.code === "lane-full" && (state?.lane.length ?? 0) < (own?.lane.length ?? 0)) continue;
            const laterMs = (request.committed - asked.committed) * 1000;
            if (laterMs > 0) overtakes++;
            const worthMs = (request.priority - asked.priority) * workflow.limits.ageing;
            expect(laterMs <= 0 || laterMs < worthMs, `${laterMs} ms, worth ${worthMs}`).toBe(true);
          }
        }
      }),
      RUNS,
    );
    expect(overtakes).toBeGreaterThan(50);
  });
});

describe("the quota of a lane", () => {
  const live = (marks: readonly Used[], lane: string, at: number) =>
    marks.filter((one) => one.lane === lane && one.at + (workflow.lanes[lane]?.window ?? 0) > at);

  it("holds in a view: no mark twice, none over a live one, no more than there are runs", () => {
    const met = { given: 0, closed: 0 };
    fc.assert(
      fc.property(scene, ({ view, admitted, held }) => {
        const marks = admitted.flatMap(({ quotas = [] }) => quotas);
        met.given += marks.length;
        met.closed += held.filter(({ why }) => why.code === "lane-closed").length;
        expect(new Set(marks.map(({ ref }) => ref)).size).toBe(marks.length);
        const alive = live(view.sides.used, "metered", NOW.wall);
        const begun = marks.filter(({ lane }) => lane === "metered");
        expect(begun.length).toBeLessThanOrEqual(Math.max(0, 3 - alive.length));
        for (const { ref, expected } of marks) {
          expect(alive.map((one) => one.ref)).not.toContain(ref);
          expect(expected).toBe(view.sides.used.find((one) => one.ref === ref)?.value ?? null);
        }
        const dear = live(view.sides.used, "dear", NOW.wall);
        const cost = dear.reduce((sum, one) => sum + one.cost, 0);
        const tokens = dear.reduce((sum, one) => sum + one.tokens, 0);
        const isOpen = cost < 5 && tokens < 1000 && !view.sides.closed.has("dear");
        if (!isOpen) expect(admitted.filter(({ request }) => request.state === "dear")).toEqual([]);
        for (const { head, why } of held) {
          if (why.code !== "lane-closed") continue;
          expect(why.until, head.branch).toBeGreaterThan(NOW.wall);
        }
      }),
      RUNS,
    );
    expect(Math.min(met.given, met.closed)).toBeGreaterThan(200);
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
        const seen: (View | undefined)[] = [undefined, undefined, undefined];
        let wall = NOW.wall;
        let count = 0;
        for (const { runner, looks, minutes, branch: at } of all) {
          wall += minutes * 60_000;
          const ask = { state: "light", priority: 0, age: 0, after: false };
          const head = headOf(ask, at);
          if (looks || !seen[runner]) {
            const entries = [...refs].map(([ref, { value, message }]) => [ref, value, message] as const);
            seen[runner] = viewOf([], [], [], readSides(entries));
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
            over: undefined,
          };
          const { admitted } = admit(seen[runner], metered, [run], { mono: 0, wall });
          for (const { ref, expected } of admitted[0]?.quotas ?? []) {
            // The swap of a claim.
            if ((refs.get(ref)?.value ?? null) !== expected) {
              refused++;
              continue;
            }
            const message = formatUse({ lane: "m", run: RUN, at: wall, tokens: 0, cost: 0 });
            refs.set(ref, { value: sha(++count), message });
          }
          const now = readSides([...refs].map(([ref, { value, message }]) => [ref, value, message] as const));
          expect(now.used.filter((one) => one.at + HOUR > wall).length).toBeLessThanOrEqual(3);
        }
      }),
      RUNS,
    );
    expect(refused).toBeGreaterThan(50);
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
      { ...RUNS, numRuns: 500 },
    );
    expect(opensAt(undefined, 5)).toBe(5);
  });
});
