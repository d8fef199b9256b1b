/** Views of every shape that a look can come to, made from messages by the real readers. */
import * as fc from "fast-check";
import { NO_AMOUNTS } from "../../../src/core/util/amounts.ts";
import {
  parseBranch,
  parseRunId,
  parseSha,
  type Branch,
  type Ref,
  type RunId,
  type Sha,
} from "../../../src/core/protocol/ids.ts";
import { type Lease } from "../../../src/core/protocol/lease.ts";
import { slotRef } from "../../../src/core/protocol/refs.ts";
import { LANES } from "../../../src/core/protocol/refs.ts";
import { LEASES } from "../../../src/core/protocol/refs.ts";
import { parseRequest } from "../../../src/core/protocol/request.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type RunningAttempt,
  type Head,
  type Now,
  type ParkedResponse,
  type ObservedLease,
  type ObservedSlot,
  type Snapshot,
} from "../../../src/core/scheduling/snapshot.ts";
import { parseWorkflow } from "../../../src/core/workflow/workflow-file.ts";
import type { Workflow } from "../../../src/core/workflow/workflow.ts";

/** The value, or an error where a test has made a name that is none. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("a name of this test is not legal");
  return value;
}

export const branch = (name: string): Branch => must(parseBranch(name));
export const sha = (digit: number): Sha => must(parseSha(digit.toString(16).padStart(40, "0")));
export const RUN: RunId = must(parseRunId("01234567-89ab-4cde-8f01-23456789abcd"));

/** Readable workflow text, read by the real reader. */
export function workflowOf(text: string): Workflow {
  const { workflow, problems } = parseWorkflow(text);
  if (!workflow) throw new TypeError(JSON.stringify(problems));
  return workflow;
}

export const workflow = workflowOf(`
branches: ["**", "!skip/**"]
limits: { hops: 5 }
lanes: { narrow: 1, wide: 3 }
states:
  build: { next: [review, done], retries: 1, lane: narrow }
  test: { next: done, retries: 0, lane: wide }
  review: { next: [build, done], human: true }
`);

export const NOW: Now = { mono: 1_000_000, wall: 1_700_000_000_000 };
const BRANCHES = ["main", "a", "b", "feat/x", "skip/me", "work-1"];
const STATES = ["build", "build", "test", "review", "done", "failed", "parked", "waiting", "stalled"];
const MORE_STATES = ["cancelled", "unknown", "constructor", "Bad Name", "working"];

/** One time in six, so that most requests have nothing against them. */
const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ arbitrary: fc.constant(null), weight: 5 }, { arbitrary: value, weight: 1 });

const key = fc.constantFrom("State", "State", "dwp-state");
const trailers = fc.record({
  state: fc.option(fc.tuple(key, fc.constantFrom(...STATES, ...MORE_STATES)), { freq: 12 }),
  second: rarely(fc.constant("State: test")),
  bound: rarely(fc.constantFrom(...BRANCHES)),
  hops: fc.option(fc.nat(7)),
  priority: fc.option(fc.integer({ min: -2, max: 2 })),
  notBefore: rarely(fc.constantFrom("2020-01-01", "2040-01-01T00:00:00Z", "tomorrow")),
  dependsOn: rarely(fc.constant("#12")),
});

function line(key: string, value: string | number | null): string[] {
  return value === null ? [] : [`${key}: ${value}`];
}

const anyMessage = trailers.map((one) => {
  const lines = [
    line("Other", "value"),
    one.state ? line(...one.state) : [],
    one.second === null ? [] : [one.second],
    line("Branch", one.bound),
    line("Hops", one.hops),
    line("Priority", one.priority),
    line("Not-Before", one.notBefore),
    line("Depends-On", one.dependsOn),
  ];
  return `subject\n\nbody\n\n${lines.flat().join("\n")}\n`;
});

/** Requests with nothing against them, so that many of them ask for a place at once. */
const plainMessage = fc
  .tuple(
    fc.constantFrom("State: build", "State: test", "dwp-state: working"),
    fc.integer({ min: -1, max: 1 }),
  )
  .map(([state, priority]) => `subject\n\n${state}\nPriority: ${priority}\n`);

interface Made {
  readonly head: Head;
  readonly lease: ObservedLease | undefined;
  readonly hasPlace: boolean;
  readonly parked: ParkedResponse | undefined;
  readonly sighted: number | undefined;
}

/** Each lease has a run of its own, as each claim draws one. */
const runAt = (at: number): RunId => must(parseRunId(RUN.replace(/^.{8}/, at.toString(16).padStart(8, "0"))));
const lane = fc.constantFrom("default", "narrow", "narrow", "wide", "wide", "wide");
const rest = fc.record({ ms: fc.constantFrom(0, 1000, 10_000), why: fc.constant("exit 1") });

const lease = (name: string, at: number, request: Sha): fc.Arbitrary<Lease> =>
  fc
    .record({
      attempt: fc.constantFrom(0, 0, 0, 1, 1, 2, 4),
      ttlMs: fc.constantFrom(1000, 10_000, 3_600_000),
      lane,
      slot: fc.constantFrom(0, 0, 0, 1, 2, undefined),
      rest: fc.option(rest, { freq: 2, nil: undefined }),
    })
    .map(({ slot, rest, lane, ...more }) => ({
      branch: branch(name),
      request,
      run: runAt(at),
      runner: "runner",
      nonce: "nonce",
      ...more,
      lanes: [lane],
      slots: slot === undefined ? [] : [`${lane}/${slot}`],
      spent: NO_AMOUNTS,
      ...(rest ? { backoff: rest } : {}),
    }));

