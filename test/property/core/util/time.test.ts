/** Times parse as with `Date.parse`, if RFC 3339 allows them. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseTime } from "../../../../src/core/util/time.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

/** A number of two digits. */
const two = (low: number, high: number) =>
  fc.integer({ min: low, max: high }).map((number) => String(number).padStart(2, "0"));

describe("parseTime", () => {
  const year = fc.integer({ min: 0, max: 9999 }).map((number) => String(number).padStart(4, "0"));
  const fraction = fc.option(fc.stringMatching(/^\d{1,6}$/)).map((digits) => (digits ? `.${digits}` : ""));
  const zone = fc.oneof(
    fc.constant("Z"),
    fc
      .tuple(fc.constantFrom("+", "-"), two(0, 25), two(0, 61))
      .map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`),
  );

  it("equals Date.parse for RFC 3339 times, and is undefined for others", () => {
    const instant = fc.tuple(
      year,
      two(0, 13),
      two(0, 32),
      two(0, 24),
      two(0, 61),
      two(0, 59),
      fraction,
      zone,
    );
    let read = 0;
    fc.assert(
      fc.property(instant, ([years, months, days, hours, minutes, seconds, rest, offset]) => {
        const text = `${years}-${months}-${days}T${hours}:${minutes}:${seconds}${rest}${offset}`;
        const date = Date.parse(text);
        // Date accepts 31 February and 24:00 and rolls over. RFC 3339 has neither.
        const exists =
          Number.isFinite(date) &&
          Number(days) <= new Date(Date.UTC(Number(years) + 400, Number(months), 0)).getUTCDate();
        if (exists && hours !== "24") read++;
        expect({ text, is: parseTime(text) }).toEqual({
          text,
          is: exists && hours !== "24" ? date : undefined,
        });
        expect(parseTime(text.replace("T", " "))).toBe(parseTime(text));
      }),
      { ...RUNS, numRuns: cases(2500) },
    );
    expect(read).toBeGreaterThan(cases(750));
  });

  it("reads a date alone as midnight UTC, and nothing else without a zone", () => {
    fc.assert(
      fc.property(year, two(1, 12), two(1, 28), (years, months, days) => {
        expect(parseTime(`${years}-${months}-${days}`)).toBe(Date.parse(`${years}-${months}-${days}`));
        expect(parseTime(`${years}-${months}-${days}T10:00`)).toBeUndefined();
      }),
      RUNS,
    );
  });

  it("does not throw for any text", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(parseTime(text)).toBeUndefined();
      }),
      RUNS,
    );
  });
});
