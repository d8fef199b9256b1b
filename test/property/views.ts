/** Views of every shape that a look can come to, made from messages by the real readers. */
import * as fc from "fast-check";
import {
  parseBranch,
  parseRunId,
  parseSha,
  type Branch,
  type Ref,
  type RunId,
  type Sha,
} from "../../src/core/ids.ts";
import { LEASES, type Lease } from "../../src/core/lease.ts";
import { parseRequest } from "../../src/core/request.ts";
import type { Head, Now, Parked, SeenLease, View } from "../../src/core/view.ts";
import { readWorkflow } from "../../src/core/workflow-file.ts";
import type { Workflow } from "../../src/core/workflow.ts";

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
  const { workflow, problems } = readWorkflow(text);
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

const message = trailers.map((one) => {
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

interface Made {
  readonly head: Head;
  readonly lease: SeenLease | undefined;
  readonly parked: Parked | undefined;
  readonly sighted: number | undefined;
}

const lease = (name: string, request: Sha): fc.Arbitrary<Lease> =>
  fc.record(
    {
      branch: fc.constant(branch(name)),
      request: fc.constant(request),
      run: fc.constant(RUN),
      runner: fc.constant("runner"),
      nonce: fc.constant("nonce"),
      attempt: fc.integer({ min: 0, max: 4 }),
      ttlMs: fc.constantFrom(1000, 10_000, 3_600_000),
      lane: fc.constantFrom("default", "narrow", "wide"),
      rest: fc.record({ ms: fc.constantFrom(0, 1000, 10_000), why: fc.constant("exit 1") }),
    },
    { requiredKeys: ["branch", "request", "run", "runner", "nonce", "attempt", "ttlMs", "lane"] },
  );

const seenLease = (name: string, at: number): fc.Arbitrary<SeenLease> =>
  fc.record({
    ref: fc.constant(`${LEASES}${keyOf(at)}` as Ref),
    value: fc.constant(sha(700 + at)),
    firstSeen: fc.constantFrom(NOW.mono, NOW.mono - 5000, NOW.mono - 20_000, 0),
    dead: fc.boolean(),
    lease: fc.option(fc.oneof(lease(name, sha(at)), lease(name, sha(999))), { freq: 8, nil: undefined }),
  });

const keyOf = (at: number): string => at.toString(16).padStart(40, "f");

const made = (name: string, at: number): fc.Arbitrary<Made> =>
  fc
    .record({
      message,
      parents: fc.constantFrom(1, 1, 1, 1, 1, 2),
      committed: fc.nat(100),
      lease: fc.option(seenLease(name, at), { freq: 3, nil: undefined }),
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
      const asked = parseRequest(branch(name), commit);
      const key = keyOf(at);
      return {
        head: { ...commit, branch: branch(name), key, asked },
        lease: one.lease,
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

export const view: fc.Arbitrary<View> = fc
  .record({
    names: fc.shuffledSubarray(BRANCHES),
    going: fc.array(fc.constantFrom("default", "narrow", "wide"), { maxLength: 2 }),
  })
  .chain(({ names, going }) =>
    fc.tuple(...names.map((name, at) => made(name, at + 1))).map((all) => ({
      target: branch("main"),
      heads: all.map(({ head }) => head),
      leases: entries(all, ({ lease }) => lease),
      parked: entries(all, ({ parked }) => parked),
      takenOver: new Map(),
      sightings: new Map(
        all.flatMap((one) => (one.sighted === undefined ? [] : [[one.head.commit, one.sighted]])),
      ),
      going: new Map(going.map((lane, at) => [branch(`going-${at}`), lane])),
    })),
  );
