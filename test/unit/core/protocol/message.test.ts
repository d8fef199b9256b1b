import { describe, expect, it } from "vitest";
import {
  describeMessage,
  findDoubt,
  parseMessage,
  valueOf,
  valuesOf,
} from "../../../../src/core/protocol/message.ts";

const doubt = (...lines: string[]) => findDoubt(lines.join("\n"), ["state", "dwp-state"]);

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

  it("keeps in the body what is no trailer", () => {
    expect(parseMessage("s\n\nState: a\noops\n").body).toBe("State: a\noops");
  });

  it("finds values without regard to case, the last one first", () => {
    const { trailers } = parseMessage("s\n\nA: 1\na: 2\n");
    expect(valuesOf(trailers, "A")).toEqual(["1", "2"]);
    expect(valueOf(trailers, "a")).toBe("2");
    expect(valueOf(trailers, "b")).toBeUndefined();
  });
});

describe("describeMessage", () => {
  it("says what conventional commits say", () => {
    const message = parseMessage("feat(auth): throttle logins\n\nThanks @ann, closes #12\n\nState: x\n");
    expect(describeMessage(message)).toMatchObject({
      type: "feat",
      scope: "auth",
      subject: "throttle logins",
      mentions: ["ann"],
    });
    expect(describeMessage(message).references.join(" ")).toContain("#12");
    expect(describeMessage(parseMessage("just words")).type).toBeUndefined();
    expect(describeMessage(parseMessage("")).subject).toBe("");
  });
});

describe("findDoubt", () => {
  it("is silent where nobody can believe in a state", () => {
    expect(doubt("subject", "", "prose about the state of things")).toBeUndefined();
    expect(doubt("subject", "", "State: of the art, this is prose")).toBeUndefined();
    expect(doubt("State: review")).toBeUndefined();
  });

  it("names a line hidden above a later paragraph", () => {
    expect(doubt("subject", "", "State: review", "", "PS: hello", "there")).toEqual({
      kind: "hidden",
      line: 3,
      text: "State: review",
    });
    expect(doubt("subject", "", "State: review", "", "Refs: #12")).toMatchObject({ kind: "hidden", line: 3 });
  });

  it("names a line in the title's own paragraph, where the blank line is missing", () => {
    expect(doubt("fix the bug", "State: review")).toEqual({ kind: "hidden", line: 2, text: "State: review" });
  });

  it("names the line that voids the block, above or below", () => {
    expect(doubt("s", "", "Refs: #1", "oops", "State: review")).toEqual({
      kind: "voided",
      line: 4,
      text: "oops",
    });
    expect(doubt("s", "", "State: review", "oops")).toEqual({ kind: "voided", line: 4, text: "oops" });
    expect(doubt("s", "", "dwp-state: x", "oops", "", "")).toMatchObject({ kind: "voided", line: 4 });
  });

  it("blames neither comments nor folded lines nor git's own lines", () => {
    expect(
      doubt(
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
    expect(doubt("s", "", " folded onto nothing", "State: review")).toMatchObject({
      kind: "voided",
      line: 3,
    });
  });

  it("counts lines from the top, blank ones and CRLF included, and stops at NUL", () => {
    expect(doubt("", "", "s", "", "State: review", "", "more")).toMatchObject({ line: 5 });
    expect(doubt("s\r", "\r", "State: review\r", "oops\r", "")).toMatchObject({ kind: "voided", line: 4 });
    expect(doubt("", "s", "", "State: review", "oops\0", "", "more")).toMatchObject({
      kind: "voided",
      line: 5,
    });
    expect(doubt("s", "", "\0State: review")).toBeUndefined();
  });
});
