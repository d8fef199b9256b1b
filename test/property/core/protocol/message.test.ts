/** Every text can be parsed as a message, in linear time. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseConventionalCommit,
  findMisplacedState,
  parseMessage,
} from "../../../../src/core/protocol/message.ts";
import { parseTrailers } from "../../../../src/core/protocol/trailer-block.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { expectLinear, LARGE, repeat } from "../../../support/builders/large-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

describe("any text", () => {
  it("parses as a message whose parts are all in the text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const message = parseMessage(text);
        expect(text).toContain(message.header);
        expect(text).toContain(message.body);
        for (const { key } of message.trailers) expect(text).toContain(key);
        expect(typeof parseConventionalCommit(message).subject).toBe("string");
      }),
      RUNS,
    );
  });

  it("has a misplaced state only at the line that is quoted", () => {
    let found = 0;
    fc.assert(
      fc.property(anyText, (text) => {
        const doubt = findMisplacedState(text, ["state"]);
        if (!doubt) return;
        found++;
        expect(text.split("\0")[0]?.split("\n")[doubt.line - 1]?.trim()).toBe(doubt.text);
        if (doubt.kind === "hidden") expect(doubt.text.toLowerCase()).toMatch(/^state\s*:/);
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(cases(25));
  });
});

describe("a large message", () => {
  // Each shape makes a badly written step scan the whole message for every line.
  const shapes: Record<string, string> = {
    "blank lines": `s${repeat("\n")}State: a\nx`,
    "blank lines first": `${repeat("\n")}s\n\nState: a\nx`,
    "the same lines above and below": `${repeat("\n", LARGE / 2)}x${repeat("\n", LARGE / 2)}\nState: a\nx`,
    "folded lines": `s\n\nState: a\n${repeat(" b\n")}x`,
    "one long fold of blanks": `s\n\nNote: a\n ${repeat(" ")}\n b\nx\nState: a`,
    trailers: `s\n\n${repeat("a: b\n")}State: a\nx`,
    "prose below a state": `s\n\nState: a\n${repeat("x\n")}\n\nb: c\nd`,
    comments: `s\n\nState: a\n${repeat("# a\n")}x`,
    "one line": repeat("State: "),
    "scissors that are none": `s\n\nState: a\n${repeat("# ------------------------ >8 \n")}x`,
    conflicts: `s\n\nState: a\n${repeat("Conflicts:\n\ta\n")}x`,
  };

  it.each(Object.entries(shapes))("made of %s is parsed in linear time", (_, message) => {
    expectLinear(() => {
      const { text, trailers } = parseTrailers(message);
      expect(text.length).toBeLessThanOrEqual(message.length);
      expect(trailers.every(({ key }) => key !== "")).toBe(true);
      expect(parseMessage(message).trailers).toEqual(trailers);
      expect(findMisplacedState(message, ["state"])?.kind ?? "hidden").toMatch(/^(hidden|voided)$/);
    });
  });

  it("keeps all of very many trailers", () => {
    const count = LARGE / 20;
    expect(parseTrailers(`s\n\n${"a: b\n".repeat(count)}`).trailers).toHaveLength(count);
    const [folded] = parseTrailers(`s\n\nNote: a\n${" b\n".repeat(count)}`).trailers;
    expect(folded?.value).toHaveLength(1 + 2 * count);
  });

  it.each(["x", "@a ", "(", `${"w".repeat(299)}\n`, `fixes ${"w".repeat(290)}\n`])(
    "with a body made of %j, which slows the conventional-commits parser down, is parsed in linear time",
    (part) => {
      const message = parseMessage(`feat(auth): throttle\n\nfixes #12\n\n${repeat(part)}`);
      expectLinear(() => {
        const description = parseConventionalCommit(message);
        expect(description).toMatchObject({ type: "feat", scope: "auth", subject: "throttle" });
        expect(description.references).toHaveLength(1);
      });
    },
  );
});
