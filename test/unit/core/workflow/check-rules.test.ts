/** The static checks of waits, people, agents and evidence. */
import { describe, expect, it } from "vitest";
import { checkRules } from "../../../../src/core/workflow/check-rules.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";

function problems(text: string): string[] {
  const { workflow, problems: found } = parseWorkflow(text);
  const all = workflow ? checkRules(workflow) : found;
  return all.map(({ path, message }) => `${path}: ${message}`);
}

const state = (more: string, top = "") => `${top}\nstates:\n  a: { next: done, ${more} }\n`;

describe("a wait", () => {
  it("needs a deadline and a way out, and each of them a wait", () => {
    expect(problems(state("wait: children all, deadline: 1d, otherwise: parked"))).toEqual([]);
    expect(problems(state("wait: children all, otherwise: parked"))).toEqual([
      "states.a.wait: may wait forever; add `deadline`",
    ]);
    expect(problems(state("wait: children all, deadline: 1d"))).toEqual([
      "states.a.wait: may wait forever; add `otherwise`",
    ]);
    expect(problems(state("deadline: 1d"))).toEqual([
      "states.a.deadline: has no effect without `wait`; add `wait` or remove it",
    ]);
  });

  it("is refused with the forms that there are, and is nothing for a person's state", () => {
    expect(problems(state("wait: childs all"))[0]).toMatch(/states.a.wait.*children all\|any\|settled/);
    expect(problems(state("human: true, wait: after 1d, deadline: 2d, otherwise: parked"))).toEqual([
      "states.a.wait: cannot be combined with `human: true`; remove one of them",
    ]);
  });
});

describe("names", () => {
  it("of roles and agents are known ones", () => {
    const top = "people: { leads: [ann@example.com] }\nagents: { claude: { run: claude -p } }";
    expect(problems(state("by: [leads, bob@example.com], agent: claude", top))).toEqual([]);
    expect(problems(state("by: leeds, agent: cluade", top))).toEqual([
      'states.a.by: "leeds" is neither an address, a role of `people`, nor a name of `agents`; did you mean "leads"?',
      'states.a.agent: "cluade" is not declared in `agents`; did you mean "claude"?',
    ]);
    expect(problems(state("wait: approvals 1 by chiefs, deadline: 1d, otherwise: parked", top))).toEqual([
      'states.a.wait: "chiefs" is neither an address nor a role of `people`',
    ]);
  });

  it("of evidence are proven somewhere, and `on-max` has a `max`", () => {
    expect(problems(state("proves: tests", "evidence: { done: tests }"))).toEqual([]);
    expect(problems(state("retries: 0", "evidence: { done: [tests] }"))).toEqual([
      'evidence.done: no state `proves` "tests"',
    ]);
    expect(problems(state("on-max: parked"))).toEqual([
      "states.a.on-max: has no effect without `max`; add `max` or remove it",
    ]);
  });
});

describe("a lane", () => {
  it("is a number, or has known keys and readable hours", () => {
    expect(problems(state("lane: x", "lanes: { x: 2 }"))).toEqual([]);
    expect(problems(state("lane: x", 'lanes: { x: { runs: 3, window: 1d, open: "22:00-06:00" } }'))).toEqual(
      [],
    );
    expect(problems(state("lane: x", "lanes: { x: { open: always } }"))[0]).toContain("22:00-06:00");
    expect(problems(state("lane: x", "lanes: { x: { slot: 3 } }"))[0]).toContain('did you mean "slots"');
  });
});
