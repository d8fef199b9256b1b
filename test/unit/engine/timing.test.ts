import { expect, it } from "vitest";
import { LEASE_LIMITS } from "../../../src/core/protocol/limits.ts";
import { BACKOFF, DEPTH, LEASE, POLL } from "../../../src/engine/timing.ts";

it("gives a lease up before another runner may take it over, and renews it before that", () => {
  expect(1 / LEASE.renewals).toBeLessThan(LEASE.giveUpShare);
  expect(LEASE.giveUpShare).toBeLessThan(1);
  expect(LEASE_LIMITS.takeOverFactor).toBeGreaterThan(1);
});

it("waits for an unreachable remote until the lease has expired for everyone", () => {
  expect(LEASE.unreachableFactor).toBeGreaterThan(LEASE_LIMITS.takeOverFactor);
});

it("uses lease times that the lease record can hold", () => {
  for (const ttlMs of [LEASE.ttlMs, LEASE.limitedTtlMs]) {
    expect(ttlMs).toBeGreaterThanOrEqual(LEASE_LIMITS.shortestMs);
    expect(ttlMs).toBeLessThanOrEqual(LEASE_LIMITS.longestMs);
  }
});

it("has ranges whose longest wait is not shorter than the first", () => {
  for (const { firstMs, longestMs } of [BACKOFF.claimLost, BACKOFF.parkedRefused, BACKOFF.unreachable])
    expect(longestMs).toBeGreaterThanOrEqual(firstMs);
  for (const { shortestMs, longestMs } of [POLL.local, POLL.remote, POLL.woken])
    expect(longestMs).toBeGreaterThanOrEqual(shortestMs);
});

it("looks for the request below a head at least as deep as for what the work carries", () => {
  expect(DEPTH.request).toBeGreaterThanOrEqual(DEPTH.work);
});
