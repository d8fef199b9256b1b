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

/** The time of the view, as a commit would say it. */
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

const seen = (lease: Partial<Lease>, more: Partial<ObservedLease> = {}): ObservedLease => ({
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

function viewOf(head: Head, lease?: ObservedLease, more: Partial<Snapshot> = {}): Snapshot {
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

function one(view: Snapshot, by = workflow): Decision {
  const [decision] = decide(view, by, NOW);
  if (!decision) throw new TypeError("there is one head");
  return decision;
}

const why = (trailers: string, name = "a", parents = 1) => {
  const decision = one(viewOf(headOf(trailers, name, parents)));
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
    ["State: build\nDepends-On: whatever comes first", ["park", "depends-on"]],
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

  it("is looked at where the workflow says so", () => {
    expect(why("State: build", "main")).toEqual(["ignore", "target"]);
    expect(why("State: build", "skip/x")).toEqual(["ignore", "not-listed"]);
    expect(why("State: build", "a", 2)).toEqual(["ignore", "merge"]);
    const onTarget = workflowOf("target: work\nstates: { build: {} }");
    expect(one(viewOf(headOf("State: build", "main")), onTarget).kind).toBe("run");
    const listed = workflowOf("branches: [feat/*]\nstates: { build: {} }");
    expect(one(viewOf(headOf("State: build", "feat/x")), listed).kind).toBe("run");
    expect(one(viewOf(headOf("State: build", "feat/x/y")), listed).kind).toBe("ignore");
  });
});

describe("a head with a lease", () => {
  const head = headOf("State: build");

  it("waits while the lease is held, and is taken over one and a half TTL after it was first seen", () => {
    expect(one(viewOf(head, seen({})))).toMatchObject({ kind: "wait", why: { code: "running", attempt: 1 } });
    expect(one(viewOf(head, seen({ request: sha(9) })))).toMatchObject({ why: { code: "running-older" } });
    expect(one(viewOf(head, seen({}, { firstSeen: NOW.mono - 15_000 }))).kind).toBe("wait");
    const expired = seen({}, { firstSeen: NOW.mono - 15_001 });
    expect(one(viewOf(head, expired))).toMatchObject({ kind: "run", attempt: 2, previousLease: expired });
    expect(one(viewOf(head, seen({}, { isHolderDead: true })))).toMatchObject({ kind: "run", attempt: 2 });
    expect(one(viewOf(head, seen({ request: sha(9) }, { isHolderDead: true })))).toMatchObject({
      kind: "run",
      attempt: 1,
    });
  });

  it("removes a lost lease from a branch that is not worked on, because it may hold a place", () => {
    const lost = seen({}, { isHolderDead: true });
    expect(one(viewOf(headOf("State: build", "main"), lost)).kind).toBe("expire");
    expect(one(viewOf(headOf("State: build", "skip/me"), lost)).kind).toBe("expire");
    expect(one(viewOf(headOf("State: build", "main"), seen({}))).kind).toBe("ignore");
  });

  it("waits while a lease that cannot be read is young", () => {
    expect(one(viewOf(head, { ...seen({}), lease: undefined })).kind).toBe("wait");
    expect(one(viewOf(head, { ...seen({}), lease: undefined, firstSeen: 0 }))).toMatchObject({
      kind: "run",
      attempt: 1,
    });
  });

  it("rests between attempts, and at the last one says that the limit is reached", () => {
    const rest = { ms: 5000, why: "exit 1" };
    expect(one(viewOf(head, seen({ backoff: rest })))).toMatchObject({
      kind: "wait",
      why: { code: "resting", leftMs: 5000 },
    });
    const over = seen({ backoff: rest }, { firstSeen: NOW.mono - 5000 });
    expect(one(viewOf(head, over))).toMatchObject({ kind: "run", attempt: 2 });
    expect(one(viewOf(head, seen({ attempt: 2, backoff: rest }, { firstSeen: 0 })))).toMatchObject({
      attempt: 3,
      limit: "attempts",
    });
  });

  it("has rested when either somebody watched it for so long, or its date is so long ago", () => {
    const rest = { ms: 5000, why: "exit 1" };
    const rested = (watchedMs: number, secondsAgo: number) =>
      one(
        viewOf(
          head,
          seen({ backoff: rest }, { firstSeen: NOW.mono - watchedMs, committed: TODAY - secondsAgo }),
        ),
      );
    expect(rested(4999, 0)).toMatchObject({ why: { code: "resting", leftMs: 1 } });
    expect(rested(5000, 0).kind).toBe("run");
    // The date is cut to a whole second, so the rest may have begun almost a second after it.
    expect(rested(0, 5)).toMatchObject({ why: { code: "resting", leftMs: 1000 } });
    expect(rested(0, 6).kind).toBe("run");
    expect(rested(4500, 4)).toMatchObject({ why: { leftMs: 500 } });
  });

  it("rests no shorter and no longer for a date in the future", () => {
    const rest = { ms: 5000, why: "exit 1" };
    const later = (watchedMs: number) =>
      one(
        viewOf(head, seen({ backoff: rest }, { firstSeen: NOW.mono - watchedMs, committed: TODAY + 3600 })),
      );
    expect(later(0)).toMatchObject({ why: { code: "resting", leftMs: 5000 } });
    expect(later(2000)).toMatchObject({ why: { code: "resting", leftMs: 3000 } });
    expect(later(5000).kind).toBe("run");
  });

  it("waits for a holder whatever the date of its lease", () => {
    for (const committed of [0, TODAY + 3600]) {
      expect(one(viewOf(head, seen({}, { committed })))).toMatchObject({ why: { code: "running" } });
    }
  });

  it("has it deleted when nothing is asked any more", () => {
    const lost = seen({}, { isHolderDead: true });
    expect(one(viewOf(headOf("State: done"), lost))).toMatchObject({ kind: "expire", previousLease: lost });
    expect(one(viewOf(headOf("Refs: #1"), lost))).toMatchObject({ kind: "expire", previousLease: lost });
    expect(one(viewOf(headOf("State: done"), seen({}))).kind).toBe("ignore");
  });

  it("keeps the attempts of a request that has to wait again", () => {
    const waits = headOf("State: build\nNot-Before: 2999-01-01");
    const request = { request: waits.commit };
    const lost = seen(request, { firstSeen: NOW.mono - 15_001 });
    expect(one(viewOf(waits, lost))).toMatchObject({
      kind: "expire",
      previousLease: lost,
      shouldKeepAttempts: true,
    });
    const resting = seen({ ...request, backoff: { ms: 1, why: "x" } }, { firstSeen: NOW.mono - 15_001 });
    expect(one(viewOf(waits, resting))).toMatchObject({ kind: "wait", why: { code: "not-before" } });
  });
});

describe("limits", () => {
  it("stop a chain of hand-offs without a person", () => {
    expect(one(viewOf(headOf("State: build\nHops: 4")))).not.toHaveProperty("limit");
    expect(one(viewOf(headOf("State: build\nHops: 5/5")))).toMatchObject({ kind: "run", limit: "hops" });
  });
});

describe("what others do", () => {
  it("a finished response beside its branch is put there", () => {
    const parked = { value: sha(8), answers: sha(1) };
    const head = headOf("State: build");
    expect(one(viewOf(head, undefined, { parkedResponses: new Map([["key", parked]]) }))).toMatchObject({
      kind: "land",
      response: parked,
    });
    const stale = new Map([["key", { ...parked, answers: sha(9) }]]);
    expect(one(viewOf(head, undefined, { parkedResponses: stale })).kind).toBe("run");
  });

  it("an AYNIG worker has its time, and is then answered as stalled", () => {
    const head = headOf("dwp-state: working\ndwp-lease-seconds: 60");
    const sighted = (ago: number) =>
      viewOf(head, undefined, { firstSightings: new Map([[head.commit, NOW.mono - ago]]) });
    expect(one(viewOf(head))).toMatchObject({ kind: "wait", why: { code: "foreign", leftMs: 60_000 } });
    expect(one(sighted(59_999)).kind).toBe("wait");
    expect(one(sighted(60_000))).toMatchObject({ kind: "run", limit: "stalled" });
    expect(why("State: working")).toEqual(["park", "unknown-state"]);
  });

  it("a person's plain commit on top of a join makes it wait for the same children", () => {
    const joins = workflowOf(
      "on-plain-commit: continue\nstates: { join: { next: done, wait: children all, deadline: 1h, otherwise: failed }, build: {} }",
    );
    const below = headOf(`State: join\nBranch: a\nAnswers: ${sha(9)}\nChildren: b`).reading as Request;
    const taken = { takeovers: new Map([["key", below]]) };
    const withChild = (trailers: string): Decision => {
      const child = { ...headOf(`${trailers}\nBranch: a.b`, "a.b"), key: "child" };
      const head = headOf("Refs: #1");
      return one(viewOf(head, undefined, { ...taken, heads: [head, child] }), joins);
    };
    expect(withChild("State: build")).toMatchObject({ kind: "wait", why: { code: "waits" } });
    expect(withChild("State: done")).toMatchObject({ kind: "run", request: { state: "join" } });
    expect(withChild("State: failed")).toMatchObject({ kind: "run", knownAnswer: { state: "failed" } });
  });

  it("a person's plain commit parks the work, or goes on with it where the workflow says so", () => {
    const head = headOf("Refs: #1");
    const below = headOf("State: build").reading as Request;
    const view = viewOf(head, undefined, { takeovers: new Map([["key", below]]) });
    expect(one(view)).toMatchObject({ kind: "park", why: { code: "taken-over", detail: "build" } });
    const goesOn = workflowOf("on-plain-commit: continue\nstates: { build: {} }");
    expect(one(view, goesOn)).toMatchObject({
      kind: "run",
      request: { state: "build", commit: head.commit, hops: 0 },
    });
  });
});
