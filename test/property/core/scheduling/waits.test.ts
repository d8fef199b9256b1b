/** Checks joins, predicates, cycles and waiting requests for generated states of their dependencies. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../../../src/core/scheduling/decide.ts";
import { evaluateJoin, type ChildResult, type Child } from "../../../../src/core/scheduling/children.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import { findCycle } from "../../../../src/core/scheduling/waits.ts";
import {
  NO_HISTORY_FACTS,
  NO_SIDE_REFS,
  type Head,
  type Snapshot,
} from "../../../../src/core/scheduling/snapshot.ts";
import { parsePredicate, type Join, type Predicate } from "../../../../src/core/workflow/wait.ts";
import { branch, NOW, sha, workflowOf } from "../../../support/builders/generated-snapshots.ts";
import { cases } from "../../../support/scale.ts";

const RUNS = { numRuns: cases(750), seed: 2 };

const DONE: readonly ChildResult[] = ["done"];
const LOST: readonly ChildResult[] = ["failed", "gone"];
const childResult = fc.constantFrom<ChildResult>("done", "failed", "parked", "going", "going", "gone");
const join: fc.Arbitrary<Join> = fc.oneof(
  fc.constantFrom<Join>({ rule: "all" }, { rule: "any" }, { rule: "settled" }),
  fc.integer({ min: 1, max: 5 }).map((n): Join => ({ rule: "quorum", n })),
);
const child = (key: string, result: ChildResult, isNew: boolean): Child => ({
  key,
  branch: branch(`p.${key}`),
  result,
  state: "",
  head: undefined,
  subject: "",
  summary: "",
  cost: 0,
  tokens: 0,
  owns: [],
  isNew,
});
const children = fc
  .array(fc.tuple(childResult, fc.boolean()), { maxLength: 6 })
  .map((all) => all.map(([result, isNew], at) => child(`k${at}`, result, isNew)));

/** A second implementation of joins, by counting. */
function expectedResult(rule: Join, all: readonly Child[]): "met" | "waits" | "never" {
  const open = all.filter(({ isNew }) => isNew).map(({ result }) => result);
  const count = (results: readonly ChildResult[]) => open.filter((result) => results.includes(result)).length;
  const possible = open.length - count(LOST);
  if (open.length === 0) return "met";
  if (rule.rule === "settled") return open.includes("going") ? "waits" : "met";
  if (rule.rule === "any") return open.some((result) => result !== "going") ? "met" : "waits";
  const n = rule.rule === "quorum" ? rule.n : open.length;
  if (count(DONE) >= n) return "met";
  return possible < n ? "never" : "waits";
}

describe("a join", () => {
  it("is met, waits, or can never be met, with the reason", () => {
    const seenResults = new Set<string>();
    fc.assert(
      fc.property(join, children, (rule, all) => {
        const result = evaluateJoin(rule, all);
        seenResults.add(`${rule.rule} ${result.kind}`);
        expect(result.kind).toBe(expectedResult(rule, all));
        if (result.kind !== "met") expect(result.why).not.toMatch(/\bnames?\b|undefined|and  |: $/);
        // Children that were joined before make no difference.
        expect(
          evaluateJoin(
            rule,
            all.filter(({ isNew }) => isNew),
          ),
        ).toEqual(result);
      }),
      RUNS,
    );
    expect([...seenResults].toSorted()).toEqual(
      "all met,all never,all waits,any met,any waits,quorum met,quorum never,quorum waits,settled met,settled waits".split(
        ",",
      ),
    );
  });

  it("does not change when more children settle", () => {
    fc.assert(
      fc.property(
        join,
        children,
        fc.array(childResult.filter((result) => result !== "going")),
        (rule, all, ends) => {
          const before = evaluateJoin(rule, all).kind;
          const after = all.map((each, at) =>
            each.result === "going" ? { ...each, result: ends[at] ?? "gone" } : each,
          );
          const settled = evaluateJoin(rule, after).kind;
          if (before !== "waits") expect(settled).toBe(before);
          // Only `all` and `quorum` may still wait: for a person who resumes a parked child.
          if (settled === "waits")
            expect(after.some(({ isNew, result }) => isNew && result === "parked")).toBe(true);
          const worse = all.map((each) =>
            each.result === "going" ? { ...each, result: "failed" as const } : each,
          );
          if (before === "never") expect(evaluateJoin(rule, worse).kind).toBe("never");
        },
      ),
      RUNS,
    );
  });
});

