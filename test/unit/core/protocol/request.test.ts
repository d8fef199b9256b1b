import { describe, expect, it } from "vitest";
import { parseRequest, type HeadReading } from "../../../../src/core/protocol/request.ts";
import { branch, sha } from "../../../support/builders/generated-snapshots.ts";

const ask = (trailers: string, parents = 1, on = "feat/x"): HeadReading =>
  parseRequest(branch(on), {
    commit: sha(1),
    parents: Array.from({ length: parents }, (_, at) => sha(at + 2)),
    committed: 7,
    message: `subject\n\nthe prompt\n\n${trailers}\n`,
  });

describe("a request", () => {
  it("is a head with one value of State", () => {
    expect(ask("State: review")).toMatchObject({
      kind: "request",
      branch: "feat/x",
      commit: sha(1),
      state: "review",
      key: "State",
      hops: 0,
      priority: 0,
      dependsOn: [],
      message: { header: "subject", body: "the prompt" },
    });
    expect(ask("state: review\nSTATE: review")).toMatchObject({ state: "review" });
  });

  it("has the priority, times and dependencies that its trailers say", () => {
    const asked = ask(
      "State: a\nPriority: 5\nHops: 3/50\nNot-Before: 2030-01-01\nDepends-On: #1\nDepends-On: b",
    );
    expect(asked).toMatchObject({
      priority: 5,
      hops: 3,
      notBefore: Date.parse("2030-01-01"),
      dependsOn: ["#1", "b"],
    });
    expect(ask(`State: a\nAnswers: ${sha(9)}`)).toMatchObject({ answers: sha(9) });
    expect(ask("State: a\nHops: -4\nPriority: 99999")).toMatchObject({ hops: 0, priority: 1000 });
    expect(ask("State: a\nPriority: high")).toMatchObject({ priority: 0 });
  });

  it("counts on the branch that it names, and on no other", () => {
    expect(ask("State: a\nBranch: feat/x")).toMatchObject({ kind: "request" });
    expect(ask("State: a\nBranch: feat/x", 1, "copy")).toMatchObject({
      reason: "bound-elsewhere",
      detail: "feat/x",
    });
    expect(ask("State: a", 1, "copy")).toMatchObject({ kind: "request", branch: "copy" });
  });
});

describe("a head that is not a request", () => {
  it("has no state", () => {
    expect(ask("Refs: #1")).toEqual({ kind: "none", reason: "no-state" });
  });

  it("is a merge commit", () => {
    expect(ask("State: review", 2)).toEqual({ kind: "none", reason: "merge" });
  });

  it("has two states, an invalid name or an invalid time", () => {
    expect(ask("State: a\nState: b")).toMatchObject({ reason: "two-states", detail: "a, b" });
    expect(ask("State: In Review")).toMatchObject({ reason: "bad-name", detail: "In Review" });
    expect(ask("State:")).toMatchObject({ reason: "bad-name", detail: "" });
    expect(ask(`State: ${"a".repeat(65)}`)).toMatchObject({ reason: "bad-name" });
    expect(ask("State: ../../etc/passwd")).toMatchObject({ reason: "bad-name" });
    expect(ask("State: a\nNot-Before: tomorrow")).toMatchObject({
      reason: "bad-value",
      detail: "Not-Before",
    });
  });

  it("names a State line that git does not read as a trailer", () => {
    expect(ask("State: review\noops")).toMatchObject({
      reason: "doubt",
      detail: "oops",
      doubt: { kind: "voided", line: 6 },
    });
    expect(ask("State: review\n\nPS: thanks for that")).toMatchObject({
      reason: "doubt",
      doubt: { kind: "hidden", line: 5 },
    });
  });
});

describe("a repository made for AYNIG", () => {
  it.each(["dwp-state", "aynig-state", "aynig"])(
    "requests with %s, and is answered with the same key",
    (key) => {
      expect(ask(`${key}: build`)).toMatchObject({ kind: "request", state: "build", key });
      expect(ask(`${key.toUpperCase()}: build`)).toMatchObject({ key });
    },
  );

  it("counts the last value, and may name a role", () => {
    expect(ask("dwp-state: a\ndwp-state: b\ndwp-role: reviewer")).toMatchObject({
      state: "b",
      role: "reviewer",
    });
  });

  it("prefers State if both are written", () => {
    expect(ask("dwp-state: a\nState: b")).toMatchObject({ state: "b", key: "State" });
  });
});
