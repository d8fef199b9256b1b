import { describe, expect, it } from "vitest";
import { decideNo, decideYes, type PersonDecision } from "../../../../src/core/policy/person-decision.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";
import { must } from "../../../support/builders/generated-snapshots.ts";

interface Case {
  /** The successors of the state `look`. */
  readonly next: string;
  readonly passed?: readonly string[];
  readonly state?: string;
  readonly wantsApproval?: boolean;
}

function positionOf({ next, passed = [], state = "look", wantsApproval = false }: Case) {
  const text = `states:
  work: { next: look }
  look: { human: true, next: ${next} }
  gate: { next: done, wait: approvals 1, deadline: 1d, otherwise: work }
  last: { next: done, wait: approvals 1, deadline: 1d, otherwise: failed }
  more: {}
  rejected: {}
`;
  const { workflow } = parseWorkflow(text);
  return { workflow: must(workflow), state, wantsApproval, passed: new Set([state, ...passed]) };
}

const request = (state: string): PersonDecision => ({ kind: "request", state });
const choose = (...states: string[]): PersonDecision => ({ kind: "choose", states });

describe("a yes", () => {
  it.each<[string, Case, PersonDecision]>([
    [
      "adds an approval where the request waits for one",
      { next: "done", state: "gate", wantsApproval: true },
      { kind: "approve" },
    ],
    ["asks for the only successor", { next: "more" }, request("more")],
    ["asks for done", { next: "done" }, request("done")],
    [
      "leaves out states that the work has passed",
      { next: "[more, work]", passed: ["work"] },
      request("more"),
    ],
    [
      "leaves out failed, cancelled and the state itself",
      { next: "[failed, cancelled, look, done]" },
      request("done"),
    ],
    [
      "lets the person choose among several",
      { next: "[more, done, work]", passed: ["work"] },
      choose("more", "done"),
    ],
    [
      "lets the person choose where every successor is passed",
      { next: "[work]", passed: ["work"] },
      choose("work"),
    ],
    ["means nothing without a successor", { next: "[]" }, { kind: "nothing" }],
    ["means nothing at a state of a script", { next: "done", state: "work" }, { kind: "nothing" }],
    ["means nothing at an undeclared state", { next: "done", state: "parked" }, { kind: "nothing" }],
  ])("%s", (_what, position, decision) => {
    expect(decideYes(positionOf(position))).toEqual(decision);
  });

  it("means nothing where nothing is asked for", () => {
    expect(decideYes({ ...positionOf({ next: "done" }), state: undefined })).toEqual({ kind: "nothing" });
  });
});

describe("a no", () => {
  it.each<[string, Case, PersonDecision]>([
    [
      "asks for the only state that the work has passed",
      { next: "[more, work, done]", passed: ["work"] },
      request("work"),
    ],
    ["asks for failed where no passed state is open", { next: "[more, failed]" }, request("failed")],
    ["asks for the only successor but done", { next: "[more, done]" }, request("more")],
    [
      "prefers a state named rejected",
      { next: "[work, rejected, done]", passed: ["work"] },
      request("rejected"),
    ],
    [
      "lets the person choose among several",
      { next: "[work, failed, done]", passed: ["work"] },
      choose("work", "failed"),
    ],
    ["ends the work where only done may follow", { next: "done" }, { kind: "cancel" }],
    [
      "asks for the otherwise of a wait for approvals",
      { next: "done", state: "gate", wantsApproval: true },
      request("work"),
    ],
    [
      "ends the work where that is a final state",
      { next: "done", state: "last", wantsApproval: true },
      { kind: "cancel" },
    ],
    ["means nothing at a state of a script", { next: "done", state: "work" }, { kind: "nothing" }],
    ["means nothing once the approvals are there", { next: "done", state: "gate" }, { kind: "nothing" }],
  ])("%s", (_what, position, decision) => {
    expect(decideNo(positionOf(position))).toEqual(decision);
  });
});