describe("a predicate", () => {
  const duration = fc.integer({ min: 1, max: 90 }).chain((n) =>
    fc
      .constantFrom<[string, number][]>(["s", 1000], ["m", 60_000], ["h", 3_600_000], ["d", 86_400_000])
      .map(([unit, ms]) => ({
        text: `${n}${unit}`,
        ms: n * ms,
      })),
  );
  const hex = fc.stringMatching(/^[0-9a-f]{7,40}$/);
  const by = fc.uniqueArray(fc.constantFrom("ops", "dev", "ann@example.com"), { maxLength: 2 });
  interface PredicateText {
    readonly text: string;
    readonly predicate: Predicate;
  }
  const predicateText: fc.Arbitrary<PredicateText> = fc.oneof(
    fc.constantFrom("all", "any", "settled").map((rule): PredicateText => ({
      text: `children ${rule}`,
      predicate: { kind: "children", join: { rule } as Join },
    })),
    fc.tuple(fc.integer({ min: 1, max: 99 }), fc.boolean()).map(([n, of]): PredicateText => ({
      text: `children quorum ${n}${of ? " of 99" : ""}`,
      predicate: { kind: "children", join: { rule: "quorum", n } },
    })),
    fc
      .tuple(fc.integer({ min: 1, max: 9 }), by, fc.boolean(), fc.option(duration, { nil: undefined }))
      .map(([n, who, own, within]): PredicateText => ({
        text: `approvals ${n}${who.length > 0 ? ` by ${who.join(",")}` : ""}${own ? "" : " not own"}${within ? ` within ${within.text}` : ""}`,
        predicate: { kind: "approvals", n, by: who, own, withinMs: within?.ms },
      })),
    fc
      .tuple(fc.constantFrom("build", "a.b-c"), fc.integer({ min: 1, max: 99 }))
      .map(([state, n]): PredicateText => ({
        text: n === 1 ? `requests ${state}` : `requests ${state} ${n}`,
        predicate: { kind: "requests", state, n },
      })),
    fc.constantFrom("lint", "ci/build.x86").map((name): PredicateText => ({
      text: `check ${name}`,
      predicate: { kind: "check", name },
    })),
    hex.map((id): PredicateText => ({ text: `commit ${id}`, predicate: { kind: "commit", id } })),
    fc.constantFrom("a", "feat/x", "feat/x.y").map((name): PredicateText => ({
      text: `branch ${name}`,
      predicate: { kind: "branch", branch: branch(name) },
    })),
    duration.map(({ text, ms }): PredicateText => ({
      text: `after ${text}`,
      predicate: { kind: "after", ms },
    })),
    fc
      .date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date): PredicateText => ({
        text: `until ${date.toISOString()}`,
        predicate: { kind: "until", at: date.getTime() },
      })),
  );
  const spaced = (text: string, gap: string) => text.replaceAll(" ", gap);

  it("is parsed, alone and among alternatives", () => {
    const gap = fc.constantFrom(" ", "  ", "\t");
    fc.assert(
      fc.property(fc.array(predicateText, { minLength: 1, maxLength: 3 }), gap, (all, between) => {
        const text = spaced(` ${all.map((each) => each.text).join(" or ")} `, between);
        const [first] = all;
        expect(parsePredicate(text)).toEqual(
          all.length === 1 ? first?.predicate : { kind: "either", of: all.map(({ predicate }) => predicate) },
        );
      }),
      RUNS,
    );
  });

  it("is rejected with an extra, a missing or a wrong word", () => {
    fc.assert(
      fc.property(predicateText, fc.nat(20), ({ text }, at) => {
        expect(parsePredicate(`${text} more`), "more").toBeUndefined();
        expect(parsePredicate(`not ${text}`)).toBeUndefined();
        expect(parsePredicate(`${text} or`)).toBeUndefined();
        expect(parsePredicate(`${text} or nothing`)).toBeUndefined();
        const words = text.split(" ");
        const [kind = ""] = words;
        expect(parsePredicate(kind)).toBeUndefined();
        const wrongWords = words.with(1, ["^", "~1", "a:b", "\u0007"][at % 4] ?? "");
        expect(parsePredicate(wrongWords.join(" ")), wrongWords.join(" ")).toBeUndefined();
      }),
      RUNS,
    );
    const wrong =
      ",or,children,children quorum,children quorum 0,children all 2,children some,approvals -1,approvals 1.5," +
      "approvals 1 by,approvals 1 within,approvals 1 within soon,requests build 0,commit 12345,after soon," +
      "until tomorrow,until 2026-13-01,branch a..b,branch ../x";
    for (const text of wrong.split(",")) expect(parsePredicate(text), text).toBeUndefined();
  });
});

