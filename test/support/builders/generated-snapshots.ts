/** Generates snapshots of every shape, from messages that the real parsers read. */
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
import { LANES, LEASES, slotRef } from "../../../src/core/protocol/refs.ts";
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

/** Throws a TypeError if a test uses an invalid name. */
export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("the test uses an invalid name");
  return value;
}

export const branch = (name: string): Branch => must(parseBranch(name));
export const sha = (digit: number): Sha => must(parseSha(digit.toString(16).padStart(40, "0")));
export const RUN: RunId = must(parseRunId("01234567-89ab-4cde-8f01-23456789abcd"));

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

/** A value in one of six cases, so that most requests can run. */
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

const anyMessage = trailers.map((fields) => {
  const lines = [
    line("Other", "value"),
    fields.state ? line(...fields.state) : [],
    fields.second === null ? [] : [fields.second],
    line("Branch", fields.bound),
    line("Hops", fields.hops),
    line("Priority", fields.priority),
    line("Not-Before", fields.notBefore),
    line("Depends-On", fields.dependsOn),
  ];
  return `subject\n\nbody\n\n${lines.flat().join("\n")}\n`;
});

/** Requests that can run, so that many compete for a slot. */
const plainMessage = fc
  .tuple(
    fc.constantFrom("State: build", "State: test", "dwp-state: working"),
    fc.integer({ min: -1, max: 1 }),
  )
  .map(([state, priority]) => `subject\n\n${state}\nPriority: ${priority}\n`);

interface GeneratedHead {
  readonly head: Head;
  readonly lease: ObservedLease | undefined;
  readonly hasSlot: boolean;
  readonly parked: ParkedResponse | undefined;
  readonly firstSighting: number | undefined;
}

/** A different run for each lease, as each claim creates one. */
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

const observedLease = (name: string, at: number): fc.Arbitrary<ObservedLease> =>
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

const generatedHead = (
  name: string,
  at: number,
  message: fc.Arbitrary<string>,
): fc.Arbitrary<GeneratedHead> =>
  fc
    .record({
      message,
      parents: fc.constantFrom(1, 1, 1, 1, 1, 2),
      committed: fc.nat(100).map((seconds) => NOW.wall / 1000 - seconds),
      lease: fc.option(observedLease(name, at), { freq: 4, nil: undefined }),
      hasSlot: fc.constantFrom(true, true, true, false),
      parked: rarely(fc.constantFrom(sha(at), sha(998))),
      firstSighting: fc.option(fc.constantFrom(NOW.mono, 0), { nil: undefined }),
    })
    .map((fields) => {
      const commit = {
        commit: sha(at),
        parents: Array.from({ length: fields.parents }, (_, parent) => sha(500 + parent)),
        committed: fields.committed,
        message: fields.message,
      };
      const reading = parseRequest(branch(name), commit);
      const key = keyOf(at);
      return {
        head: { ...commit, branch: branch(name), key, reading },
        lease: fields.lease,
        hasSlot: fields.hasSlot,
        parked: fields.parked === null ? undefined : { value: sha(600 + at), answers: fields.parked },
        firstSighting: fields.firstSighting,
      };
    });

const entries = <T>(
  all: readonly GeneratedHead[],
  pick: (generated: GeneratedHead) => T | undefined,
): Map<string, T> =>
  new Map(
    all.flatMap((generated) => {
      const value = pick(generated);
      return value === undefined ? [] : [[generated.head.key, value] as const];
    }),
  );

/** Slots of unknown runs, also above a capacity that was lowered. */
const unknownSlots = fc
  .uniqueArray(fc.tuple(fc.constantFrom("narrow", "wide", "gone"), fc.nat(4), fc.boolean()), {
    maxLength: 2,
    selector: ([name, index]) => slotRef(name, index),
  })
  .map((all) =>
    all.map(([name, index, isReadable], at): ObservedSlot => {
      const run = isReadable ? runAt(900 + at) : undefined;
      return { ref: slotRef(name, index), value: sha(800 + at), run, wasSeenBefore: isReadable };
    }),
  );

/** Slots of the leases in the snapshot. Some are missing, as after a crash of git. */
const slotsOf = (all: readonly GeneratedHead[], others: readonly ObservedSlot[]): Map<Ref, ObservedSlot> =>
  new Map(
    [
      ...others,
      ...all.flatMap(({ lease: observed, hasSlot }): ObservedSlot[] => {
        const { lease: record, value } = observed ?? {};
        if (!hasSlot || !record || !value) return [];
        return record.slots.map((name) => {
          return { ref: `${LANES}${name}` as Ref, value, run: record.run, wasSeenBefore: true };
        });
      }),
    ].map((slot) => [slot.ref, slot]),
  );

/** An attempt of this process. Its slot may not be in the snapshot yet. */
const runningAttempt: fc.Arbitrary<RunningAttempt> = fc
  .tuple(lane, fc.option(fc.nat(3), { nil: undefined }))
  .map(([name, index]) => ({ slots: index === undefined ? [] : [slotRef(name, index)] }));

const snapshotsWith = (message: fc.Arbitrary<string>): fc.Arbitrary<Snapshot> =>
  fc
    .record({
      names: fc.shuffledSubarray(BRANCHES),
      others: unknownSlots,
      own: fc.uniqueArray(runningAttempt, { maxLength: 2, selector: ({ slots }) => slots[0] ?? {} }),
    })
    .chain(({ names, others, own }) =>
      fc.tuple(...names.map((name, at) => generatedHead(name, at + 1, message))).map((all) => ({
        target: branch("main"),
        heads: all.map(({ head }) => head),
        leases: entries(all, ({ lease: observed }) => observed),
        slots: slotsOf(all, others),
        parkedResponses: entries(all, ({ parked }) => parked),
        takeovers: new Map(),
        firstSightings: new Map(
          all.flatMap(({ head, firstSighting }) =>
            firstSighting === undefined ? [] : [[head.commit, firstSighting]],
          ),
        ),
        runningAttempts: new Map(own.map((attempt, at) => [branch(`running-${at}`), attempt])),
        sideRefs: NO_SIDE_REFS,
        facts: NO_HISTORY_FACTS,
      })),
    );

export const anySnapshot = snapshotsWith(anyMessage);
/** Snapshots in which many requests can run. */
export const busySnapshot = snapshotsWith(plainMessage);
