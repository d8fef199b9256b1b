import { expect, test } from "vitest";
import { evaluateCase, type BacktestCase } from "../../../../src/core/analysis/backtest.ts";
import type { HandOffReport } from "../../../../src/core/analysis/hand-off-report.ts";
import type { Branch, Sha } from "../../../../src/core/protocol/ids.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";

const commit = { commit: "a" as Sha, parents: [], committed: 0, message: "" };

function told(
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
  const one: BacktestCase = {
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
  if (!workflow) throw new Error("the test's workflow cannot be read");
  return evaluateCase(one, workflow);
}

const PLAIN = "states:\n  build: { next: check }\n  check: { next: done }\n";

test("what may always be answered stays the same", () => {
  for (const to of ["check", "failed", "parked", "stalled", "cancelled"]) {
    expect(told(PLAIN, { handOff: { to } })).toEqual([]);
  }
  expect(told(PLAIN, { handOff: { to: "done" } })).toEqual(["done may not follow build (legal: check)"]);
  expect(told(PLAIN, { handOff: { to: "look" } })).toEqual(["there is no state look"]);
  expect(told(PLAIN, { handOff: { from: "constructor" } })).toEqual(["there is no state constructor"]);
});

test("a failure, a limit, a deadline and a tier may lead elsewhere", () => {
  const workflow =
    "states:\n  build: { next: check, on-failure: mend, max: 2, on-max: look, risk: { auto: land } }\n" +
    "  check: {}\n  mend: {}\n  look: {}\n  land: {}\n";
  for (const to of ["mend", "look", "land"]) expect(told(workflow, { handOff: { to } })).toEqual([]);
});

test("a limit parks at its very number, and lets go of what an older one parked", () => {
  const workflow = `${PLAIN}limits: { hops: 5 }\n`;
  expect(told(workflow, { hops: 4 })).toEqual([]);
  expect(told(workflow, { hops: 5 })[0]).toContain("parked: 5 hand-offs");
  const parked = (value: string, hops: number) =>
    told(workflow, { hops, handOff: { to: "parked", trailers: [{ key: "Hops", value }] } });
  expect(parked("4/3", 3)[0]).toContain("not parked");
  expect(parked("4/9", 3)).toEqual([]);
  expect(parked("6/3", 5)).toEqual([]);
});

test("the entry after the last one that is allowed goes elsewhere", () => {
  const workflow = "states:\n  build: { next: check }\n  check: { max: 2 }\n";
  expect(told(workflow, { rounds: 2 })).toEqual([]);
  expect(told(workflow, { rounds: 3 })[0]).toContain("parked: check was requested 2 times");
});

test("evidence counts where its state may give it", () => {
  const workflow = `states:\n  build: { next: check, proves: tests }\n  check: {}\nevidence: { check: [tests] }\n`;
  const missing = ["check needs evidence of its files: tests"];
  expect(told(workflow, {})).toEqual(missing);
  expect(told(workflow, { evidence: [{ name: "tests", by: "check" }] })).toEqual(missing);
  expect(told(workflow, { evidence: [{ name: "tests", by: "build" }] })).toEqual([]);
});

test("who was asked then is compared with who is asked now", () => {
  const human = PLAIN.replace("check: {", "check: { human: true,");
  expect(told(human, { wasHuman: false })).toEqual(["check is for a person, and was for a runner"]);
  expect(told(human, { wasHuman: true })).toEqual([]);
  expect(told(PLAIN, { wasHuman: true })).toEqual(["check is for a runner, and was for a person"]);
  expect(told(PLAIN, { requester: "ann@example.com" })).toEqual([]);
  const nobody = PLAIN.replace("build: {", "build: { by: [],");
  expect(told(nobody, { requester: undefined })).toEqual([]);
  expect(told(nobody, { requester: "ann@example.com" })[0]).toContain("only an answer may request it");
});
