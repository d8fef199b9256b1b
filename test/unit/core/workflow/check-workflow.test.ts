import { describe, expect, it } from "vitest";
import {
  checkWorkflow,
  successorsOf,
  type ScriptFile,
} from "../../../../src/core/workflow/check-workflow.ts";
import { openWorkflow } from "../../../../src/core/workflow/workflow-file.ts";
import { workflowOf } from "../../../support/builders/generated-snapshots.ts";

const script = (path: string, executable = true): ScriptFile => ({ path, executable });

/** Checks the text against a good script for each of the names, and these scripts besides. */
function check(text: string, names: string, more: Record<string, ScriptFile[]> = {}): string[] {
  const good = names
    .split(" ")
    .filter(Boolean)
    .map((name): [string, ScriptFile[]] => [name, [script(`states/${name}`)]]);
  const scripts = new Map([...good, ...Object.entries(more)]);
  return checkWorkflow(workflowOf(text), scripts).map(({ path, message }) => `${path}: ${message}`);
}

/** Two states that hand work to each other. */
const loop = (b: string, more = "") => `states: { a: { next: [b, done] }, b: { next: [a], ${b} } }\n${more}`;

describe("checkWorkflow", () => {
  it("has nothing to say of a whole workflow, nor of a repository without a file", () => {
    expect(
      check("states: { build: { next: review }, review: { human: true, next: [build, done] } }", "build"),
    ).toEqual([]);
    expect(checkWorkflow(openWorkflow([]), new Map())).toEqual([]);
  });

  it("wants a state, and no reserved one", () => {
    expect(check("states: {}", "")).toEqual(["states: declares no states"]);
    expect(check("states: { a: { next: parked }, parked: {} }", "a parked")).toEqual([
      'states.parked: "parked" is reserved and cannot be declared',
    ]);
  });

  it("finds a transition, a failure and a start that lead nowhere, and names the nearest state", () => {
    expect(
      check("states: { build: { next: reveiw }, review: {} }\nstart: [build, review]", "build review"),
    ).toEqual(['states.build.next: leads to "reveiw", which is not declared; did you mean "review"?']);
    expect(check("states: { a: { on-failure: zzzzzz } }", "a")).toEqual([
      'states.a.on-failure: leads to "zzzzzz", which is not declared',
    ]);
    expect(check("states: { build: {} }\nstart: biuld", "build")).toContain(
      'start: leads to "biuld", which is not declared; did you mean "build"?',
    );
  });

  it("wants one executable script for each state without a person", () => {
    expect(check("states: { a: {} }", "")).toEqual([
      'states.a: has no script; add states/a, or set "human: true"',
    ]);
    expect(check("states: { a: {} }", "", { a: [script("states/a.sh", false)] })).toEqual([
      "states.a: states/a.sh is not executable; run git update-index --chmod=+x states/a.sh",
    ]);
    expect(check("states: { a: {} }", "", { a: [script("states/a"), script("states/a.py")] })).toEqual([
      "states.a: has two scripts: states/a, states/a.py",
    ]);
    expect(check("states: { a: {} }", "", { a: [script("states/a"), script("states/a.md", false)] })).toEqual(
      [],
    );
  });

  it("finds a state that cannot be reached, and one that only a failure reaches is reached", () => {
    expect(check("states: { a: {}, b: {} }", "a b")).toEqual([
      "states.b: cannot be reached from any other state; add it to a `next` or to `start`",
    ]);
    expect(check("states: { a: { on-failure: b }, b: {} }", "a b")).toEqual([]);
    expect(check("states: { a: {}, b: {} }\nstart: [a, b]", "a b")).toEqual([]);
  });

  it("finds a loop without a bound; a person or a limit bounds it", () => {
    expect(check(loop(""), "a b")).toEqual([
      "limits.hops: the loop a -> b -> a has no limit; set limits.hops, or a `max` on a state of it",
    ]);
    expect(check(loop("human: true"), "a")).toEqual([]);
    expect(check(loop("", "limits: { hops: 9 }"), "a b")).toEqual([]);
    expect(check(loop("max: 3"), "a b")).toEqual([]);
    expect(check("states: { a: { next: a } }", "a")[0]).toContain("a -> a");
    expect(check("states: { a: { on-failure: a } }", "a")[0]).toContain("a -> a");
  });

  it("finds a lane that is not listed, where any is", () => {
    expect(check("states: { a: { lane: gpus } }\nlanes: { gpu: 1 }", "a")).toEqual([
      'states.a.lane: names the lane "gpus", which is not listed; did you mean "gpu"?',
    ]);
    expect(check("states: { a: { lane: gpu } }", "a")).toEqual([]);
    expect(check("states: { a: {} }\nlanes: { gpu: 1 }", "a")).toEqual([]);
  });
});

describe("exits", () => {
  it("are the successors and the failure", () => {
    const workflow = workflowOf("states: { a: { next: [b, done], on-failure: c }, b: {}, c: {} }");
    expect(successorsOf(workflow, "a")).toEqual(["b", "done", "c"]);
    expect(successorsOf(workflow, "done")).toEqual([]);
    expect(successorsOf(workflow, "constructor")).toEqual([]);
  });
});
