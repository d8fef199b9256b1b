/** A lease reads back as it was written, and no other text parses as a lease. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLease, parseLease, type Lease } from "../../../../src/core/protocol/lease.ts";
import { branch, RUN, sha } from "../../../support/builders/generated-snapshots.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

describe("any text", () => {
  it("is not a lease", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(parseLease(text)).toBeUndefined();
      }),
      RUNS,
    );
  });
});

describe("a lease", () => {
  const word = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,20}$/);
  const holder = fc.record({ boot: word, pid: fc.integer({ min: 1, max: 4_194_304 }), started: word });
  const slot = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,20}\/[0-9]{1,4}$/);
  const spent = fc.record({
    cost: fc.nat(10_000_000).map((cents) => cents / 100),
    tokens: fc.nat(),
    turns: fc.nat(10_000),
    time: fc.nat(),
  });
  const rest = fc.record({ ms: fc.nat(7 * 86_400_000), why: word });
  const lease: fc.Arbitrary<Lease> = fc.record(
    {
      branch: fc.constant(branch("feat/x")),
      request: fc.constant(sha(1)),
      run: fc.constant(RUN),
      attempt: fc.nat(1000),
      ttlMs: fc.integer({ min: 1000, max: 3_600_000 }),
      runner: word,
      nonce: word,
      lanes: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      slots: fc.uniqueArray(slot, { maxLength: 4 }),
      spent,
      holder,
      backoff: rest,
    },
    {
      requiredKeys: [
        "branch",
        "request",
        "run",
        "attempt",
        "ttlMs",
        "runner",
        "nonce",
        "lanes",
        "slots",
        "spent",
      ],
    },
  );

  it("reads back as it was written", () => {
    fc.assert(
      fc.property(lease, (one) => {
        expect(parseLease(formatLease(one))).toEqual(one);
      }),
      RUNS,
    );
  });

  it("keeps any reason for a back-off in one line", () => {
    fc.assert(
      fc.property(lease, anyText, (one, why) => {
        const read = parseLease(formatLease({ ...one, backoff: { ms: 5, why } }));
        expect(read?.backoff?.ms).toBe(5);
        expect(read?.run).toBe(one.run);
      }),
      RUNS,
    );
  });
});
