/** Size does not matter: a step that is worse than linear would not come back from these in time. */
import { describe, expect, it } from "vitest";
import { cleanLine, cleanText, redact } from "../../../../src/core/util/redact.ts";
import { describeMessage, findDoubt, parseMessage } from "../../../../src/core/protocol/message.ts";
import { readOutput } from "../../../../src/core/outcome/output.ts";
import { parseTrailers } from "../../../../src/core/protocol/trailer-block.ts";

const SIZE = 10_000_000;
const fill = (line: string): string => line.repeat(Math.ceil(SIZE / line.length));

describe("a message of 10 MB", () => {
  // Each shape makes some step look at everything for every line, where that step is written badly.
  const shapes: Record<string, string> = {
    "blank lines": `s${fill("\n")}State: a\nx`,
    "blank lines first": `${fill("\n")}s\n\nState: a\nx`,
    "the same lines above and below": `${fill("\n").slice(SIZE / 2)}x${fill("\n").slice(SIZE / 2)}\nState: a\nx`,
    "folded lines": `s\n\nState: a\n${fill(" b\n")}x`,
    "one long fold of blanks": `s\n\nNote: a\n ${fill(" ")}\n b\nx\nState: a`,
    trailers: `s\n\n${fill("a: b\n")}State: a\nx`,
    "prose below a state": `s\n\nState: a\n${fill("x\n")}\n\nb: c\nd`,
    comments: `s\n\nState: a\n${fill("# a\n")}x`,
    "one line": fill("State: "),
    "scissors that are none": `s\n\nState: a\n${fill("# ------------------------ >8 \n")}x`,
    conflicts: `s\n\nState: a\n${fill("Conflicts:\n\ta\n")}x`,
  };

  it.each(Object.entries(shapes))("made of %s is read in one pass", (_, message) => {
    const { text, trailers } = parseTrailers(message);
    expect(text.length).toBeLessThanOrEqual(message.length);
    expect(trailers.every(({ key }) => key !== "")).toBe(true);
    expect(parseMessage(message).trailers).toEqual(trailers);
    expect(findDoubt(message, ["state"])?.kind ?? "hidden").toMatch(/^(hidden|voided)$/);
  });

  it("with half a million trailers gives all of them", () => {
    expect(parseTrailers(`s\n\n${"a: b\n".repeat(500_000)}`).trailers).toHaveLength(500_000);
    expect(parseTrailers(`s\n\nNote: a\n${" b\n".repeat(500_000)}`).trailers[0]?.value).toHaveLength(
      1 + 2 * 500_000,
    );
  });
});

describe("a body that conventional commits read badly", () => {
  it.each(["x", "@a ", "(", `${"w".repeat(299)}\n`, `fixes ${"w".repeat(290)}\n`])(
    "made of %j is described",
    (part) => {
      const message = parseMessage(`feat(auth): throttle\n\nfixes #12\n\n${fill(part)}`);
      expect(describeMessage(message)).toMatchObject({ type: "feat", scope: "auth", subject: "throttle" });
      expect(describeMessage(message).references).toHaveLength(1);
    },
  );
});

describe("10 MB of a script's words", () => {
  const begun = [
    "eyJ-",
    "-----BEGIN PRIVATE KEY-----",
    "sk-",
    "sk-a",
    "ghp_a",
    "eyJaaaaaaaaaa.",
    "\u001b[0",
    "\u001b]",
    "\r",
  ];

  it.each(begun)("made of %j are cleaned", (part) => {
    const text = redact(cleanText(fill(part)));
    expect(text.length).toBeLessThanOrEqual(SIZE + part.length);
    expect(cleanLine(fill(part), 80).length).toBeLessThanOrEqual(80);
  });

  it.each(["a=b\n", "a<<E\n", "summary<<E\nE\n"])("made of %j are read as output", (part) => {
    expect(readOutput(fill(part))).toBeTypeOf("object");
  });
});
