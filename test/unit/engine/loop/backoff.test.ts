import { describe, expect, it } from "vitest";
import { PollBackoff } from "../../../../src/engine/loop/backoff.ts";

const rests = { shortestMs: 1000, longestMs: 10_000 };
/** This random number neither shortens a rest nor makes it longer. */
const MIDDLE = 0.5;
const take = (pace: PollBackoff, count: number, random = MIDDLE) =>
  Array.from({ length: count }, () => pace.next(random));

describe("the rests between looks", () => {
  it("begin with the shortest, and each is longer than the one before", () => {
    const [first = 0, ...more] = take(new PollBackoff(rests), 5);
    expect(first).toBe(1000);
    let before = first;
    for (const rest of more) {
      expect(rest).toBeGreaterThan(before);
      before = rest;
    }
  });

  it("stay at the longest", () => {
    const later = take(new PollBackoff(rests), 40).slice(-30);
    expect(new Set(later)).toEqual(new Set([10_000]));
  });

  it("are all alike where the longest is the shortest", () => {
    expect(new Set(take(new PollBackoff({ shortestMs: 700, longestMs: 700 }), 20))).toEqual(new Set([700]));
  });

  it("begin again when something happened", () => {
    const pace = new PollBackoff(rests);
    const before = take(pace, 20);
    pace.quicken();
    expect(take(pace, 20)).toEqual(before);
  });

  it("are spread by a quarter to each side, and a spread does not add up", () => {
    expect(new PollBackoff(rests).next(0)).toBe(750);
    expect(new PollBackoff(rests).next(0.999_999)).toBeCloseTo(1250, 0);
    for (const random of [0, 0.3, 0.999]) {
      const pace = new PollBackoff(rests);
      take(pace, 7, random);
      expect(pace.next(MIDDLE)).toBe(10_000);
    }
    expect(Math.max(...take(new PollBackoff(rests), 40, 0.999_999))).toBeLessThan(12_500);
  });
});
