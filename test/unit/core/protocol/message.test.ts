import { describe, expect, it } from "vitest";
import {
  parseConventionalCommit,
  findMisplacedState,
  parseMessage,
  valueOf,
  valuesOf,
} from "../../../../src/core/protocol/message.ts";

const misplaced = (...lines: string[]) => findMisplacedState(lines.join("\n"), ["state", "dwp-state"]);

describe("parseMessage", () => {
  it("splits header, body and trailers", () => {
    expect(parseMessage("\n\nfeat: x  \n\nwhy\n\nand how\n\nState: review\nRefs: #1\n")).toEqual({
      header: "feat: x",
      body: "why\n\nand how",
      trailers: [
        { key: "State", value: "review" },
        { key: "Refs", value: "#1" },
      ],
    });
    expect(parseMessage("")).toEqual({ header: "", body: "", trailers: [] });
    expect(parseMessage("only this")).toEqual({ header: "only this", body: "", trailers: [] });
  });

  it("keeps a paragraph that is not a trailer block in the body", () => {
    expect(parseMessage("s\n\nState: a\noops\n").body).toBe("State: a\noops");
  });

  it("finds values without regard to case, and prefers the last one", () => {
    const { trailers } = parseMessage("s\n\nA: 1\na: 2\n");
    expect(valuesOf(trailers, "A")).toEqual(["1", "2"]);
    expect(valueOf(trailers, "a")).toBe("2");
    expect(valueOf(trailers, "b")).toBeUndefined();
  });
});

describe("parseConventionalCommit", () => {
  it("finds type, scope, references, mentions and notes", () => {
    const message = parseMessage("feat(auth): throttle logins\n\nThanks @ann, closes #12\n\nState: x\n");
    expect(parseConventionalCommit(message)).toMatchObject({
      type: "feat",
      scope: "auth",
      subject: "throttle logins",
      mentions: ["ann"],
    });
    expect(parseConventionalCommit(message).references.join(" ")).toContain("#12");
    expect(parseConventionalCommit(parseMessage("just words")).type).toBeUndefined();
    expect(parseConventionalCommit(parseMessage("")).subject).toBe("");
  });
});

describe("findMisplacedState", () => {
  it("finds nothing in prose and in a title", () => {
    expect(misplaced("subject", "", "prose about the state of things")).toBeUndefined();
    expect(misplaced("subject", "", "State: of the art, this is prose")).toBeUndefined();
    expect(misplaced("State: review")).toBeUndefined();
  });

  it("finds a line above a later paragraph", () => {
    expect(misplaced("subject", "", "State: review", "", "PS: hello", "there")).toEqual({
      kind: "hidden",
      line: 3,
      text: "State: review",
    });
    expect(misplaced("subject", "", "State: review", "", "Refs: #12")).toMatchObject({
      kind: "hidden",
      line: 3,
    });
  });

  it("finds a line in the paragraph of the title, without a blank line before it", () => {
    expect(misplaced("fix the bug", "State: review")).toEqual({
      kind: "hidden",
      line: 2,
      text: "State: review",
    });
  });

  it("names the line that voids the block, above or below the state", () => {
    expect(misplaced("s", "", "Refs: #1", "oops", "State: review")).toEqual({
      kind: "voided",
      line: 4,
      text: "oops",
    });
    expect(misplaced("s", "", "State: review", "oops")).toEqual({ kind: "voided", line: 4, text: "oops" });
    expect(misplaced("s", "", "dwp-state: x", "oops", "", "")).toMatchObject({ kind: "voided", line: 4 });
  });

  it("does not name comments, folded lines or lines of git", () => {
    expect(
      misplaced(
        "s",
        "",
        "# note",
        "(cherry picked from commit 1)",
        "A: b",
        " c",
        "State: review",
        "oops",
        "1",
        "2",
        "3",
      ),
    ).toMatchObject({ kind: "voided", line: 8, text: "oops" });
    expect(misplaced("s", "", " folded onto nothing", "State: review")).toMatchObject({
      kind: "voided",
      line: 3,
    });
  });

  it("counts lines from the top, blank ones and CRLF included, and stops at a NUL", () => {
    expect(misplaced("", "", "s", "", "State: review", "", "more")).toMatchObject({ line: 5 });
    expect(misplaced("s\r", "\r", "State: review\r", "oops\r", "")).toMatchObject({
      kind: "voided",
      line: 4,
    });
    expect(misplaced("", "s", "", "State: review", "oops\0", "", "more")).toMatchObject({
      kind: "voided",
      line: 5,
    });
    expect(misplaced("s", "", "\0State: review")).toBeUndefined();
  });
});
