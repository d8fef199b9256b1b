import { describe, expect, it } from "vitest";
import { decide, type Decision } from "../../../../src/core/scheduling/decide.ts";
import { NO_AMOUNTS } from "../../../../src/core/util/amounts.ts";
import type { Ref } from "../../../../src/core/protocol/ids.ts";
import { type Lease } from "../../../../src/core/protocol/lease.ts";
import { LEASES } from "../../../../src/core/protocol/refs.ts";
import { parseRequest, type Request } from "../../../../src/core/protocol/request.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type Head,
  type ObservedLease,
  type Snapshot,
} from "../../../../src/core/scheduling/snapshot.ts";
import {
  branch,
  NOW,
  RUN,
  sha,
  workflow,
  workflowOf,
} from "../../../support/builders/generated-snapshots.ts";

/** The time of the snapshot, in seconds. */
const TODAY = NOW.wall / 1000;

function headOf(trailers: string, name = "a", parents = 1): Head {
  const message = `subject\n\nthe body\n\n${trailers}\n`;
  const commit = {
    commit: sha(1),
    parents: Array.from({ length: parents }, () => sha(2)),
    committed: TODAY,
    message,
  };
  return { ...commit, branch: branch(name), key: "key", reading: parseRequest(branch(name), commit) };
}

const observed = (lease: Partial<Lease>, more: Partial<ObservedLease> = {}): ObservedLease => ({
  ref: `${LEASES}key` as Ref,
  value: sha(7),
  firstSeen: NOW.mono,
  wasSeenBefore: true,
  committed: TODAY,
  isHolderDead: false,
  lease: {
    branch: branch("a"),
    request: sha(1),
    run: RUN,
    runner: "host",
    attempt: 1,
    ttlMs: 10_000,
    nonce: "n",
    lanes: ["default"],
    slots: [],
    spent: NO_AMOUNTS,
    ...lease,
  },
  ...more,
});

function snapshotOf(head: Head, lease?: ObservedLease, more: Partial<Snapshot> = {}): Snapshot {
  return {
    target: branch("main"),
    heads: [head],
    leases: new Map(lease ? [["key", lease]] : []),
    slots: new Map(),
    parkedResponses: new Map(),
    takeovers: new Map(),
    firstSightings: new Map(),
    runningAttempts: new Map(),
    sideRefs: NO_SIDE_REFS,
    facts: NO_HISTORY_FACTS,
    ...more,
  };
}

function decideOne(snapshot: Snapshot, by = workflow): Decision {
  const [decision] = decide(snapshot, by, NOW);
  if (!decision) throw new TypeError("the snapshot has no head");
  return decision;
}

const why = (trailers: string, name = "a", parents = 1) => {
  const decision = decideOne(snapshotOf(headOf(trailers, name, parents)));
  return "why" in decision ? [decision.kind, decision.why.code] : [decision.kind];
};

describe("a head without a lease", () => {
  it.each([
    ["State: build", ["run"]],
    ["State: review", ["wait", "person"]],
    ["State: done", ["ignore", "ended"]],
    ["State: parked", ["park", "parked"]],
    ["State: stalled", ["park", "parked"]],
    ["State: waiting", ["wait", "waiting"]],
    ["State: constructor", ["park", "unknown-state"]],
    ["State: Bad Name", ["park", "bad-name"]],
    ["State: build\nState: test", ["park", "two-states"]],
    ["State: build\nDepends-On: #1", ["wait", "waits"]],
    ["State: build\nDepends-On: two words", ["park", "depends-on"]],
    ["State: build\nDepends-On: branch a", ["park", "cycle"]],
    ["State: build\nDepends-On: branch gone", ["run"]],
    ["State: review\nDepends-On: #1", ["wait", "person"]],
    ["State: build\nNot-Before: 2040-01-01", ["wait", "not-before"]],
    ["State: build\nNot-Before: 2020-01-01", ["run"]],
    ["State: build\nBranch: b", ["ignore", "bound-elsewhere"]],
    ["State: build\noops", ["park", "doubt"]],
    ["Refs: #1", ["ignore", "no-state"]],
  ])("with %j", (trailers, expected) => {
    expect(why(trailers)).toEqual(expected);
  });

  it("is considered only on the branches that the workflow lists", () => {
    expect(why("State: build", "main")).toEqual(["ignore", "target"]);
    expect(why("State: build", "skip/x")).toEqual(["ignore", "not-listed"]);
    expect(why("State: build", "a", 2)).toEqual(["ignore", "merge"]);
    const onTarget = workflowOf("target: work\nstates: { build: {} }");
    expect(decideOne(snapshotOf(headOf("State: build", "main")), onTarget).kind).toBe("run");
    const listed = workflowOf("branches: [feat/*]\nstates: { build: {} }");
    expect(decideOne(snapshotOf(headOf("State: build", "feat/x")), listed).kind).toBe("run");
    expect(decideOne(snapshotOf(headOf("State: build", "feat/x/y")), listed).kind).toBe("ignore");
  });
});

