import { describe, expect, it } from "vitest";
import { parseTrailers, separatorAt } from "../../../../src/core/protocol/trailer-block.ts";

const read = (...lines: string[]): string[] =>
  parseTrailers(`${lines.join("\n")}\n`).trailers.map(({ key, value }) => `${key}=${value}`);

describe("the trailer block", () => {
  it("is the last paragraph, unless that is the title", () => {
    expect(read("subject", "", "State: review")).toEqual(["State=review"]);
    expect(read("State: review")).toEqual([]);
    expect(read("subject", "", "State: review", "", "more")).toEqual([]);
  });

  it("is void if one line is not a trailer, unless another line is git's", () => {
    expect(read("s", "", "State: review", "oops")).toEqual([]);
    expect(read("s", "", "State: review", "oops", "Signed-off-by: Ann")).toEqual([
      "State=review",
      "Signed-off-by=Ann",
    ]);
  });

  it("unfolds values and ignores comments, trailing blank lines and old conflict lists", () => {
    expect(read("s", "", "Note: one", "  two", "\tthree")).toEqual(["Note=one two three"]);
    expect(read("s", "", "State: a", "# why", "Refs: #1", "", "# end", "")).toEqual(["State=a", "Refs=#1"]);
    expect(read("s", "", "State: a", "", "Conflicts:", "\tsrc/a.ts")).toEqual(["State=a"]);
  });

  it("ends at a NUL and above the scissors, but not at a line of dashes", () => {
    expect(parseTrailers("s\n\nState: a\0\n\nState: b\n").trailers).toEqual([{ key: "State", value: "a" }]);
    expect(read("s", "", "State: a", `# ${"-".repeat(24)} >8 ${"-".repeat(24)}`, "State: b")).toEqual([
      "State=a",
    ]);
    expect(read("s", "", "---", "", "State: a")).toEqual(["State=a"]);
  });

  it("allows spaces before the colon, and only ASCII letters in a key", () => {
    expect(separatorAt("State : a", 0)).toBe(6);
    expect(separatorAt("Stäte: a", 0)).toBe(-1);
    expect(separatorAt("a b: c", 0)).toBe(-1);
  });
});
