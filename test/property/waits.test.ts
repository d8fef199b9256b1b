/** Waits, joins, and what work carries along: the rules hold whatever is asked, and in which order. */
import * as fc from "fast-check";
import picomatch from "picomatch/posix.js";
import { describe, expect, it } from "vitest";
import { formatAmounts, NOTHING, parseAmounts, plus } from "../../src/core/amounts.ts";
import { composeMessage } from "../../src/core/compose.ts";
import { decide } from "../../src/core/decide.ts";
import { judgeJoin, type Fate, type Offspring } from "../../src/core/family.ts";
import type { Sha } from "../../src/core/ids.ts";
import { formatItem, itemOf, readItem, type Item } from "../../src/core/item.ts";
import { parseMessage } from "../../src/core/message.ts";
import { findOverlap, inside } from "../../src/core/paths.ts";
import { findPlanText, formatPlan, parsePlan, planText } from "../../src/core/plan.ts";
import { parseRequest, type Commit } from "../../src/core/request.ts";
import { findRing } from "../../src/core/rings.ts";
import { NO_FACTS, NO_SIDES, type Head, type View } from "../../src/core/view.ts";
import { parsePredicate, type Join, type Predicate } from "../../src/core/wait.ts";
import { hostileMessage, hostileValue } from "./hostile.ts";
import { branch, NOW, sha, workflowOf } from "./views.ts";

const RUNS = { numRuns: 3000, seed: 2 };

