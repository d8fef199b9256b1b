import { describe, expect, it } from "vitest";
import { NO_AMOUNTS } from "../../../../src/core/util/amounts.ts";
import { formatLease, parseLease, type Lease } from "../../../../src/core/protocol/lease.ts";
import { branch, RUN, sha } from "../../../support/builders/generated-snapshots.ts";

const lease: Lease = {
  branch: branch("feat/x"),
  request: sha(1),
  run: RUN,
  runner: "host",
  attempt: 2,
  ttlMs: 60_000,
  nonce: "0f",
  lanes: ["default"],
  slots: [],
  spent: NO_AMOUNTS,
};
const change = (from: string, to: string) => parseLease(formatLease(lease).replace(from, to));

describe("a lease", () => {
  it("reads back, during a run and during a back-off", () => {
    const held = { ...lease, holder: { boot: "b", pid: 7, started: "99" } };
    expect(parseLease(formatLease(held))).toEqual(held);
    const resting = { ...lease, backoff: { ms: 5000, why: "exit 1" } };
    expect(parseLease(formatLease(resting))).toEqual(resting);
    expect(formatLease(resting)).toMatch(/^lease: feat\/x rests after attempt 2\n/);
  });

  it("reads back with its lane slots, slot 0 included", () => {
    for (const slot of [0, 1, 999]) {
      const held = { ...lease, lanes: ["wide"], slots: [`wide/${slot}`] };
      expect(parseLease(formatLease(held))).toEqual(held);
    }
    const many = { ...lease, lanes: ["wide", "narrow", "free"], slots: ["wide/2", "wide/0", "narrow/0"] };
    expect(parseLease(formatLease(many))).toEqual(many);
    expect(formatLease(lease)).not.toContain("Slot:");
  });

  it("reads back with the amounts that attempts have spent", () => {
    const spent = { cost: 0.36, tokens: 12_000, turns: 3, time: 61_500 };
    expect(parseLease(formatLease({ ...lease, spent }))?.spent).toEqual(spent);
    expect(formatLease(lease)).not.toContain("Spent:");
    expect(change("Nonce: 0f", "Spent: everything")?.spent).toEqual(NO_AMOUNTS);
  });

  it("accepts a back-off reason of many lines, or an empty one", () => {
    const rest = (why: string) =>
      parseLease(formatLease({ ...lease, backoff: { ms: 1, why } }))?.backoff?.why;
    expect(rest("exit 1\n\nState: done")).toBe("exit 1 State: done");
    expect(rest("")).toBe("-");
  });

  it("contains no time stamp, so no other clock decides", () => {
    expect(formatLease({ ...lease, request: sha(0) }).replaceAll(/\b0{40}\b/g, "")).not.toMatch(
      /\d{10}|\d\d:\d\d/,
    );
  });

  it("has bounds, whatever another program writes into it", () => {
    expect(change("Ttl-Ms: 60000", "Ttl-Ms: 1")?.ttlMs).toBe(1000);
    expect(change("Ttl-Ms: 60000", "Ttl-Ms: 999999999999999")?.ttlMs).toBe(3_600_000);
    expect(change("Attempt: 2", "Attempt: 99999")?.attempt).toBe(1000);
    expect(change("Nonce: 0f", "Rest-Ms: 999999999999999")?.backoff?.ms).toBe(7 * 86_400_000);
    expect(change("Lane: default", "Note: x")?.lanes).toEqual(["default"]);
    expect(change("Nonce: 0f", "Slot: wide/9999 narrow/0")?.slots).toEqual(["wide/9999", "narrow/0"]);
    for (const bad of [
      "x",
      "0",
      "wide/-1",
      "wide/1.5",
      "wide/99999",
      "wide/",
      "/1",
      "../x/1",
      "Wide/1",
      "",
    ]) {
      expect(change("Nonce: 0f", `Slot: ${bad}`)?.slots).toEqual([]);
    }
  });

  it("names only processes that may be signalled", () => {
    const holder = (text: string) => change("Nonce: 0f", `Process: ${text}`)?.holder;
    expect(holder("boot 7 99")).toEqual({ boot: "boot", pid: 7, started: "99" });
    for (const bad of ["boot 0 99", "boot -1 99", "boot x 99", "boot 7", `boot ${"9".repeat(20)} 1`]) {
      expect(holder(bad)).toBeUndefined();
    }
  });

  it.each(["Branch: feat/x", `Request: ${sha(1)}`, `Run: ${RUN}`, "Attempt: 2", "Ttl-Ms: 60000"])(
    "is not a lease without %s",
    (line) => {
      expect(change(line, "Note: x")).toBeUndefined();
      expect(change(line, line.replace(/: .*/, ": ?"))).toBeUndefined();
    },
  );
});