describe("a cycle", () => {
  it("is found exactly if there is one, and follows the edges of the graph", () => {
    const counts = { cycle: 0, none: 0 };
    const graph = fc
      .integer({ min: 1, max: 7 })
      .chain((size) =>
        fc.array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 2 }), { minLength: size, maxLength: size }),
      );
    fc.assert(
      fc.property(graph, (next) => {
        const reachable = next.map((targets) => new Set(targets));
        for (let hasGrown = true; hasGrown;) {
          hasGrown = false;
          for (const targets of reachable)
            for (const target of targets)
              for (const far of reachable[target] ?? [])
                if (targets.size < targets.add(far).size) hasGrown = true;
        }
        const cycle = findCycle(0, (at) => next[at] ?? []);
        counts[cycle ? "cycle" : "none"]++;
        expect(cycle !== undefined).toBe(reachable[0]?.has(0));
        if (!cycle) return;
        expect([cycle[0], cycle.at(-1)]).toEqual([0, 0]);
        for (const [at, to] of cycle.slice(1).entries()) expect(next[cycle[at] ?? -1]).toContain(to);
      }),
      RUNS,
    );
    expect(Math.min(counts.cycle, counts.none)).toBeGreaterThan(cases(25));
  });
});

describe("a request that waits", () => {
  const workflow = workflowOf(`
states:
  build: { next: done }
  join: { next: done, wait: children all, deadline: 1h, otherwise: failed }
`);
  const state = fc.constantFrom("build", "join", "done", "failed", "parked", "");
  const names = ["p", "p.a", "p.b", "q"];
  const waitingRequests = fc
    .record({
      states: fc.array(state, { minLength: 4, maxLength: 4 }),
      dependencies: fc.array(fc.option(fc.constantFrom(...names, "gone")), { minLength: 4, maxLength: 4 }),
      children: fc.subarray(["a", "b", "c"]),
      joined: fc.subarray(["a", "b"]),
      age: fc.constantFrom(0, 3599, 3601, 31 * 86_400),
    })
    .map(({ states, dependencies, children: keys, joined, age }) => {
      const heads = names.map((name, at): Head => {
        const lines = [
          states[at] === "" ? "Note: x" : `State: ${states[at]}`,
          dependencies[at] === null ? "" : `Depends-On: branch ${dependencies[at]}`,
          name === "p" ? `Answers: ${sha(99)}` : "",
          name === "p" && keys.length > 0 ? `Children: ${keys.join(" ")}` : "",
          name === "p" && joined.length > 0 ? `Joined: ${joined.join(" ")}` : "",
        ];
        const message = `s\n\n${lines.filter((line) => line !== "").join("\n")}\n`;
        const committed = NOW.wall / 1000 - age;
        const commit = { commit: sha(at + 1), parents: [], committed, message };
        return {
          ...commit,
          branch: branch(name),
          key: `k${at}`,
          reading: parseRequest(branch(name), commit),
        };
      });
      const snapshot: Snapshot = {
        target: branch("main"),
        heads,
        leases: new Map(),
        slots: new Map(),
        parkedResponses: new Map(),
        takeovers: new Map(),
        firstSightings: new Map(),
        runningAttempts: new Map(),
        sideRefs: NO_SIDE_REFS,
        facts: NO_HISTORY_FACTS,
      };
      return { snapshot, states, dependencies, openKeys: keys.filter((key) => !joined.includes(key)), age };
    });

  it("runs exactly if all dependencies are done, and ends if one can never be", () => {
    const seenResults = new Set<string>();
    fc.assert(
      fc.property(waitingRequests, ({ snapshot, states, dependencies, openKeys, age }) => {
        for (const [at, decision] of decide(snapshot, workflow, NOW).entries()) {
          const name = names[at] ?? "";
          const own = states[at] ?? "";
          if (own !== "build" && own !== "join") continue;
          const stateOf = (other: string) => (names.includes(other) ? states[names.indexOf(other)] : "gone");
          const wait = [
            dependencies[at] ?? [],
            own === "join" && name === "p" ? openKeys.map((key) => `p.${key}`) : [],
          ].flat();
          const ends = wait.map(stateOf);
          const isLost = ends.some((end) => ["failed", "gone"].includes(end ?? ""));
          const isReady = ends.every((end) => end === "done");
          const isOver = own === "join" ? age > 3600 : age > 30 * 86_400;
          const result = decision.kind === "run" ? (decision.knownAnswer?.state ?? "runs") : decision.kind;
          seenResults.add(result);
          if (isReady) expect(result).toBe("runs");
          else if (isLost) expect(result).toBe(own === "join" ? "failed" : "parked");
          else if ("why" in decision && decision.why.code === "cycle") expect(result).toBe("park");
          else if (isOver) expect(result).toBe(own === "join" ? "failed" : "parked");
          else expect(result).toBe("wait");
        }
      }),
      RUNS,
    );
    expect([...seenResults].toSorted()).toEqual(["failed", "park", "parked", "runs", "wait"]);
  });
});