const GOOD: readonly Fate[] = ["done"];
const BAD: readonly Fate[] = ["failed", "gone"];
const fate = fc.constantFrom<Fate>("done", "failed", "parked", "going", "going", "gone");
const join: fc.Arbitrary<Join> = fc.oneof(
  fc.constantFrom<Join>({ rule: "all" }, { rule: "any" }, { rule: "settled" }),
  fc.integer({ min: 1, max: 5 }).map((n): Join => ({ rule: "quorum", n })),
);
const child = (key: string, of: Fate, isNew: boolean): Offspring => ({
  key,
  branch: branch(`p.${key}`),
  fate: of,
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
  .array(fc.tuple(fate, fc.boolean()), { maxLength: 6 })
  .map((all) => all.map(([of, isNew], at) => child(`k${at}`, of, isNew)));

/** What a join says, said once more by counting. */
function wanted(rule: Join, all: readonly Offspring[]): "met" | "waits" | "never" {
  const open = all.filter(({ isNew }) => isNew).map((one) => one.fate);
  const count = (fates: readonly Fate[]) => open.filter((one) => fates.includes(one)).length;
  const still = open.length - count(BAD);
  if (open.length === 0) return "met";
  if (rule.rule === "settled") return open.includes("going") ? "waits" : "met";
  if (rule.rule === "any") return open.some((one) => one !== "going") ? "met" : "waits";
  const n = rule.rule === "quorum" ? rule.n : open.length;
  if (count(GOOD) >= n) return "met";
  return still < n ? "never" : "waits";
}

describe("a join", () => {
  it("is met, waits, or can never be met, and says for what", () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(join, children, (rule, all) => {
        const verdict = judgeJoin(rule, all);
        met.add(`${rule.rule} ${verdict.kind}`);
        expect(verdict.kind).toBe(wanted(rule, all));
        if (verdict.kind !== "met") expect(verdict.why).not.toMatch(/\bnames?\b|undefined|and  |: $/);
        // What was joined before makes no difference.
        expect(
          judgeJoin(
            rule,
            all.filter(({ isNew }) => isNew),
          ),
        ).toEqual(verdict);
      }),
      RUNS,
    );
    expect([...met].toSorted()).toEqual(
      "all met,all never,all waits,any met,any waits,quorum met,quorum never,quorum waits,settled met,settled waits".split(
        ",",
      ),
    );
  });

  it("stays as it is when more children settle", () => {
    fc.assert(
      fc.property(join, children, fc.array(fate.filter((one) => one !== "going")), (rule, all, ends) => {
        const before = judgeJoin(rule, all).kind;
        const after = all.map((one, at) =>
          one.fate === "going" ? { ...one, fate: ends[at] ?? "gone" } : one,
        );
        const settled = judgeJoin(rule, after).kind;
        if (before !== "waits") expect(settled).toBe(before);
        // A quorum or all of them may wait for a person, who sends a parked child on; nothing else waits.
        if (settled === "waits") expect(after.some((one) => one.isNew && one.fate === "parked")).toBe(true);
        const worse = all.map((one) => (one.fate === "going" ? { ...one, fate: "failed" as const } : one));
        if (before === "never") expect(judgeJoin(rule, worse).kind).toBe("never");
      }),
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
  interface Said {
    readonly text: string;
    readonly means: Predicate;
  }
  const one: fc.Arbitrary<Said> = fc.oneof(
    fc.constantFrom("all", "any", "settled").map((rule): Said => ({
      text: `children ${rule}`,
      means: { kind: "children", join: { rule } as Join },
    })),
    fc.tuple(fc.integer({ min: 1, max: 99 }), fc.boolean()).map(([n, of]): Said => ({
      text: `children quorum ${n}${of ? " of 99" : ""}`,
      means: { kind: "children", join: { rule: "quorum", n } },
    })),
    fc
      .tuple(fc.integer({ min: 1, max: 9 }), by, fc.boolean(), fc.option(duration, { nil: undefined }))
      .map(([n, who, own, within]): Said => ({
        text: `approvals ${n}${who.length > 0 ? ` by ${who.join(",")}` : ""}${own ? "" : " not own"}${within ? ` within ${within.text}` : ""}`,
        means: { kind: "approvals", n, by: who, own, withinMs: within?.ms },
      })),
    fc.tuple(fc.constantFrom("build", "a.b-c"), fc.integer({ min: 1, max: 99 })).map(([state, n]): Said => ({
      text: n === 1 ? `requests ${state}` : `requests ${state} ${n}`,
      means: { kind: "requests", state, n },
    })),
    fc.constantFrom("lint", "ci/build.x86").map((name): Said => ({
      text: `check ${name}`,
      means: { kind: "check", name },
    })),
    hex.map((id): Said => ({ text: `commit ${id}`, means: { kind: "commit", id } })),
    fc.constantFrom("a", "feat/x", "feat/x.y").map((name): Said => ({
      text: `branch ${name}`,
      means: { kind: "branch", branch: branch(name) },
    })),
    duration.map(({ text, ms }): Said => ({ text: `after ${text}`, means: { kind: "after", ms } })),
    fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }).map((date): Said => ({
      text: `until ${date.toISOString()}`,
      means: { kind: "until", at: date.getTime() },
    })),
  );
  const spaced = (text: string, gap: string) => text.replaceAll(" ", gap);

  it("is read as what it says, alone and among alternatives", () => {
    const gap = fc.constantFrom(" ", "  ", "\t");
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 3 }), gap, (all, between) => {
        const text = spaced(` ${all.map((each) => each.text).join(" or ")} `, between);
        const [first] = all;
        expect(parsePredicate(text)).toEqual(
          all.length === 1 ? first?.means : { kind: "either", of: all.map(({ means }) => means) },
        );
      }),
      RUNS,
    );
  });

  it("is refused with a word too many, too few, or wrong", () => {
    fc.assert(
      fc.property(one, fc.nat(20), (said, at) => {
        expect(parsePredicate(`${said.text} more`), "more").toBeUndefined();
        expect(parsePredicate(`not ${said.text}`)).toBeUndefined();
        expect(parsePredicate(`${said.text} or`)).toBeUndefined();
        expect(parsePredicate(`${said.text} or nothing`)).toBeUndefined();
        const words = said.text.split(" ");
        const [kind = ""] = words;
        expect(parsePredicate(kind)).toBeUndefined();
        const bad = words.with(1, ["^", "~1", "a:b", "\u0007"][at % 4] ?? "");
        expect(parsePredicate(bad.join(" ")), bad.join(" ")).toBeUndefined();
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

describe("a ring", () => {
  it("is found iff there is one, and is a way back along what waits", () => {
    const met = { ring: 0, none: 0 };
    const graph = fc
      .integer({ min: 1, max: 7 })
      .chain((size) =>
        fc.array(fc.uniqueArray(fc.nat(size - 1), { maxLength: 2 }), { minLength: size, maxLength: size }),
      );
    fc.assert(
      fc.property(graph, (next) => {
        const reach = next.map((to) => new Set(to));
        for (let more = true; more;) {
          more = false;
          for (const to of reach)
            for (const mid of to)
              for (const far of reach[mid] ?? []) if (to.size < to.add(far).size) more = true;
        }
        const ring = findRing(0, (at) => next[at] ?? []);
        met[ring ? "ring" : "none"]++;
        expect(ring !== undefined).toBe(reach[0]?.has(0));
        if (!ring) return;
        expect([ring[0], ring.at(-1)]).toEqual([0, 0]);
        for (const [at, to] of ring.slice(1).entries()) expect(next[ring[at] ?? -1]).toContain(to);
      }),
      RUNS,
    );
    expect(Math.min(met.ring, met.none)).toBeGreaterThan(100);
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
  const made = fc
    .record({
      states: fc.array(state, { minLength: 4, maxLength: 4 }),
      depends: fc.array(fc.option(fc.constantFrom(...names, "gone")), { minLength: 4, maxLength: 4 }),
      handed: fc.subarray(["a", "b", "c"]),
      joined: fc.subarray(["a", "b"]),
      age: fc.constantFrom(0, 3599, 3601, 31 * 86_400),
    })
    .map(({ states, depends, handed, joined, age }) => {
      const heads = names.map((name, at): Head => {
        const lines = [
          states[at] === "" ? "Note: x" : `State: ${states[at]}`,
          depends[at] === null ? "" : `Depends-On: branch ${depends[at]}`,
          name === "p" ? `Answers: ${sha(99)}` : "",
          name === "p" && handed.length > 0 ? `Children: ${handed.join(" ")}` : "",
          name === "p" && joined.length > 0 ? `Joined: ${joined.join(" ")}` : "",
        ];
        const message = `s\n\n${lines.filter((line) => line !== "").join("\n")}\n`;
        const committed = NOW.wall / 1000 - age;
        const commit = { commit: sha(at + 1), parents: [], committed, message };
        return { ...commit, branch: branch(name), key: `k${at}`, asked: parseRequest(branch(name), commit) };
      });
      const view: View = {
        target: branch("main"),
        heads,
        leases: new Map(),
        slots: new Map(),
        parked: new Map(),
        takenOver: new Map(),
        sightings: new Map(),
        going: new Map(),
        sides: NO_SIDES,
        facts: NO_FACTS,
      };
      return { view, states, depends, handed: handed.filter((key) => !joined.includes(key)), age };
    });

  it("runs exactly when all that it waits for has come, and has an end when that cannot come", () => {
    const met = new Set<string>();
    fc.assert(
      fc.property(made, ({ view, states, depends, handed, age }) => {
        for (const [at, decision] of decide(view, workflow, NOW).entries()) {
          const name = names[at] ?? "";
          const own = states[at] ?? "";
          if (own !== "build" && own !== "join") continue;
          const stateOf = (other: string) => (names.includes(other) ? states[names.indexOf(other)] : "gone");
          const wait = [
            depends[at] ?? [],
            own === "join" && name === "p" ? handed.map((key) => `p.${key}`) : [],
          ].flat();
          const ends = wait.map(stateOf);
          const isLost = ends.some((end) => ["failed", "gone"].includes(end ?? ""));
          const isReady = ends.every((end) => end === "done");
          const isOver = own === "join" ? age > 3600 : age > 30 * 86_400;
          const known = decision.kind === "run" ? (decision.known?.state ?? "runs") : decision.kind;
          met.add(known);
          if (isReady) expect(known).toBe("runs");
          else if (isLost) expect(known).toBe(own === "join" ? "failed" : "parked");
          else if ("why" in decision && decision.why.code === "cycle") expect(known).toBe("park");
          else if (isOver) expect(known).toBe(own === "join" ? "failed" : "parked");
          else expect(known).toBe("wait");
        }
      }),
      RUNS,
    );
    expect([...met].toSorted()).toEqual(["failed", "park", "parked", "runs", "wait"]);
  });
});

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
        expect(plus(NOTHING, parseAmounts(formatAmounts(all) ?? "0 tokens") ?? {})).toEqual(all);
        const text = formatAmounts(some);
        const kept = Object.fromEntries(Object.entries(some).filter(([, value]) => value !== 0));
        expect(text === undefined ? {} : parseAmounts(text)).toEqual(kept);
        expect(plus(all, NOTHING)).toEqual(all);
        expect(plus(plus(NOTHING, some), all)).toEqual(plus(plus(NOTHING, all), some));
      }),
      RUNS,
    );
    for (const text of ["", "5", "5 EUR", "-1 USD", "1 USD; 2 tokens", "1 USD,"]) {
      expect(parseAmounts(text), text).toBeUndefined();
    }
  });

  const list = fc.uniqueArray(word, { maxLength: 5 });
  const item: fc.Arbitrary<Item> = fc.record({
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
        const trailers = [{ key: "Answers", value: sha(1) as string }, ...formatItem(one)];
        const message = composeMessage({ header: "s", trailers });
        expect(itemOf(parseMessage(message).trailers)).toEqual(one);
        const at = (commit: Sha, parent: Sha, said: string): Commit => ({
          commit,
          parents: [parent],
          committed: 0,
          message: said,
        });
        const answer = at(sha(2), sha(1), message);
        expect(readItem([answer, at(sha(1), sha(0), "s\n\nState: a\n")])).toEqual(one);
        const { trailers: said } = parseMessage(text);
        if (said.some(({ key }) => /^(answers|parent|owns|budget|approves)$/i.test(key))) return;
        expect(readItem([at(sha(3), sha(2), text), answer])).toEqual({ ...one, rounds: {} });
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
      { ...RUNS, numRuns: 1500 },
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
        const both = inside(paths, [one]).filter((at) => inside([at], [other]).length > 0);
        const bare = paths.filter((at) => [one, other].every((each) => picomatch(each, { dot: true })(at)));
        for (const at of bare) expect(both).toContain(at);
        const overlap = findOverlap([one], [other]);
        met[overlap === undefined ? "apart" : "together"]++;
        if (both.length > 0) expect(overlap, `${one} and ${other} both cover ${both[0]}`).toBe(one);
      }),
      { ...RUNS, numRuns: 20_000 },
    );
    expect(Math.min(met.apart, met.together)).toBeGreaterThan(1000);
  });
});