describe("a head with a lease", () => {
  const head = headOf("State: build");

  it("waits while the lease is held, and is taken over after one and a half times its duration", () => {
    expect(decideOne(snapshotOf(head, observed({})))).toMatchObject({
      kind: "wait",
      why: { code: "running", attempt: 1 },
    });
    expect(decideOne(snapshotOf(head, observed({ request: sha(9) })))).toMatchObject({
      why: { code: "running-older" },
    });
    expect(decideOne(snapshotOf(head, observed({}, { firstSeen: NOW.mono - 15_000 }))).kind).toBe("wait");
    const expired = observed({}, { firstSeen: NOW.mono - 15_001 });
    expect(decideOne(snapshotOf(head, expired))).toMatchObject({
      kind: "run",
      attempt: 2,
      previousLease: expired,
    });
    expect(decideOne(snapshotOf(head, observed({}, { isHolderDead: true })))).toMatchObject({
      kind: "run",
      attempt: 2,
    });
    expect(decideOne(snapshotOf(head, observed({ request: sha(9) }, { isHolderDead: true })))).toMatchObject({
      kind: "run",
      attempt: 1,
    });
  });

  it("loses an expired lease even on an ignored branch, because the lease may hold a slot", () => {
    const lost = observed({}, { isHolderDead: true });
    expect(decideOne(snapshotOf(headOf("State: build", "main"), lost)).kind).toBe("expire");
    expect(decideOne(snapshotOf(headOf("State: build", "skip/me"), lost)).kind).toBe("expire");
    expect(decideOne(snapshotOf(headOf("State: build", "main"), observed({}))).kind).toBe("ignore");
  });

  it("waits for an unreadable lease as long as for any other", () => {
    expect(decideOne(snapshotOf(head, { ...observed({}), lease: undefined })).kind).toBe("wait");
    expect(decideOne(snapshotOf(head, { ...observed({}), lease: undefined, firstSeen: 0 }))).toMatchObject({
      kind: "run",
      attempt: 1,
    });
  });

  it("backs off between attempts, and reaches the limit after the last one", () => {
    const rest = { ms: 5000, why: "exit 1" };
    expect(decideOne(snapshotOf(head, observed({ backoff: rest })))).toMatchObject({
      kind: "wait",
      why: { code: "resting", leftMs: 5000 },
    });
    const expired = observed({ backoff: rest }, { firstSeen: NOW.mono - 5000 });
    expect(decideOne(snapshotOf(head, expired))).toMatchObject({ kind: "run", attempt: 2 });
    expect(
      decideOne(snapshotOf(head, observed({ attempt: 2, backoff: rest }, { firstSeen: 0 }))),
    ).toMatchObject({
      attempt: 3,
      limit: "attempts",
    });
  });

  it("ends its back-off after it was watched for its duration, or by its date", () => {
    const rest = { ms: 5000, why: "exit 1" };
    const afterBackoff = (watchedMs: number, secondsAgo: number) =>
      decideOne(
        snapshotOf(
          head,
          observed({ backoff: rest }, { firstSeen: NOW.mono - watchedMs, committed: TODAY - secondsAgo }),
        ),
      );
    expect(afterBackoff(4999, 0)).toMatchObject({ why: { code: "resting", leftMs: 1 } });
    expect(afterBackoff(5000, 0).kind).toBe("run");
    // Dates are whole seconds, so the back-off may have started almost a second later.
    expect(afterBackoff(0, 5)).toMatchObject({ why: { code: "resting", leftMs: 1000 } });
    expect(afterBackoff(0, 6).kind).toBe("run");
    expect(afterBackoff(4500, 4)).toMatchObject({ why: { leftMs: 500 } });
  });

  it("is not affected by a back-off date in the future", () => {
    const rest = { ms: 5000, why: "exit 1" };
    const inFuture = (watchedMs: number) =>
      decideOne(
        snapshotOf(
          head,
          observed({ backoff: rest }, { firstSeen: NOW.mono - watchedMs, committed: TODAY + 3600 }),
        ),
      );
    expect(inFuture(0)).toMatchObject({ why: { code: "resting", leftMs: 5000 } });
    expect(inFuture(2000)).toMatchObject({ why: { code: "resting", leftMs: 3000 } });
    expect(inFuture(5000).kind).toBe("run");
  });

  it("waits for the holder whatever the date of the lease", () => {
    for (const committed of [0, TODAY + 3600]) {
      expect(decideOne(snapshotOf(head, observed({}, { committed })))).toMatchObject({
        why: { code: "running" },
      });
    }
  });

  it("loses an expired lease if it requests nothing any more", () => {
    const lost = observed({}, { isHolderDead: true });
    expect(decideOne(snapshotOf(headOf("State: done"), lost))).toMatchObject({
      kind: "expire",
      previousLease: lost,
    });
    expect(decideOne(snapshotOf(headOf("Refs: #1"), lost))).toMatchObject({
      kind: "expire",
      previousLease: lost,
    });
    expect(decideOne(snapshotOf(headOf("State: done"), observed({}))).kind).toBe("ignore");
  });

  it("keeps the attempt count of a request that waits again", () => {
    const waits = headOf("State: build\nNot-Before: 2999-01-01");
    const request = { request: waits.commit };
    const lost = observed(request, { firstSeen: NOW.mono - 15_001 });
    expect(decideOne(snapshotOf(waits, lost))).toMatchObject({
      kind: "expire",
      previousLease: lost,
      shouldKeepAttempts: true,
    });
    const resting = observed({ ...request, backoff: { ms: 1, why: "x" } }, { firstSeen: NOW.mono - 15_001 });
    expect(decideOne(snapshotOf(waits, resting))).toMatchObject({
      kind: "wait",
      why: { code: "not-before" },
    });
  });
});

