import { describe, expect, it } from "vitest";
import { backoffMs, decideOutcome, type Exit } from "../../../../src/core/outcome/outcome.ts";
import type { OutputReading } from "../../../../src/core/outcome/output.ts";
import { workflow } from "../../../support/builders/generated-snapshots.ts";

const exit = (code: number): Exit => ({ kind: "exited", code });
const outputOf = (output: object = {}): OutputReading => ({ output: { trailers: [], ...output } });
const LEGAL = ["review", "done"];

describe("an exit of 0", () => {
  it("answers with the state that the script named", () => {
    const reading = outputOf({ state: "review" });
    expect(decideOutcome(LEGAL, exit(0), reading)).toMatchObject({ kind: "answer", state: "review" });
    expect(decideOutcome(LEGAL, exit(0), outputOf({ state: "failed" }))).toMatchObject({
      kind: "answer",
      state: "failed",
    });
    expect(decideOutcome(LEGAL, exit(0), outputOf({ state: "parked" }))).toMatchObject({
      kind: "answer",
      state: "parked",
    });
  });

  it("answers with the only successor if the script named no state", () => {
    expect(decideOutcome(["done"], exit(0), outputOf())).toMatchObject({ kind: "answer", state: "done" });
  });

  it("fails if no state was named, or one that is not legal", () => {
    expect(decideOutcome(LEGAL, exit(0), outputOf())).toMatchObject({
      kind: "failed",
      why: "the script named no next state (legal: review, done)",
    });
    expect(decideOutcome(LEGAL, exit(0), outputOf({ state: "reviw" }))).toMatchObject({
      kind: "failed",
      why: '"reviw" may not follow (legal: review, done); did you mean "review"?',
    });
  });

  it("fails if the output or the tree is not valid", () => {
    expect(decideOutcome(LEGAL, exit(0), { problem: "not JSON" })).toEqual({
      kind: "failed",
      why: "not JSON",
    });
    expect(decideOutcome(["done"], exit(0), outputOf(), "left a merge")).toMatchObject({
      kind: "failed",
      why: "left a merge",
    });
  });

  it("may name any state if the workflow declares no transitions", () => {
    expect(decideOutcome("any", exit(0), outputOf({ state: "whatever" }))).toMatchObject({ kind: "answer" });
    expect(decideOutcome("any", exit(0), outputOf({ state: "Not A Name" }))).toMatchObject({
      kind: "failed",
    });
    expect(decideOutcome("any", exit(0), outputOf())).toMatchObject({ kind: "failed" });
  });
});

describe("any other exit", () => {
  it("75 postpones the request, by a minute or by the time that the script declares", () => {
    expect(decideOutcome(LEGAL, exit(75), outputOf())).toMatchObject({ kind: "later", afterMs: 60_000 });
    expect(decideOutcome(LEGAL, exit(75), outputOf({ "retry-after": 5 }))).toMatchObject({
      kind: "later",
      afterMs: 5,
    });
    expect(decideOutcome(LEGAL, exit(75), { problem: "not JSON" })).toMatchObject({ kind: "later" });
    expect(decideOutcome(LEGAL, exit(0), outputOf({ "retry-after": 5 }))).toMatchObject({
      kind: "later",
      afterMs: 5,
    });
  });

  it.each<[Exit, string]>([
    [exit(1), "exit 1"],
    [exit(127), "exit 127"],
    [{ kind: "signalled", signal: "SIGKILL" }, "killed by SIGKILL"],
    [{ kind: "timed-out", afterMs: 90_000 }, "timed out after 1m 30s"],
    [{ kind: "stalled", afterMs: 90_000 }, "stopped after 1m 30s without output or a changed file"],
    [{ kind: "not-started", why: "no such interpreter" }, "no such interpreter"],
  ])("%j fails the attempt and is named as the cause", (failure, why) => {
    const reading = outputOf({ state: "review", summary: "so far" });
    expect(decideOutcome(LEGAL, failure, reading)).toMatchObject({
      kind: "failed",
      why,
      output: { summary: "so far" },
    });
    expect(decideOutcome(LEGAL, failure, { problem: "not JSON" })).toEqual({ kind: "failed", why });
  });

  it("a stop by the runner is not an outcome of the script", () => {
    expect(decideOutcome(LEGAL, { kind: "stopped", why: "moved" }, outputOf())).toEqual({
      kind: "stopped",
      why: "moved",
    });
  });
});

describe("the back-off before the next attempt", () => {
  it("doubles, up to ten minutes", () => {
    const state = workflow.states["build"];
    expect([1, 2, 3, 4].map((attempt) => backoffMs(state, attempt))).toEqual([2000, 4000, 8000, 16_000]);
    expect(backoffMs(state, 1000)).toBe(600_000);
    expect(backoffMs(undefined, 1)).toBe(2000);
  });
});
