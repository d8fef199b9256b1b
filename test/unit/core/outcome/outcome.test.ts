import { describe, expect, it } from "vitest";
import { backoffMs, decideOutcome, type Exit } from "../../../../src/core/outcome/outcome.ts";
import type { OutputReading } from "../../../../src/core/outcome/output.ts";
import { workflow } from "../../../support/builders/generated-snapshots.ts";

const exit = (code: number): Exit => ({ kind: "exited", code });
const said = (output: object = {}): OutputReading => ({ output: { trailers: [], ...output } });
const LEGAL = ["review", "done"];

describe("an exit of 0", () => {
  it("answers with the state that the script named", () => {
    const reading = said({ state: "review" });
    expect(decideOutcome(LEGAL, exit(0), reading)).toMatchObject({ kind: "answer", state: "review" });
    expect(decideOutcome(LEGAL, exit(0), said({ state: "failed" }))).toMatchObject({
      kind: "answer",
      state: "failed",
    });
    expect(decideOutcome(LEGAL, exit(0), said({ state: "parked" }))).toMatchObject({
      kind: "answer",
      state: "parked",
    });
  });

  it("answers with the only successor when the script named none", () => {
    expect(decideOutcome(["done"], exit(0), said())).toMatchObject({ kind: "answer", state: "done" });
  });

  it("is a failure when nothing tells which state follows, or one that may not", () => {
    expect(decideOutcome(LEGAL, exit(0), said())).toMatchObject({
      kind: "failed",
      why: "the script named no next state (legal: review, done)",
    });
    expect(decideOutcome(LEGAL, exit(0), said({ state: "reviw" }))).toMatchObject({
      kind: "failed",
      why: '"reviw" may not follow (legal: review, done); did you mean "review"?',
    });
  });

  it("is a failure when the output cannot be read, or the tree is not right", () => {
    expect(decideOutcome(LEGAL, exit(0), { problem: "no JSON" })).toEqual({ kind: "failed", why: "no JSON" });
    expect(decideOutcome(["done"], exit(0), said(), "left a merge")).toMatchObject({
      kind: "failed",
      why: "left a merge",
    });
  });

  it("may name any state where none is declared", () => {
    expect(decideOutcome("any", exit(0), said({ state: "whatever" }))).toMatchObject({ kind: "answer" });
    expect(decideOutcome("any", exit(0), said({ state: "Not A Name" }))).toMatchObject({ kind: "failed" });
    expect(decideOutcome("any", exit(0), said())).toMatchObject({ kind: "failed" });
  });
});

describe("another end", () => {
  it("75 asks for another time, in a minute or when the script says", () => {
    expect(decideOutcome(LEGAL, exit(75), said())).toMatchObject({ kind: "later", afterMs: 60_000 });
    expect(decideOutcome(LEGAL, exit(75), said({ "retry-after": 5 }))).toMatchObject({
      kind: "later",
      afterMs: 5,
    });
    expect(decideOutcome(LEGAL, exit(75), { problem: "no JSON" })).toMatchObject({ kind: "later" });
    expect(decideOutcome(LEGAL, exit(0), said({ "retry-after": 5 }))).toMatchObject({
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
  ])("%j fails the attempt and is named as what it was", (end, why) => {
    const reading = said({ state: "review", summary: "so far" });
    expect(decideOutcome(LEGAL, end, reading)).toMatchObject({
      kind: "failed",
      why,
      output: { summary: "so far" },
    });
    expect(decideOutcome(LEGAL, end, { problem: "no JSON" })).toEqual({ kind: "failed", why });
  });

  it("a stop by the runner is no outcome of the script's", () => {
    expect(decideOutcome(LEGAL, { kind: "stopped", why: "moved" }, said())).toEqual({
      kind: "stopped",
      why: "moved",
    });
  });
});

describe("the rest before the next attempt", () => {
  it("doubles, up to ten minutes", () => {
    const state = workflow.states["build"];
    expect([1, 2, 3, 4].map((attempt) => backoffMs(state, attempt))).toEqual([2000, 4000, 8000, 16_000]);
    expect(backoffMs(state, 1000)).toBe(600_000);
    expect(backoffMs(undefined, 1)).toBe(2000);
  });
});
