/** Paces requests to GitHub, and decides what to do after a failure. */
import { describe, expect, test } from "vitest";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";

const LIMITED = { "retry-after": "30" };

describe("the throttle", () => {
  const at = (start: number) => {
    const clock = { now: start };
    return { clock, throttle: new RequestThrottle(() => clock.now) };
  };
  const answered = (status: number, headers: Record<string, string> = {}, message = "") => ({
    status,
    headers,
    message,
  });

  test("does not delay reads, and allows one write a second", () => {
    const { clock, throttle } = at(5000);
    expect([throttle.reserve("write"), throttle.reserve("create"), throttle.reserve("write")]).toEqual([
      0, 1000, 2000,
    ]);
    expect(throttle.reserve("read")).toBe(0);
    clock.now += 10_000;
    expect(throttle.reserve("create")).toBe(0);
  });

  test("waits as long as GitHub says, in seconds or until a date", () => {
    const { clock, throttle } = at(1_700_000_000_000);
    expect(throttle.decide(answered(403, LIMITED), "write", 1, true)).toEqual({ kind: "retry", ms: 30_000 });
    expect(throttle.reserve("read")).toBe(30_000);
    clock.now += 30_000;
    expect(throttle.reserve("read")).toBe(0);
    const date = new Date(clock.now + 45_000).toUTCString();
    expect(throttle.decide(answered(429, { "retry-after": date }), "read", 1, true)).toEqual({
      kind: "retry",
      ms: 45_000,
    });
  });

  test("waits until shortly after the reset when the limit is used up", () => {
    const { clock, throttle } = at(1_700_000_000_000);
    const reset = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(clock.now / 1000 + 60) };
    expect(throttle.decide(answered(403, reset), "read", 1, true)).toEqual({ kind: "retry", ms: 61_000 });
    clock.now += 61_000;
    expect(throttle.reserve("read")).toBe(0);
    throttle.observe(answered(200, { ...reset, "x-ratelimit-reset": String(clock.now / 1000 + 5) }));
    expect(throttle.reserve("read")).toBe(6000);
  });

  test("backs off exponentially, and postpones a request that takes too long", () => {
    const { throttle } = at(1_700_000_000_000);
    const secondary = answered(403, {}, "You have exceeded a secondary rate limit");
    const waits = [1, 2, 3].map((attempt) => throttle.decide(secondary, "write", attempt, true));
    expect(waits).toEqual([60_000, 120_000, 240_000].map((ms) => ({ kind: "retry", ms })));
    expect(throttle.decide(answered(502), "write", 3, true)).toEqual({ kind: "retry", ms: 4000 });
    expect(throttle.decide(answered(502), "write", 6, true)).toMatchObject({ kind: "postpone" });
    expect(throttle.decide(answered(403, { "retry-after": "3600" }), "write", 1, true)).toEqual({
      kind: "postpone",
      ms: 3_600_000,
    });
  });

  test("requests a new token once, and distinguishes gone, refused and unsure", () => {
    const { throttle } = at(0);
    const kinds = ([status, asking]: readonly [number, "read" | "write" | "create"]) =>
      throttle.decide(answered(status), asking, 1, true).kind;
    expect(throttle.decide(answered(401), "write", 1, false).kind).toBe("token");
    expect(kinds([401, "write"])).toBe("refused");
    expect(kinds([404, "write"])).toBe("gone");
    expect(kinds([410, "create"])).toBe("gone");
    expect(kinds([403, "write"])).toBe("refused");
    expect(kinds([422, "create"])).toBe("refused");
    expect(kinds([502, "create"])).toBe("unsure");
    expect(kinds([0, "create"])).toBe("unsure");
    expect(kinds([0, "write"])).toBe("retry");
  });
});
