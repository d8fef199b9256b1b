/** What work carries from commit to commit, and what it owns: it reads back as it was meant. */
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

describe("what work carries", () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}$/);
  const amounts = fc.record({
    cost: fc.nat(100_000_000).map((micro) => micro / 1e6),
    tokens: fc.nat(),
    turns: fc.nat(1000),
    time: fc.nat(),
  });

  it("has amounts that read back, also in part, and add up", () => {
    const part = fc.record(
      { cost: fc.nat(9999).map((n) => n / 100), tokens: fc.nat(), time: fc.nat() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(amounts, part, (all, some) => {
        expect(addAmounts(NO_AMOUNTS, parseAmounts(formatAmounts(all) ?? "0 tokens") ?? {})).toEqual(all);
        const text = formatAmounts(some);
        const kept = Object.fromEntries(Object.entries(some).filter(([, value]) => value !== 0));
        expect(text === undefined ? {} : parseAmounts(text)).toEqual(kept);
        expect(addAmounts(all, NO_AMOUNTS)).toEqual(all);
        expect(addAmounts(addAmounts(NO_AMOUNTS, some), all)).toEqual(
          addAmounts(addAmounts(NO_AMOUNTS, all), some),
        );
      }),
      RUNS,
    );
    for (const text of ["", "5", "5 EUR", "-1 USD", "1 USD; 2 tokens", "1 USD,"]) {
      expect(parseAmounts(text), text).toBeUndefined();
    }
  });

  const list = fc.uniqueArray(word, { maxLength: 5 });
  const item: fc.Arbitrary<CarriedState> = fc.record({
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

  it("reads back from the commit that carries it, and from below commits of people", () => {
    fc.assert(
      fc.property(item, hostileMessage, (one, text) => {
        const trailers = [{ key: "Answers", value: sha(1) as string }, ...formatCarriedState(one)];
        const message = composeMessage({ header: "s", trailers });
        expect(carriedStateOf(parseMessage(message).trailers)).toEqual(one);
        const at = (commit: Sha, parent: Sha, said: string): Commit => ({
          commit,
          parents: [parent],
          committed: 0,
          message: said,
        });
        const answer = at(sha(2), sha(1), message);
        expect(readCarriedState([answer, at(sha(1), sha(0), "s\n\nState: a\n")])).toEqual(one);
        const { trailers: said } = parseMessage(text);
        if (said.some(({ key }) => /^(answers|parent|owns|budget|approves)$/i.test(key))) return;
        expect(readCarriedState([at(sha(3), sha(2), text), answer])).toEqual({ ...one, rounds: {} });
      }),
      RUNS,
    );
  });

  it("has a plan that is found again as it was frozen, whatever its steps say", () => {
    const said = fc
      .oneof(hostileValue, hostileMessage, fc.string({ unit: "binary" }))
      .map((text) => text.slice(0, 400));
    const step = fc.record(
      {
        state: fc.constantFrom("build", "test"),
        subject: said,
        prompt: said,
        writes: fc.uniqueArray(fc.constantFrom("src/**", "*.md", "ä/*"), { maxLength: 2 }),
      },
      { requiredKeys: ["state", "subject", "prompt"] },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 4 }), hostileMessage, (steps, summary) => {
        const text = planText(steps);
        const id = "ab".repeat(20);
        // A summary may look like a plan; the frozen one comes after it, as the runner writes it.
        const body = `${summary}\n\nStep 1 of 9: x\n\n${formatPlan(id, steps)}`;
        const trailers = [
          { key: "State", value: "build" },
          { key: "Answers", value: sha(1) as string },
          { key: "Plan", value: id },
        ];
        const message = composeMessage({ header: "s", body, trailers });
        const commit: Commit = { commit: sha(2), parents: [sha(1)], committed: 0, message };
        const found = findPlanText([commit], id);
        expect(found).toBe(text);
        expect(parsePlan(found ?? "")).toEqual(steps);
        expect(findPlanText([commit], "cd".repeat(20))).toBeUndefined();
      }),
      { ...RUNS, numRuns: cases(375) },
    );
  });
});

describe("what children own", () => {
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

  it("never meets in a path where it is said to lie apart", () => {
    const met = { apart: 0, together: 0 };
    fc.assert(
      fc.property(glob, glob, fc.array(path, { maxLength: 30 }), (one, other, paths) => {
        const both = pathsInside(paths, [one]).filter((at) => pathsInside([at], [other]).length > 0);
        const bare = paths.filter((at) => [one, other].every((each) => picomatch(each, { dot: true })(at)));
        for (const at of bare) expect(both).toContain(at);
        const overlap = findOverlap([one], [other]);
        met[overlap === undefined ? "apart" : "together"]++;
        if (both.length > 0) expect(overlap, `${one} and ${other} both cover ${both[0]}`).toBe(one);
      }),
      { ...RUNS, numRuns: cases(5000) },
    );
    expect(Math.min(met.apart, met.together)).toBeGreaterThan(cases(250));
  });
});
