/** Readers of other people's text never throw, and what they accept is what they say. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseStateName } from "../../../../src/core/protocol/ids.ts";
import { formatLease, parseLease, type Lease } from "../../../../src/core/protocol/lease.ts";
import { describeMessage, findDoubt, parseMessage } from "../../../../src/core/protocol/message.ts";
import { readOutput, readSetState } from "../../../../src/core/outcome/output.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";
import { hostileMessage } from "../../../support/builders/hostile-text.ts";
import { branch, RUN, sha } from "../../../support/builders/generated-snapshots.ts";

const RUNS = { numRuns: 3000, seed: 1 };
const anything = fc.oneof(hostileMessage, fc.string({ unit: "binary", maxLength: 200 }));

describe("every text has a reading", () => {
  it("as a message, whose parts are all found in it", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const message = parseMessage(text);
        expect(text).toContain(message.header);
        expect(text).toContain(message.body);
        for (const { key } of message.trailers) expect(text).toContain(key);
        expect(typeof describeMessage(message).subject).toBe("string");
      }),
      RUNS,
    );
  });

  it("as a doubt, whose line is the one that it quotes", () => {
    let found = 0;
    fc.assert(
      fc.property(anything, (text) => {
        const doubt = findDoubt(text, ["state"]);
        if (!doubt) return;
        found++;
        expect(text.split("\0")[0]?.split("\n")[doubt.line - 1]?.trim()).toBe(doubt.text);
        if (doubt.kind === "hidden") expect(doubt.text.toLowerCase()).toMatch(/^state\s*:/);
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(100);
  });

  it("as a request, whose state is a state name and whose numbers are bounded", () => {
    let requests = 0;
    fc.assert(
      fc.property(anything, fc.constantFrom("", "-", "-9", "1e9", "9".repeat(400)), (text, number) => {
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
    expect(requests).toBeGreaterThan(100);
  });

  it("as output and as SET_STATE", () => {
    const key = fc.constantFrom("state", "subject", "cost", "retry-after", "trailers", "constructor", "x");
    const value = fc.oneof(fc.string(), fc.constantFrom("1", "5m", "1e309", "-1", "<<E", "E", "A: b"));
    const lines = fc
      .array(fc.tuple(key, fc.constantFrom("=", "<<", ": "), value).map((parts) => parts.join("")))
      .map((all) => all.join("\n"));
    const json = fc
      .oneof(fc.dictionary(key, fc.jsonValue()), fc.jsonValue())
      .map((one) => JSON.stringify(one));
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(anything, lines, json), (text) => {
        for (const reading of [
          readOutput(text),
          readSetState(`SET_STATE {${text}`),
          readSetState(`SET_STATE ${text}`),
        ]) {
          if (reading === undefined) continue;
          if ("problem" in reading) expect(reading.problem).not.toBe("");
          else {
            accepted++;
            const { cost = 0, "retry-after": later = 0 } = reading.output;
            expect(Number.isFinite(cost) && cost >= 0).toBe(true);
            expect(Number.isSafeInteger(later) && later >= 0).toBe(true);
          }
        }
      }),
      RUNS,
    );
    expect(accepted).toBeGreaterThan(100);
  });

  it("as a workflow: a workflow without problems, or problems", () => {
    const scalar = fc.constantFrom(
      "build",
      "done",
      "5m",
      "[a, b]",
      "{}",
      "*a",
      "&a [x]",
      "!!int x",
      "|",
      "'",
      "-1",
    );
    const key = fc.constantFrom(
      "states",
      "start",
      "limits",
      "hops",
      "next",
      "build",
      "timeout",
      "<<",
      "- ",
      "? ",
    );
    const line = fc
      .tuple(fc.nat(3), key, fc.option(scalar))
      .map(([depth, name, value]) => `${"  ".repeat(depth)}${name}: ${value ?? ""}`);
    const yaml = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));
    fc.assert(
      fc.property(fc.oneof(yaml, anything), (text) => {
        const { workflow, problems } = parseWorkflow(text);
        expect(workflow === undefined).toBe(problems.length > 0);
        for (const { line: at } of problems) {
          if (at !== undefined) expect(at).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length);
        }
      }),
      { ...RUNS, numRuns: 2000 },
    );
    expect(parseWorkflow("[".repeat(100_000)).problems).not.toHaveLength(0);
    expect(parseWorkflow("{a: ".repeat(100_000)).problems).not.toHaveLength(0);
  });

  it("as a lease, or as none", () => {
    fc.assert(
      fc.property(anything, (text) => {
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

  it("can say every reason of a rest, and stays a resting lease", () => {
    fc.assert(
      fc.property(lease, anything, (one, why) => {
        const read = parseLease(formatLease({ ...one, backoff: { ms: 5, why } }));
        expect(read?.backoff?.ms).toBe(5);
        expect(read?.run).toBe(one.run);
      }),
      RUNS,
    );
  });
});
