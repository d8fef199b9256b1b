import { expect, test } from "vitest";
import { evaluateCase, type BacktestCase } from "../../../../src/core/analysis/backtest.ts";
import type { HandOffReport } from "../../../../src/core/analysis/hand-off-report.ts";
import type { Branch, Sha } from "../../../../src/core/protocol/ids.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";

const commit = { commit: "a" as Sha, parents: [], committed: 0, message: "" };

function differences(
  text: string,
  change: Partial<Omit<BacktestCase, "handOff">> & { readonly handOff?: Partial<HandOffReport> },
) {
  const handOff: HandOffReport = {
    answer: commit,
    request: commit,
    branch: "x" as Branch,
    from: "build",
    to: "check",
    trailers: [],
    commits: [],
    ...change.handOff,
  };
  const backtestCase: BacktestCase = {
    hops: 0,
    requester: undefined,
    paths: [],
    rounds: 1,
    evidence: [],
    wasHuman: undefined,
    ...change,
    handOff,
  };
  const { workflow } = parseWorkflow(text);
  if (!workflow) throw new Error("the workflow of the test is not valid");
  return evaluateCase(backtestCase, workflow);
}

const PLAIN = "states:\n  build: { next: check }\n  check: { next: done }\n";

test("no difference for states to which every answer may lead", () => {
  for (const to of ["check", "failed", "parked", "stalled", "cancelled"]) {
    expect(differences(PLAIN, { handOff: { to } })).toEqual([]);
  }
  expect(differences(PLAIN, { handOff: { to: "done" } })).toEqual([
    "done may not follow build (legal: check)",
  ]);
  expect(differences(PLAIN, { handOff: { to: "look" } })).toEqual(["there is no state look"]);
  expect(differences(PLAIN, { handOff: { from: "constructor" } })).toEqual(["there is no state constructor"]);
});

test("a failure, a limit and a risk tier may lead to other states", () => {
  const workflow =
    "states:\n  build: { next: check, on-failure: fix, max: 2, on-max: look, risk: { auto: land } }\n" +
    "  check: {}\n  fix: {}\n  look: {}\n  land: {}\n";
  for (const to of ["fix", "look", "land"]) expect(differences(workflow, { handOff: { to } })).toEqual([]);
});

test("a limit parks exactly at its number, and not where only an older limit did", () => {
  const workflow = `${PLAIN}limits: { hops: 5 }\n`;
  expect(differences(workflow, { hops: 4 })).toEqual([]);
  expect(differences(workflow, { hops: 5 })[0]).toContain("parked: 5 hand-offs");
  const parked = (value: string, hops: number) =>
    differences(workflow, { hops, handOff: { to: "parked", trailers: [{ key: "Hops", value }] } });
  expect(parked("4/3", 3)[0]).toContain("not parked");
  expect(parked("4/9", 3)).toEqual([]);
  expect(parked("6/3", 5)).toEqual([]);
});

test("one round more than `max` leads to the other state", () => {
  const workflow = "states:\n  build: { next: check }\n  check: { max: 2 }\n";
  expect(differences(workflow, { rounds: 2 })).toEqual([]);
  expect(differences(workflow, { rounds: 3 })[0]).toContain("parked: check was requested 2 times");
});

test("evidence counts only if its state may give it", () => {
  const workflow = `states:\n  build: { next: check, proves: tests }\n  check: {}\nevidence: { check: [tests] }\n`;
  const missing = ["check needs evidence of its files: tests"];
  expect(differences(workflow, {})).toEqual(missing);
  expect(differences(workflow, { evidence: [{ name: "tests", by: "check" }] })).toEqual(missing);
  expect(differences(workflow, { evidence: [{ name: "tests", by: "build" }] })).toEqual([]);
});

test("a person and a runner are compared, then and now", () => {
  const human = PLAIN.replace("check: {", "check: { human: true,");
  expect(differences(human, { wasHuman: false })).toEqual(["check is for a person, and was for a runner"]);
  expect(differences(human, { wasHuman: true })).toEqual([]);
  expect(differences(PLAIN, { wasHuman: true })).toEqual(["check is for a runner, and was for a person"]);
  expect(differences(PLAIN, { requester: "ann@example.com" })).toEqual([]);
  const answersOnly = PLAIN.replace("build: {", "build: { by: [],");
  expect(differences(answersOnly, { requester: undefined })).toEqual([]);
  expect(differences(answersOnly, { requester: "ann@example.com" })[0]).toContain(
    "only an answer may request it",
  );
});
