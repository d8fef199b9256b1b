import { describe, expect, it } from "vitest";
import { composeMessage, isTrailerKey } from "../../../../src/core/protocol/compose.ts";
import { isReserved } from "../../../../src/core/protocol/trailer-keys.ts";

describe("composeMessage", () => {
  const trailers = [{ key: "State", value: "review" }];

  it("writes the header, the body and the trailer block", () => {
    expect(composeMessage({ header: " a\nheader ", body: "\nbody\n\n", trailers })).toBe(
      "a header\n\nbody\n\nState: review\n",
    );
    expect(composeMessage({ header: "h", trailers })).toBe("h\n\nState: review\n");
    expect(composeMessage({ header: "h", trailers: [] })).toBe("h\n");
  });

  it("indents lines at which git would cut the message", () => {
    const body = "---\ndiff --git a b\n# ------------------------ >8 ------------------------";
    expect(composeMessage({ header: "---", body, trailers })).toBe(
      " ---\n\n ---\n diff --git a b\n # ------------------------ >8 ------------------------\n\nState: review\n",
    );
  });

  it("rejects a message that would not read back", () => {
    const write = (key: string, value: string) => () =>
      composeMessage({ header: "h", trailers: [{ key, value }] });
    expect(write("two words", "x")).toThrow(/not a valid trailer key/);
    expect(write("Key", "a\nb")).toThrow(/must be one line of text/);
    expect(write("Key", " \u200e\u0007 ")).toThrow(/must be one line of text/);
    expect(() => composeMessage({ header: " ", trailers })).toThrow(/has no subject/);
    expect(() => composeMessage({ header: "h", body: "State: done", trailers: [] })).toThrow(
      /differently from what was meant/,
    );
  });

  it("recognizes reserved keys in upper and lower case", () => {
    expect(["STATE", "Ttl-Ms", "aynig", "Refs"].map(isReserved)).toEqual([true, true, true, false]);
    expect(["A-1", "", "-a", "a_b", "a".repeat(65)].map(isTrailerKey)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
