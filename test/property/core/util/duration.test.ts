/** Formatted durations parse as the same durations. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "../../../../src/core/util/duration.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

describe("durations", () => {
  it("read back as formatted, except for parts that are too small to show", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e12 }), (milliseconds) => {
        const shown = formatDuration(milliseconds);
        const read = parseDuration(shown.replaceAll(" ", "")) ?? Number.NaN;
        expect(read).toBeLessThanOrEqual(milliseconds);
        expect(milliseconds - read).toBeLessThanOrEqual(milliseconds / 10);
        expect(formatDuration(read)).toBe(shown);
      }),
      RUNS,
    );
  });

  it("are positive whole milliseconds, or undefined", () => {
    const text = fc.oneof(anyText, fc.stringMatching(/^(\d{1,400}(\.\d{1,3})?(ms|s|m|h|d|y)){1,3}$/));
    fc.assert(
      fc.property(text, (one) => {
        const read = parseDuration(one);
        if (read !== undefined) expect(Number.isInteger(read) && read > 0).toBe(true);
      }),
      RUNS,
    );
  });
});
