/** Instants, durations and cleaned text, against another reading of the same thing. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanLine, cleanText, redact } from "../../../../src/core/util/redact.ts";
import { formatDuration, parseDuration } from "../../../../src/core/util/duration.ts";
import { parseTime } from "../../../../src/core/util/time.ts";
import { hostileMessage } from "../../../support/builders/hostile-text.ts";

const RUNS = { numRuns: 3000, seed: 1 };
const anything = fc.oneof(hostileMessage, fc.string({ unit: "binary", maxLength: 200 }));

/** A number of two digits. */
const two = (low: number, high: number) =>
  fc.integer({ min: low, max: high }).map((number) => String(number).padStart(2, "0"));

describe("parseInstant", () => {
  const year = fc.integer({ min: 0, max: 9999 }).map((number) => String(number).padStart(4, "0"));
  const fraction = fc.option(fc.stringMatching(/^\d{1,6}$/)).map((digits) => (digits ? `.${digits}` : ""));
  const zone = fc.oneof(
    fc.constant("Z"),
    fc
      .tuple(fc.constantFrom("+", "-"), two(0, 25), two(0, 61))
      .map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`),
  );

  it("is Date.parse where that reads RFC 3339, and undefined where it does not", () => {
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
        // Date lets 31 February and 24:00 roll over; RFC 3339 has neither.
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
      { ...RUNS, numRuns: 10_000 },
    );
    expect(read).toBeGreaterThan(3000);
  });

  it("reads a bare date as midnight UTC, and nothing else without a zone", () => {
    fc.assert(
      fc.property(year, two(1, 12), two(1, 28), (years, months, days) => {
        expect(parseTime(`${years}-${months}-${days}`)).toBe(Date.parse(`${years}-${months}-${days}`));
        expect(parseTime(`${years}-${months}-${days}T10:00`)).toBeUndefined();
      }),
      RUNS,
    );
  });

  it("has an answer for every text", () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(parseTime(text)).toBeUndefined();
      }),
      RUNS,
    );
  });
});

describe("durations", () => {
  it("read back from what is shown, less what is too small to show", () => {
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
    const text = fc.oneof(anything, fc.stringMatching(/^(\d{1,400}(\.\d{1,3})?(ms|s|m|h|d|y)){1,3}$/));
    fc.assert(
      fc.property(text, (one) => {
        const read = parseDuration(one);
        if (read !== undefined) expect(Number.isInteger(read) && read > 0).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("cleaning", () => {
  const dirty = fc.oneof(
    anything,
    fc
      .array(
        fc.constantFrom("\u001b[31m", "\u001b]0;t\u0007", "\u001b", "[0m", "\r", "\u202e", "\ud83d", "ab"),
      )
      .map((all) => all.join("")),
  );

  it("leaves nothing that controls a terminal, and a second time changes nothing", () => {
    fc.assert(
      fc.property(dirty, (text) => {
        const clean = cleanText(text);
        expect(clean).not.toMatch(/(?!\n|\t)\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u);
        expect(cleanText(clean)).toBe(clean);
      }),
      RUNS,
    );
  });

  it("makes one line of any text, no longer than asked for", () => {
    fc.assert(
      fc.property(dirty, fc.integer({ min: 1, max: 60 }), (text, limit) => {
        const line = cleanLine(text, limit);
        expect(line).not.toMatch(/[\n\r\t]|\p{Surrogate}/u);
        expect(line.length).toBeLessThanOrEqual(limit);
      }),
      RUNS,
    );
  });

  it("leaves none of the known secrets, whichever holds which", () => {
    const secret = fc.stringMatching(/^[a-c]{6,9}$/);
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.stringMatching(/^[a-c\n]{0,40}$/),
        (known, text) => {
          const clean = redact(
            known.reduce((all, one) => `${all}${one} `, text),
            known,
          );
          for (const one of known) expect(clean).not.toContain(one);
        },
      ),
      RUNS,
    );
  });
});
