/** Cleaned text has no control characters, no secrets, and not more lines than allowed. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanLine, cleanText, redact } from "../../../../src/core/util/redact.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { expectLinear, LARGE, repeat } from "../../../support/builders/large-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

const dirtyText = fc.oneof(
  anyText,
  fc
    .array(fc.constantFrom("\u001b[31m", "\u001b]0;t\u0007", "\u001b", "[0m", "\r", "\u202e", "\ud83d", "ab"))
    .map((all) => all.join("")),
);

describe("cleanText", () => {
  it("removes everything that controls a terminal, and changes nothing when repeated", () => {
    fc.assert(
      fc.property(dirtyText, (text) => {
        const clean = cleanText(text);
        expect(clean).not.toMatch(/(?!\n|\t)\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u);
        expect(cleanText(clean)).toBe(clean);
      }),
      RUNS,
    );
  });
});

describe("cleanLine", () => {
  it("makes one line of any text, not longer than the limit", () => {
    fc.assert(
      fc.property(dirtyText, fc.integer({ min: 1, max: 60 }), (text, limit) => {
        const line = cleanLine(text, limit);
        expect(line).not.toMatch(/[\n\r\t]|\p{Surrogate}/u);
        expect(line.length).toBeLessThanOrEqual(limit);
      }),
      RUNS,
    );
  });
});

describe("redact", () => {
  it("removes all known secrets, even if one contains another", () => {
    const secret = fc.stringMatching(/^[a-c]{6,9}$/);
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.stringMatching(/^[a-c\n]{0,40}$/),
        (secrets, text) => {
          const clean = redact(
            secrets.reduce((all, one) => `${all}${one} `, text),
            secrets,
          );
          for (const one of secrets) expect(clean).not.toContain(one);
        },
      ),
      RUNS,
    );
  });
});

describe("a large output of a script", () => {
  const beginnings = [
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

  it.each(beginnings)("made of %j is cleaned in linear time", (part) => {
    const large = repeat(part);
    expectLinear(() => {
      expect(redact(cleanText(large)).length).toBeLessThanOrEqual(LARGE + part.length);
      expect(cleanLine(large, 80).length).toBeLessThanOrEqual(80);
    });
  });
});
