import { describe, expect, it } from "vitest";
import {
  findRequestAt,
  findLatestRequest,
  findFirstRequest,
  readHandOffHistory,
} from "../../../../src/core/analysis/hand-off-report.ts";
import type { Sha } from "../../../../src/core/protocol/ids.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";
import { isReservedState } from "../../../../src/core/workflow/workflow.ts";

const id = (name: string): Sha => name.repeat(40).slice(0, 40) as Sha;

const commit = (name: string, parent: string | undefined, message: string): Commit => ({
  commit: id(name),
  parents: parent === undefined ? [] : [id(parent)],
  committed: Number.parseInt(name, 16),
  message,
});

/** 1 asks for build, 2 is the script's, 3 answers; 4 is a person's, 5 approves it, 6 answers that. */
const LINE = [
  commit("6", "5", `done\n\nState: done\nBranch: x\nAnswers: ${id("5")}\n`),
  commit("5", "4", `yes\n\nApproves: ${id("4")}\n`),
  commit("4", "3", "please look\n\nState: look\nBranch: x\n"),
  commit("3", "2", `built\n\nState: check\nBranch: x\nAnswers: ${id("1")}\nRun: r\n`),
  commit("2", "1", "work of the script\n"),
  commit("1", "0", "build it\n\nState: build\nBranch: x\n"),
];

describe("readPast", () => {
  it("joins answers to requests, with what the script committed", () => {
    const { handOffs, unmatchedAnswers: lost, byRequest } = readHandOffHistory(LINE);
    expect(lost).toBe(0);
    expect(handOffs.map(({ from, to, commits: carried }) => [from, to, carried])).toEqual([
      ["look", "done", [id("6")]],
      ["build", "check", [id("3"), id("2")]],
    ]);
    expect(byRequest.get(id("1"))?.[0]?.answer.commit).toBe(id("3"));
  });

  it("takes what approvals stand on for the request", () => {
    expect(readHandOffHistory(LINE).byAnswer.get(id("6"))?.request.commit).toBe(id("4"));
  });

  it("counts an answer only above its request", () => {
    const copy = commit("9", "8", LINE[3]?.message ?? "");
    const past = readHandOffHistory([...LINE, copy, commit("8", undefined, "elsewhere\n")]);
    expect(past.handOffs).toHaveLength(2);
    expect(past.unmatchedAnswers).toBe(1);
  });

  it("ends on commits that name each other", () => {
    const a = commit("a", "b", `x\n\nState: x\nAnswers: ${id("c")}\n`);
    expect(readHandOffHistory([a, commit("b", "a", "y\n")]).unmatchedAnswers).toBe(1);
  });
});

describe("what was asked", () => {
  const next = commit("7", "3", `checked\n\nState: done\nBranch: x\nAnswers: ${id("3")}\n`);

  it("goes back over answers to where it began", () => {
    const past = readHandOffHistory([next, ...LINE]);
    const request = past.byAnswer.get(id("7"))?.request;
    expect(request?.commit).toBe(id("3"));
    expect(request && findFirstRequest(past, request).commit).toBe(id("1"));
  });

  it("is the nearest that a script can have, whatever branch it names", () => {
    expect(findLatestRequest(LINE, (state) => !isReservedState(state))?.state).toBe("look");
    expect(findLatestRequest(LINE.slice(3), (state) => state === "build")?.commit).toBe(id("1"));
    expect(findLatestRequest([], () => true)).toBeUndefined();
  });

  it("is nothing where the commits end", () => {
    expect(findRequestAt(new Map(), id("1"))).toBeUndefined();
    expect(findRequestAt(new Map([[id("2"), LINE[4] as Commit]]), id("2"))).toBeUndefined();
  });
});
