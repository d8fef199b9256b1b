/** Every text parses as a request with valid values, or not as a request. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStateName } from "../../../../src/core/protocol/ids.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import { branch, sha } from "../../../support/builders/generated-snapshots.ts";
import { anyText } from "../../../support/builders/hostile-text.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 1 };

describe("any text", () => {
  it("parses as a request with a valid state name and bounded numbers, or not as a request", () => {
    let requests = 0;
    fc.assert(
      fc.property(anyText, fc.constantFrom("", "-", "-9", "1e9", "9".repeat(400)), (text, number) => {
        const message = `${text}\n\nHops: ${number}\nPriority: ${number}\nState: review\n`;
        for (const one of [text, message]) {
          const asked = parseRequest(branch("a"), {
            commit: sha(1),
            parents: [],
            committed: 0,
            message: one,
          });
          if (asked.kind === "none") continue;
          requests++;
          expect(parseStateName(asked.state)).toBe(asked.state);
          expect(asked.hops).toBeGreaterThanOrEqual(0);
          expect(Math.abs(asked.priority)).toBeLessThanOrEqual(1000);
        }
      }),
      RUNS,
    );
    expect(requests).toBeGreaterThan(cases(25));
  });
});
