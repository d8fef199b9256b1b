/** Waits and joins: the rules hold whatever is asked, and whatever becomes of what is waited for. */
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

const GOOD: readonly ChildResult[] = ["done"];
const BAD: readonly ChildResult[] = ["failed", "gone"];
const fate = fc.constantFrom<ChildResult>("done", "failed", "parked", "going", "going", "gone");
const join: fc.Arbitrary<Join> = fc.oneof(
  fc.constantFrom<Join>({ rule: "all" }, { rule: "any" }, { rule: "settled" }),
  fc.integer({ min: 1, max: 5 }).map((n): Join => ({ rule: "quorum", n })),
);
const child = (key: string, of: ChildResult, isNew: boolean): Child => ({
  key,
  branch: branch(`p.${key}`),
  result: of,
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
function wanted(rule: Join, all: readonly Child[]): "met" | "waits" | "never" {
  const open = all.filter(({ isNew }) => isNew).map((one) => one.result);
  const count = (fates: readonly ChildResult[]) => open.filter((one) => fates.includes(one)).length;
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
        const verdict = evaluateJoin(rule, all);
        met.add(`${rule.rule} ${verdict.kind}`);
        expect(verdict.kind).toBe(wanted(rule, all));
        if (verdict.kind !== "met") expect(verdict.why).not.toMatch(/\bnames?\b|undefined|and  |: $/);
        // What was joined before makes no difference.
        expect(
          evaluateJoin(
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
        const before = evaluateJoin(rule, all).kind;
        const after = all.map((one, at) =>
          one.result === "going" ? { ...one, result: ends[at] ?? "gone" } : one,
        );
        const settled = evaluateJoin(rule, after).kind;
        if (before !== "waits") expect(settled).toBe(before);
        // A quorum or all of them may wait for a person, who sends a parked child on; nothing else waits.
        if (settled === "waits") expect(after.some((one) => one.isNew && one.result === "parked")).toBe(true);
        const worse = all.map((one) =>
          one.result === "going" ? { ...one, result: "failed" as const } : one,
        );
        if (before === "never") expect(evaluateJoin(rule, worse).kind).toBe("never");
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
        const ring = findCycle(0, (at) => next[at] ?? []);
        met[ring ? "ring" : "none"]++;
        expect(ring !== undefined).toBe(reach[0]?.has(0));
        if (!ring) return;
        expect([ring[0], ring.at(-1)]).toEqual([0, 0]);
        for (const [at, to] of ring.slice(1).entries()) expect(next[ring[at] ?? -1]).toContain(to);
      }),
      RUNS,
    );
    expect(Math.min(met.ring, met.none)).toBeGreaterThan(cases(25));
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
        return {
          ...commit,
          branch: branch(name),
          key: `k${at}`,
          reading: parseRequest(branch(name), commit),
        };
      });
      const view: Snapshot = {
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
          const known = decision.kind === "run" ? (decision.knownAnswer?.state ?? "runs") : decision.kind;
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
