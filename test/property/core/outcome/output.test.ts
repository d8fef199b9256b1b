/** Every output of a script is read as valid output, or as a problem, in linear time. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readOutput, readSetState } from "../../../../src/core/outcome/output.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { expectLinear, repeat } from "../../../support/builders/large-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

describe("any text", () => {
  it("is read as output and as SET_STATE", () => {
    const key = fc.constantFrom("state", "subject", "cost", "retry-after", "trailers", "constructor", "x");
    const value = fc.oneof(fc.string(), fc.constantFrom("1", "5m", "1e309", "-1", "<<E", "E", "A: b"));
    const lines = fc
      .array(fc.tuple(key, fc.constantFrom("=", "<<", ": "), value).map((parts) => parts.join("")))
      .map((all) => all.join("\n"));
    const json = fc
      .oneof(fc.dictionary(key, fc.jsonValue()), fc.jsonValue())
      .map((one) => JSON.stringify(one));
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(anyText, lines, json), (text) => {
        for (const reading of [
          readOutput(text),
          readSetState(`SET_STATE {${text}`),
          readSetState(`SET_STATE ${text}`),
        ]) {
          if (reading === undefined) continue;
          if ("problem" in reading) expect(reading.problem).not.toBe("");
          else {
            accepted++;
            const { cost = 0, "retry-after": later = 0 } = reading.output;
            expect(Number.isFinite(cost) && cost >= 0).toBe(true);
            expect(Number.isSafeInteger(later) && later >= 0).toBe(true);
          }
        }
      }),
      RUNS,
    );
    expect(accepted).toBeGreaterThan(cases(25));
  });
});

describe("a large output", () => {
  it.each(["a=b\n", "a<<E\n", "summary<<E\nE\n"])("made of %j is read in linear time", (part) => {
    const large = repeat(part);
    expectLinear(() => expect(readOutput(large)).toBeTypeOf("object"));
  });
});
