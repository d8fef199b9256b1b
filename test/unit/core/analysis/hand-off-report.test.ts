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

/** 1 requests build, 2 is by the script, 3 answers; 4 is by a person, 5 approves it, 6 answers it. */
const LINE = [
  commit("6", "5", `done\n\nState: done\nBranch: x\nAnswers: ${id("5")}\n`),
  commit("5", "4", `yes\n\nApproves: ${id("4")}\n`),
  commit("4", "3", "please look\n\nState: look\nBranch: x\n"),
  commit("3", "2", `built\n\nState: check\nBranch: x\nAnswers: ${id("1")}\nRun: r\n`),
  commit("2", "1", "work of the script\n"),
  commit("1", "0", "build it\n\nState: build\nBranch: x\n"),
];

describe("readHandOffHistory", () => {
  it("matches answers with requests, and includes the commits of the script", () => {
    const { handOffs, unmatchedAnswers, byRequest } = readHandOffHistory(LINE);
    expect(unmatchedAnswers).toBe(0);
    expect(handOffs.map(({ from, to, commits }) => [from, to, commits])).toEqual([
      ["look", "done", [id("6")]],
      ["build", "check", [id("3"), id("2")]],
    ]);
    expect(byRequest.get(id("1"))?.[0]?.answer.commit).toBe(id("3"));
  });

  it("finds the request below its approvals", () => {
    expect(readHandOffHistory(LINE).byAnswer.get(id("6"))?.request.commit).toBe(id("4"));
  });

  it("counts an answer only above its request", () => {
    const copy = commit("9", "8", LINE[3]?.message ?? "");
    const history = readHandOffHistory([...LINE, copy, commit("8", undefined, "elsewhere\n")]);
    expect(history.handOffs).toHaveLength(2);
    expect(history.unmatchedAnswers).toBe(1);
  });

  it("ends if commits name each other as parents", () => {
    const a = commit("a", "b", `x\n\nState: x\nAnswers: ${id("c")}\n`);
    expect(readHandOffHistory([a, commit("b", "a", "y\n")]).unmatchedAnswers).toBe(1);
  });
});

describe("the request", () => {
  const next = commit("7", "3", `checked\n\nState: done\nBranch: x\nAnswers: ${id("3")}\n`);

  it("is followed back over answers to the first one", () => {
    const history = readHandOffHistory([next, ...LINE]);
    const request = history.byAnswer.get(id("7"))?.request;
    expect(request?.commit).toBe(id("3"));
    expect(request && findFirstRequest(history, request).commit).toBe(id("1"));
  });

  it("is the newest one that can run, whatever branch it names", () => {
    expect(findLatestRequest(LINE, (state) => !isReservedState(state))?.state).toBe("look");
    expect(findLatestRequest(LINE.slice(3), (state) => state === "build")?.commit).toBe(id("1"));
    expect(findLatestRequest([], () => true)).toBeUndefined();
  });

  it("is undefined if the commits end before it", () => {
    expect(findRequestAt(new Map(), id("1"))).toBeUndefined();
    expect(findRequestAt(new Map([[id("2"), LINE[4] as Commit]]), id("2"))).toBeUndefined();
  });
});
