import { describe, expect, it } from "vitest";
import type { Run } from "../../src/core/decide.ts";
import { admit } from "../../src/core/lane.ts";
import { LEASES, type Lease } from "../../src/core/lease.ts";
import { parseRequest } from "../../src/core/request.ts";
import type { Head, SeenLease, View } from "../../src/core/view.ts";
import type { Ref } from "../../src/core/ids.ts";
import { branch, RUN, sha, workflow } from "../property/views.ts";

/** A request on a branch of this name, in the order of `at`: the first number is the oldest. */
function runOf(
  name: string,
  at: number,
  state: "build" | "test" = "test",
  priority = 0,
  over?: SeenLease,
): Run {
  const message = `s\n\nState: ${state}\nPriority: ${priority}\n`;
  const commit = { commit: sha(at), parents: [], committed: at, message };
  const request = parseRequest(branch(name), commit);
  if (request.kind !== "request") throw new TypeError(request.reason);
  const head: Head = { ...commit, branch: branch(name), key: name, asked: request };
  return { kind: "run", head, request, state: workflow.states[state], attempt: 1, over };
}

function leaseOf(name: string, lane: string, more: Partial<SeenLease> = {}): SeenLease {
  const lease: Lease = {
    branch: branch(name),
    request: sha(1),
    run: RUN,
    runner: "r",
    attempt: 1,
    ttlMs: 1000,
    nonce: "n",
    lane,
  };
  return { ref: `${LEASES}${name}` as Ref, value: sha(77), lease, firstSeen: 0, dead: false, ...more };
}

const viewOf = (leases: SeenLease[] = [], going: Record<string, string> = {}): View => ({
  target: branch("main"),
  heads: [],
  leases: new Map(leases.map((one) => [one.lease?.branch ?? "", one])),
  parked: new Map(),
  takenOver: new Map(),
  sightings: new Map(),
  going: new Map(Object.entries(going).map(([name, lane]) => [branch(name), lane])),
});

/** The names that go, and the code for each that does not. */
function admitted(view: View, runs: Run[], limit?: number): [string[], Record<string, string>] {
  const { admitted: go, held } = admit(view, workflow, runs, limit);
  return [
    go.map(({ head }) => head.branch),
    Object.fromEntries(held.map(({ head, why }) => [head.branch, why.code])),
  ];
}

describe("admit", () => {
  it("goes by priority, then by age", () => {
    const runs = [runOf("c", 3), runOf("a", 2), runOf("b", 1), runOf("z", 9, "test", 5)];
    expect(admitted(viewOf(), runs, 4)).toEqual([["z", "b", "a"], { c: "lane-full" }]);
    expect(admitted(viewOf(), runs, 1)).toEqual([["z"], { a: "no-room", b: "no-room", c: "no-room" }]);
  });

  it("lets a full lane hold up its own branches only", () => {
    const runs = [runOf("a", 1, "build"), runOf("b", 2, "build"), runOf("c", 3)];
    expect(admitted(viewOf(), runs)).toEqual([["a", "c"], { b: "lane-full" }]);
  });

  it("counts what goes on here and elsewhere, each once", () => {
    const held = leaseOf("x", "narrow");
    const run = runOf("a", 1, "build");
    expect(admitted(viewOf([held]), [run])).toEqual([[], { a: "lane-full" }]);
    expect(admitted(viewOf([], { x: "narrow" }), [run])).toEqual([[], { a: "lane-full" }]);
    expect(admitted(viewOf([leaseOf("x", "wide")], { x: "wide" }), [runOf("a", 1), runOf("b", 2)])).toEqual([
      ["a", "b"],
      {},
    ]);
    expect(admitted(viewOf([], { x: "default" }), [run], 1)).toEqual([[], { a: "no-room" }]);
  });

  it("counts no lease of a dead runner, none that rests, and none that is taken over", () => {
    const lost = leaseOf("a", "narrow");
    const rest = leaseOf("x", "narrow");
    const resting = { ...rest, lease: { ...(rest.lease as Lease), rest: { ms: 1, why: "exit 1" } } };
    expect(admitted(viewOf([leaseOf("x", "narrow", { dead: true })]), [runOf("a", 1, "build")])[0]).toEqual([
      "a",
    ]);
    expect(admitted(viewOf([resting]), [runOf("a", 1, "build")])[0]).toEqual(["a"]);
    expect(admitted(viewOf([lost]), [runOf("a", 1, "build", 0, lost)])[0]).toEqual(["a"]);
  });
});
