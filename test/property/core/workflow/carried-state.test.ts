/** Checks that carried state is parsed as it was written, and that owned paths are compared correctly. */
import * as fc from "fast-check";
import picomatch from "picomatch/posix.js";
import { describe, expect, it } from "vitest";
import { formatAmounts, NO_AMOUNTS, parseAmounts, addAmounts } from "../../../../src/core/util/amounts.ts";
import { composeMessage } from "../../../../src/core/protocol/compose.ts";
import type { Sha } from "../../../../src/core/protocol/ids.ts";
import {
  formatCarriedState,
  carriedStateOf,
  readCarriedState,
  type CarriedState,
} from "../../../../src/core/workflow/carried-state.ts";
import { parseMessage } from "../../../../src/core/protocol/message.ts";
import { findOverlap, pathsInside } from "../../../../src/core/workflow/paths.ts";
import { findPlanText, formatPlan, parsePlan, planText } from "../../../../src/core/workflow/plan.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";
import { hostileMessage, hostileValue } from "../../../support/builders/hostile-text.ts";
import { branch, sha } from "../../../support/builders/generated-snapshots.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 2 };

describe("carried state", () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}$/);
  const amounts = fc.record({
    cost: fc.nat(100_000_000).map((micro) => micro / 1e6),
    tokens: fc.nat(),
    turns: fc.nat(1000),
    time: fc.nat(),
  });

  it("has amounts that are parsed as written, also partial ones, and that add up", () => {
    const part = fc.record(
      { cost: fc.nat(9999).map((n) => n / 100), tokens: fc.nat(), time: fc.nat() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(amounts, part, (all, partial) => {
        expect(addAmounts(NO_AMOUNTS, parseAmounts(formatAmounts(all) ?? "0 tokens") ?? {})).toEqual(all);
        const text = formatAmounts(partial);
        const nonZero = Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== 0));
        expect(text === undefined ? {} : parseAmounts(text)).toEqual(nonZero);
        expect(addAmounts(all, NO_AMOUNTS)).toEqual(all);
        expect(addAmounts(addAmounts(NO_AMOUNTS, partial), all)).toEqual(
          addAmounts(addAmounts(NO_AMOUNTS, all), partial),
        );
      }),
      RUNS,
    );
    for (const text of ["", "5", "5 EUR", "-1 USD", "1 USD; 2 tokens", "1 USD,"]) {
      expect(parseAmounts(text), text).toBeUndefined();
    }
  });

  const list = fc.uniqueArray(word, { maxLength: 5 });
  const generatedState: fc.Arbitrary<CarriedState> = fc.record({
    parent: fc.option(fc.constantFrom(branch("feat/x"), branch("p")), { nil: undefined }),
    owns: fc.uniqueArray(fc.constantFrom("src/**", "docs/*.md", "a b".replace(" ", "-")), { maxLength: 2 }),
    budget: fc.record(
      { cost: fc.integer({ min: 1, max: 99 }), tokens: fc.integer({ min: 1 }) },
      { requiredKeys: [] },
    ),
    spent: amounts,
    rounds: fc.dictionary(word, fc.integer({ min: 1, max: 9999 }), { noNullPrototype: true }),
    children: list,
    joined: list,
    cancels: list,
    plan: fc.option(
      fc.record({
        id: fc.constant("0f".repeat(20)),
        step: fc.integer({ min: 1, max: 99 }),
        of: fc.constant(100),
      }),
      { nil: undefined },
    ),
    risk: fc.option(word, { nil: undefined }),
  });

  it("is read from the commit that has it, and from below commits of people", () => {
    fc.assert(
      fc.property(generatedState, hostileMessage, (state, text) => {
        const trailers = [{ key: "Answers", value: sha(1) as string }, ...formatCarriedState(state)];
        const message = composeMessage({ header: "s", trailers });
        expect(carriedStateOf(parseMessage(message).trailers)).toEqual(state);
        const commitAt = (commit: Sha, parent: Sha, body: string): Commit => ({
          commit,
          parents: [parent],
          committed: 0,
          message: body,
        });
        const answer = commitAt(sha(2), sha(1), message);
        expect(readCarriedState([answer, commitAt(sha(1), sha(0), "s\n\nState: a\n")])).toEqual(state);
        const { trailers: personTrailers } = parseMessage(text);
        if (personTrailers.some(({ key }) => /^(answers|parent|owns|budget|approves)$/i.test(key))) return;
        expect(readCarriedState([commitAt(sha(3), sha(2), text), answer])).toEqual({ ...state, rounds: {} });
      }),
      RUNS,
    );
  });

  it("has a plan that is found exactly as it was frozen, whatever its steps contain", () => {
    const stepText = fc
      .oneof(hostileValue, hostileMessage, fc.string({ unit: "binary" }))
      .map((text) => text.slice(0, 400));
    const step = fc.record(
      {
        state: fc.constantFrom("build", "test"),
        subject: stepText,
        prompt: stepText,
        writes: fc.uniqueArray(fc.constantFrom("src/**", "*.md", "ä/*"), { maxLength: 2 }),
      },
      { requiredKeys: ["state", "subject", "prompt"] },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), hostileMessage, (steps, summary) => {
        const text = planText(steps);
        const id = "ab".repeat(20);
        // A summary may look like a plan. The runner writes the frozen plan after it.
        const body = `${summary}\n\nStep 1 of 9: x\n\n${formatPlan(id, steps)}`;
        const trailers = [
          { key: "State", value: "build" },
          { key: "Answers", value: sha(1) as string },
          { key: "Plan", value: id },
        ];
        const message = composeMessage({ header: "s", body, trailers });
        const commit: Commit = { commit: sha(2), parents: [sha(1)], committed: 0, message };
        const frozen = findPlanText([commit], id);
        expect(frozen).toBe(text);
        expect(parsePlan(frozen ?? "")).toEqual(steps);
        expect(findPlanText([commit], "cd".repeat(20))).toBeUndefined();
      }),
      { ...RUNS, numRuns: cases(375) },
    );
  });
});

describe("the paths of children", () => {
  const part = fc.constantFrom(
    "a",
    "b",
    "ab",
    "*",
    "a*",
    "*b",
    "**",
    "?",
    "[ab]",
    "{a,b}",
    "*.ts",
    "x.ts",
    ".h",
  );
  const glob = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const path = fc
    .array(fc.constantFrom("a", "b", "ab", "x.ts", "a.ts", ".h", "c"), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/"));

  it("never share a path if no overlap is reported", () => {
    const counts = { apart: 0, overlapping: 0 };
    fc.assert(
      fc.property(glob, glob, fc.array(path, { maxLength: 30 }), (first, second, paths) => {
        const shared = pathsInside(paths, [first]).filter((at) => pathsInside([at], [second]).length > 0);
        const matched = paths.filter((at) =>
          [first, second].every((each) => picomatch(each, { dot: true })(at)),
        );
        for (const at of matched) expect(shared).toContain(at);
        const overlap = findOverlap([first], [second]);
        counts[overlap === undefined ? "apart" : "overlapping"]++;
        if (shared.length > 0) expect(overlap, `${first} and ${second} both cover ${shared[0]}`).toBe(first);
      }),
      { ...RUNS, numRuns: cases(5000) },
    );
    expect(Math.min(counts.apart, counts.overlapping)).toBeGreaterThan(cases(250));
  });
});