describe("limits", () => {
  it("stop a chain of hand-offs without a person", () => {
    expect(decideOne(snapshotOf(headOf("State: build\nHops: 4")))).not.toHaveProperty("limit");
    expect(decideOne(snapshotOf(headOf("State: build\nHops: 5/5")))).toMatchObject({
      kind: "run",
      limit: "hops",
    });
  });
});

describe("what other workers and people do", () => {
  it("a parked response is applied to its branch", () => {
    const parked = { value: sha(8), answers: sha(1) };
    const head = headOf("State: build");
    expect(
      decideOne(snapshotOf(head, undefined, { parkedResponses: new Map([["key", parked]]) })),
    ).toMatchObject({
      kind: "land",
      response: parked,
    });
    const stale = new Map([["key", { ...parked, answers: sha(9) }]]);
    expect(decideOne(snapshotOf(head, undefined, { parkedResponses: stale })).kind).toBe("run");
  });

  it("an AYNIG worker has the time of its lease, and is then answered as stalled", () => {
    const head = headOf("dwp-state: working\ndwp-lease-seconds: 60");
    const seenFor = (ms: number) =>
      snapshotOf(head, undefined, { firstSightings: new Map([[head.commit, NOW.mono - ms]]) });
    expect(decideOne(snapshotOf(head))).toMatchObject({
      kind: "wait",
      why: { code: "foreign", leftMs: 60_000 },
    });
    expect(decideOne(seenFor(59_999)).kind).toBe("wait");
    expect(decideOne(seenFor(60_000))).toMatchObject({ kind: "run", limit: "stalled" });
    expect(why("State: working")).toEqual(["park", "unknown-state"]);
  });

  it("a plain commit of a person on top of a join waits for the same children", () => {
    const joins = workflowOf(
      "on-plain-commit: continue\nstates: { join: { next: done, wait: children all, deadline: 1h, otherwise: failed }, build: {} }",
    );
    const replaced = headOf(`State: join\nBranch: a\nAnswers: ${sha(9)}\nChildren: b`).reading as Request;
    const taken = { takeovers: new Map([["key", replaced]]) };
    const withChild = (trailers: string): Decision => {
      const child = { ...headOf(`${trailers}\nBranch: a.b`, "a.b"), key: "child" };
      const head = headOf("Refs: #1");
      return decideOne(snapshotOf(head, undefined, { ...taken, heads: [head, child] }), joins);
    };
    expect(withChild("State: build")).toMatchObject({ kind: "wait", why: { code: "waits" } });
    expect(withChild("State: done")).toMatchObject({ kind: "run", request: { state: "join" } });
    expect(withChild("State: failed")).toMatchObject({ kind: "run", knownAnswer: { state: "failed" } });
  });

  it("a plain commit of a person parks the work, or repeats the request with on-plain-commit: continue", () => {
    const head = headOf("Refs: #1");
    const replaced = headOf("State: build").reading as Request;
    const snapshot = snapshotOf(head, undefined, { takeovers: new Map([["key", replaced]]) });
    expect(decideOne(snapshot)).toMatchObject({ kind: "park", why: { code: "taken-over", detail: "build" } });
    const continuing = workflowOf("on-plain-commit: continue\nstates: { build: {} }");
    expect(decideOne(snapshot, continuing)).toMatchObject({
      kind: "run",
      request: { state: "build", commit: head.commit, hops: 0 },
    });
  });
});