const seenLease = (name: string, at: number): fc.Arbitrary<ObservedLease> =>
  fc.record({
    ref: fc.constant(`${LEASES}${keyOf(at)}` as Ref),
    value: fc.constant(sha(700 + at)),
    firstSeen: fc.constantFrom(NOW.mono, NOW.mono - 5000, NOW.mono - 20_000, 0, 0),
    wasSeenBefore: fc.boolean(),
    committed: fc.constantFrom(0, 0, 0, -6, -12, 3600).map((seconds) => NOW.wall / 1000 + seconds),
    isHolderDead: fc.boolean(),
    lease: fc.option(
      fc.oneof(lease(name, at, sha(at)), lease(name, at, sha(at)), lease(name, at, sha(999))),
      {
        freq: 8,
        nil: undefined,
      },
    ),
  });

const keyOf = (at: number): string => at.toString(16).padStart(40, "f");

const made = (name: string, at: number, message: fc.Arbitrary<string>): fc.Arbitrary<Made> =>
  fc
    .record({
      message,
      parents: fc.constantFrom(1, 1, 1, 1, 1, 2),
      committed: fc.nat(100).map((seconds) => NOW.wall / 1000 - seconds),
      lease: fc.option(seenLease(name, at), { freq: 4, nil: undefined }),
      hasPlace: fc.constantFrom(true, true, true, false),
      parked: rarely(fc.constantFrom(sha(at), sha(998))),
      sighted: fc.option(fc.constantFrom(NOW.mono, 0), { nil: undefined }),
    })
    .map((one) => {
      const commit = {
        commit: sha(at),
        parents: Array.from({ length: one.parents }, (_, parent) => sha(500 + parent)),
        committed: one.committed,
        message: one.message,
      };
      const reading = parseRequest(branch(name), commit);
      const key = keyOf(at);
      return {
        head: { ...commit, branch: branch(name), key, reading },
        lease: one.lease,
        hasPlace: one.hasPlace,
        parked: one.parked === null ? undefined : { value: sha(600 + at), answers: one.parked },
        sighted: one.sighted,
      };
    });

const entries = <T>(all: readonly Made[], pick: (one: Made) => T | undefined): Map<string, T> =>
  new Map(
    all.flatMap((one) => {
      const value = pick(one);
      return value === undefined ? [] : [[one.head.key, value] as const];
    }),
  );

/** Places held by strangers: more of them than a lane has, where its capacity was lowered. */
const strangers = fc
  .uniqueArray(fc.tuple(fc.constantFrom("narrow", "wide", "gone"), fc.nat(4), fc.boolean()), {
    maxLength: 2,
    selector: ([name, index]) => slotRef(name, index),
  })
  .map((all) =>
    all.map(([name, index, readable], at): ObservedSlot => {
      const run = readable ? runAt(900 + at) : undefined;
      return { ref: slotRef(name, index), value: sha(800 + at), run, wasSeenBefore: readable };
    }),
  );

/** Places held by the leases of the view; now and then one is missing, as after a crash of git. */
const slotsOf = (all: readonly Made[], others: readonly ObservedSlot[]): Map<Ref, ObservedSlot> =>
  new Map(
    [
      ...others,
      ...all.flatMap(({ lease: seen, hasPlace }): ObservedSlot[] => {
        const { lease: held, value } = seen ?? {};
        if (!hasPlace || !held || !value) return [];
        return held.slots.map((name) => {
          return { ref: `${LANES}${name}` as Ref, value, run: held.run, wasSeenBefore: true };
        });
      }),
    ].map((slot) => [slot.ref, slot]),
  );

/** What goes on here; the place of it may not be in the view yet. */
const going: fc.Arbitrary<RunningAttempt> = fc
  .tuple(lane, fc.option(fc.nat(3), { nil: undefined }))
  .map(([name, index]) => ({ slots: index === undefined ? [] : [slotRef(name, index)] }));

const viewOf = (message: fc.Arbitrary<string>): fc.Arbitrary<Snapshot> =>
  fc
    .record({
      names: fc.shuffledSubarray(BRANCHES),
      others: strangers,
      own: fc.uniqueArray(going, { maxLength: 2, selector: ({ slots }) => slots[0] ?? {} }),
    })
    .chain(({ names, others, own }) =>
      fc.tuple(...names.map((name, at) => made(name, at + 1, message))).map((all) => ({
        target: branch("main"),
        heads: all.map(({ head }) => head),
        leases: entries(all, (one) => one.lease),
        slots: slotsOf(all, others),
        parkedResponses: entries(all, ({ parked }) => parked),
        takeovers: new Map(),
        firstSightings: new Map(
          all.flatMap((one) => (one.sighted === undefined ? [] : [[one.head.commit, one.sighted]])),
        ),
        runningAttempts: new Map(own.map((one, at) => [branch(`going-${at}`), one])),
        sideRefs: NO_SIDE_REFS,
        facts: NO_HISTORY_FACTS,
      })),
    );

export const view = viewOf(anyMessage);
/** Views with much to run. */
export const busyView = viewOf(plainMessage);
