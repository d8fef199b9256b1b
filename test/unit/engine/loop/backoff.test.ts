import { describe, expect, it } from "vitest";
import { PollBackoff } from "../../../../src/engine/loop/backoff.ts";

const interval = { shortestMs: 1000, longestMs: 10_000 };
/** With this random number, a wait is neither shortened nor lengthened. */
const MIDDLE = 0.5;
const takeWaits = (backoff: PollBackoff, count: number, random = MIDDLE) =>
  Array.from({ length: count }, () => backoff.next(random));

describe("the waits between polls", () => {
  it("start with the shortest, and each is longer than the previous one", () => {
    const [first = 0, ...later] = takeWaits(new PollBackoff(interval), 5);
    expect(first).toBe(1000);
    let previous = first;
    for (const wait of later) {
      expect(wait).toBeGreaterThan(previous);
      previous = wait;
    }
  });

  it("stay at the longest", () => {
    const last = takeWaits(new PollBackoff(interval), 40).slice(-30);
    expect(new Set(last)).toEqual(new Set([10_000]));
  });

  it("are all equal if the longest is the shortest", () => {
    const backoff = new PollBackoff({ shortestMs: 700, longestMs: 700 });
    expect(new Set(takeWaits(backoff, 20))).toEqual(new Set([700]));
  });

  it("start over after a reset", () => {
    const backoff = new PollBackoff(interval);
    const before = takeWaits(backoff, 20);
    backoff.reset();
    expect(takeWaits(backoff, 20)).toEqual(before);
  });

  it("are spread by a quarter to each side, and the spread does not accumulate", () => {
    expect(new PollBackoff(interval).next(0)).toBe(750);
    expect(new PollBackoff(interval).next(0.999_999)).toBeCloseTo(1250, 0);
    for (const random of [0, 0.3, 0.999]) {
      const backoff = new PollBackoff(interval);
      takeWaits(backoff, 7, random);
      expect(backoff.next(MIDDLE)).toBe(10_000);
    }
    expect(Math.max(...takeWaits(new PollBackoff(interval), 40, 0.999_999))).toBeLessThan(12_500);
  });
});
