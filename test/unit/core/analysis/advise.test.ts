import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advise, type Advice } from "../../../../src/core/analysis/advise.ts";
import { estimate, readTypicalDurations } from "../../../../src/core/analysis/estimate.ts";
import type { HandOffReport } from "../../../../src/core/analysis/hand-off-report.ts";
import { globsMeet } from "../../../../src/core/workflow/overlap.ts";
import type { Pattern } from "../../../../src/core/analysis/task-facts.ts";
import { readTaskGraph, type TaskGraph } from "../../../../src/core/analysis/task-graph.ts";
import { must } from "../../../support/builders/generated-snapshots.ts";

const graphOf = (...lines: string[]): TaskGraph => must(readTaskGraph(lines.join("\n")).graph);
const problems = (...lines: string[]) => readTaskGraph(lines.join("\n")).problems;
const adviceOn = (graph: TaskGraph): Advice => advise(graph, estimate(graph.tasks, new Map()));
const planOf = ({ plans }: Advice, pattern: Pattern) => must(plans.find((plan) => plan.pattern === pattern));

describe("readTaskGraph", () => {
  it("fills in the defaults", () => {
    expect(graphOf("tasks:", "  - key: a")).toEqual({
      tasks: [{ key: "a", after: [], owns: [], risk: "low" }],
    });
  });

  it("names the unknown key, its line and the nearest one", () => {
    expect(problems("tasks:", "  - key: a", "    minuts: 3", "agent: 2")).toEqual([
      { line: 3, path: "tasks.0.minuts", message: 'unknown key "minuts"; did you mean "minutes"?' },
      { line: 4, path: "agent", message: 'unknown key "agent"; did you mean "agents"?' },
    ]);
  });

  it("names every unknown task in `after`, and every duplicate key", () => {
    const lines = ["tasks:", "  - key: schema", "  - { key: api, after: [shema] }", "  - key: api"];
    expect(problems(...lines)).toEqual([
      {
        line: 3,
        path: "tasks.1.after.0",
        message: '"api" comes after "shema", which is not a task; did you mean "schema"?',
      },
      { line: 4, path: "tasks.2.key", message: 'two tasks have the key "api"' },
    ]);
  });

  it("names the tasks of a cycle, and not those that only lead to it", () => {
    const cycle = ["- { key: a, after: [b] }", "- { key: b, after: [c] }", "- { key: c, after: [a] }"];
    const [problem] = problems("tasks:", "- { key: d, after: [a] }", "- { key: e }", ...cycle);
    expect(problem?.message).toBe("these tasks wait for each other: a after b after c after a");
    expect(problem?.message).not.toMatch(/\b[de]\b/);
    expect(problems("tasks:", "- { key: a, after: [a] }")).toMatchObject([
      { line: 2, message: "these tasks wait for each other: a after a" },
    ]);
  });

  it("rejects text that is not a graph or not YAML, and alias bombs", () => {
    expect(problems("tasks: []")).toHaveLength(1);
    expect(problems("tasks:", "  - { key: A }")).toMatchObject([{ line: 2, path: "tasks.0.key" }]);
    expect(problems("tasks:", "  - { key: a, minutes: 0 }")).toMatchObject([{ path: "tasks.0.minutes" }]);
    expect(problems("tasks: [")[0]).toMatchObject({ path: "" });
    expect(problems("just words")).toHaveLength(1);
    const bomb = Array.from({ length: 9 }, (_, at) => `x${at + 1}: &x${at + 1} [${`*x${at},`.repeat(9)}]`);
    expect(problems("x0: &x0 [a]", ...bomb)).toMatchObject([
      { message: expect.stringContaining("alias") as string },
    ]);
  });
});

describe("globsMeet", () => {
  it.each([
    ["src/**", "src/api/**", true],
    ["src/api/**", "src/web/**", false],
    ["src/*.ts", "src/*.css", false],
    ["src/*.ts", "src/a*", true],
    ["src/a.ts", "src/*.ts", true],
    ["src/a.ts", "src/b.ts", false],
    ["**/x.ts", "src/deep/x.ts", true],
    ["**/x.ts", "src/**/y.ts", false],
    ["src", "src/api/x.ts", true],
    ["src", "source/x.ts", false],
    ["{a,b/c}/**", "b/c/d", true],
    ["!src/**", "docs/x", true],
    ["docs/", "./docs/a.md", true],
  ])("%s and %s: %s", (a, b, isMeeting) => {
    expect(globsMeet(a, b)).toBe(isMeeting);
    expect(globsMeet(b, a)).toBe(isMeeting);
  });

  it("is never false if a path matches both globs", () => {
    const part = fc.constantFrom("a", "b", "ab", "*", "a*", "*b", "?", "**", "[ab]");
    const glob = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const path = fc.array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 4 });
    let both = 0;
    fc.assert(
      fc.property(glob, glob, path, (first, second, parts) => {
        const pathText = parts.join("/");
        if (!fitsGlob(first, pathText) || !fitsGlob(second, pathText)) return;
        both++;
        expect(globsMeet(first, second)).toBe(true);
      }),
      { numRuns: 5000, seed: 4 },
    );
    expect(both).toBeGreaterThan(100);
  });
});

/** A second implementation of globs, as a regular expression. */
function fitsGlob(glob: string, path: string): boolean {
  const parts = glob.split("/").map((part) => {
    if (part === "**") return "(?:[^/]+/)*";
    return `${part.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}/`;
  });
  return new RegExp(`^${parts.join("")}$`).test(`${path}/`);
}

describe("advise", () => {
  it("recommends one attempt for one task, or for little work", () => {
    expect(adviceOn(graphOf("tasks: [{ key: a, minutes: 300 }]")).recommended).toBe("single");
    const smallWork = adviceOn(graphOf("tasks: [{ key: a, minutes: 6 }, { key: b, minutes: 9 }]"));
    expect(smallWork).toMatchObject({
      recommended: "single",
      why: expect.stringContaining("15 min") as string,
    });
    const risky = adviceOn(graphOf("tasks: [{ key: a, minutes: 6 }, { key: b, minutes: 9, risk: high }]"));
    expect(risky.recommended).toBe("chain");
  });

  it("recommends a chain if parallel tasks would save less than a fifth", () => {
    const advice = adviceOn(
      graphOf(
        "tasks:",
        "- { key: a, minutes: 81 }",
        "- { key: b, after: [a], minutes: 10 }",
        "- { key: c, minutes: 9 }",
      ),
    );
    expect(advice.recommended).toBe("chain");
    expect(advice.why).toContain("9 min of 100 min (9%)");
    expect(planOf(advice, "chain")).toMatchObject({ minutes: 100, atOnce: 1, pack: "sequential" });
    for (const other of ["parallel", "hybrid"] as const) {
      expect(planOf(advice, other).against).toContain("saves 9 min of 100 min, which is not worth the joins");
    }
    expect(planOf(advice, "chain").against).toEqual([
      "takes 9 min longer than running independent tasks in parallel",
    ]);
  });

  it("recommends parallel tasks if nothing restricts them", () => {
    const tasks = ["a", "b", "c"].map((key) => `- { key: ${key}, minutes: 20, owns: [${key}/**] }`);
    const advice = adviceOn(graphOf("tasks:", ...tasks));
    expect(advice).toMatchObject({ recommended: "parallel", numbers: { width: 3, overlaps: [], total: 60 } });
    expect(planOf(advice, "parallel")).toMatchObject({ minutes: 20, atOnce: 3, again: 0, against: [] });
    expect(planOf(advice, "parallel").waves).toEqual([{ from: 0, tasks: ["a", "b", "c"] }]);
  });

  it("recommends a hybrid if order, ownership or risk restricts some tasks", () => {
    const advice = adviceOn(
      graphOf(
        "cost_per_minute: 0.1",
        "tasks:",
        "- { key: base, minutes: 10 }",
        "- { key: api, after: [base], minutes: 30, owns: [src/api/**] }",
        "- { key: web, after: [base], minutes: 30, owns: [src/web/**] }",
        "- { key: style, after: [base], minutes: 20, owns: [src/web/*.css] }",
      ),
    );
    expect(advice.recommended).toBe("hybrid");
    expect(advice.numbers).toMatchObject({
      overlaps: [["web", "style"]],
      critical: 40,
      path: ["base", "api"],
      unowned: 1,
    });
    expect(planOf(advice, "hybrid")).toMatchObject({
      minutes: 60,
      atOnce: 2,
      cost: 9,
      waves: [
        { from: 0, tasks: ["base"] },
        { from: 10, tasks: ["api", "web"] },
        { from: 40, tasks: ["style"] },
      ],
    });
    expect(planOf(advice, "parallel")).toMatchObject({ minutes: 40, again: 20, cost: 11 });
    expect(planOf(advice, "parallel").against).toEqual([
      "some tasks have an order, so not all can start together",
      "1 pair of tasks with paths in common; conflicts could repeat up to 20 min of work",
    ]);
  });

  it("counts no overlap of tasks that wait for each other, in any order of the file", () => {
    const overlaps = (...lines: string[]) => adviceOn(graphOf("tasks:", ...lines)).numbers.overlaps;
    const [first, between, last] = [
      "- { key: a, owns: [src/**] }",
      "- { key: b, after: [a] }",
      "- { key: c, after: [b], owns: [src/x] }",
    ] as const;
    expect(overlaps(first, between, last)).toEqual([]);
    expect(overlaps(last, between, first)).toEqual([]);
    expect(overlaps(first, "- { key: c, owns: [src/x] }")).toEqual([["a", "c"]]);
  });

  it("runs a risky task alone", () => {
    const advice = adviceOn(
      graphOf(
        "tasks:",
        "- { key: a, minutes: 20 }",
        "- { key: b, minutes: 20 }",
        "- { key: c, minutes: 20, risk: high }",
      ),
    );
    expect(advice).toMatchObject({ recommended: "hybrid", numbers: { risky: 1 / 3 } });
    expect(planOf(advice, "hybrid").waves).toEqual([
      { from: 0, tasks: ["a", "b"] },
      { from: 20, tasks: ["c"] },
    ]);
    expect(planOf(advice, "parallel").against).toEqual(["1 risky task would run together with other tasks"]);
  });

  it("plans for fewer agents than tasks that could run", () => {
    const tasks = ["a", "b", "c", "d"].map((key) => `- { key: ${key}, minutes: 20 }`);
    const advice = adviceOn(graphOf("agents: 2", "tasks:", ...tasks));
    expect(advice).toMatchObject({ recommended: "resource-aware" });
    expect(planOf(advice, "resource-aware")).toMatchObject({ minutes: 40, atOnce: 2, against: [] });
    expect(planOf(advice, "parallel").against).toEqual(["needs 4 agents, and there are 2"]);
    expect(adviceOn(graphOf("agents: 1", "tasks:", ...tasks)).recommended).toBe("chain");
  });
});

describe("estimate", () => {
  const handOff = (from: string, took: string) =>
    ({ from, trailers: [{ key: "Took", value: took }] }) as unknown as HandOffReport;

  it("uses the minutes of the file, else the median of past runs of the state, else a guess", () => {
    const durations = readTypicalDurations({
      handOffs: [
        handOff("check", "1h5m"),
        handOff("check", "30s"),
        handOff("check", "4m"),
        handOff("odd", "soon"),
      ],
    });
    const { tasks } = graphOf(
      "tasks:",
      "- { key: a, minutes: 3, state: check }",
      "- { key: b, state: check }",
      "- { key: c, state: odd }",
      "- { key: d }",
    );
    expect(estimate(tasks, durations)).toEqual([
      { task: "a", minutes: 3, source: "file" },
      { task: "b", minutes: 4, source: "history", state: "check", runs: 3 },
      { task: "c", minutes: 15, source: "guess", state: "odd" },
      { task: "d", minutes: 15, source: "guess" },
    ]);
    const even = readTypicalDurations({ handOffs: [handOff("check", "2m"), handOff("check", "4m")] });
    expect(even.get("check")).toEqual({ minutes: 3, runs: 2 });
  });
});

describe("every plan", () => {
  const graphs = fc
    .array(
      fc.record({
        minutes: fc.integer({ min: 1, max: 60 }),
        after: fc.array(fc.nat(), { maxLength: 3 }),
        owns: fc.subarray(["a/**", "a/x", "b/*", "**/y", "c"], { maxLength: 2 }),
        risk: fc.constantFrom("low" as const, "low" as const, "medium" as const, "high" as const),
      }),
      { minLength: 1, maxLength: 12 },
    )
    .map((tasks) =>
      tasks.map(({ after, ...task }, at) => ({
        ...task,
        key: `t${at}`,
        // Only earlier tasks, so that there is no cycle.
        after: at === 0 ? [] : [...new Set(after.map((task) => `t${task % at}`))],
      })),
    );

  it("takes at least the critical path and at most the sum of all tasks, and runs each task once", () => {
    fc.assert(
      fc.property(graphs, fc.option(fc.integer({ min: 1, max: 4 })), (tasks, agents) => {
        const graph: TaskGraph = { tasks, ...(agents === null ? {} : { agents }) };
        const { plans, numbers, recommended } = adviceOn(graph);
        const total = tasks.reduce((sum, { minutes }) => sum + minutes, 0);
        expect(numbers.total).toBe(total);
        const isSmall = tasks.length === 1 || total <= 15;
        for (const { pattern, minutes, atOnce, waves, against } of plans) {
          if (pattern !== recommended && !isSmall) expect(against, pattern).not.toEqual([]);
          expect(minutes).toBeGreaterThanOrEqual(numbers.critical);
          expect(minutes).toBeLessThanOrEqual(total);
          expect(waves.flatMap((wave) => wave.tasks).toSorted()).toEqual(
            tasks.map(({ key }) => key).toSorted(),
          );
          if (pattern === "resource-aware") expect(atOnce).toBeLessThanOrEqual(agents ?? Infinity);
          if (pattern !== "single") expectOrder(graph, waves);
        }
        const { minutes } = must(plans.find(({ pattern }) => pattern === "hybrid"));
        expect(minutes).toBeLessThanOrEqual(must(plans.find(({ pattern }) => pattern === "chain")).minutes);
        expectNoConflict(graph, must(plans.find(({ pattern }) => pattern === "hybrid")).waves);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  const startsIn = (waves: Advice["plans"][number]["waves"]) =>
    new Map(waves.flatMap(({ from, tasks }) => tasks.map((key) => [key, from] as const)));

  /** No task starts before its dependencies have ended. */
  function expectOrder({ tasks }: TaskGraph, waves: Advice["plans"][number]["waves"]): void {
    const starts = startsIn(waves);
    const endOf = (key: string) =>
      (starts.get(key) ?? NaN) + (tasks.find((task) => task.key === key)?.minutes ?? NaN);
    for (const { key, after } of tasks) {
      for (const dependency of after) expect(starts.get(key)).toBeGreaterThanOrEqual(endOf(dependency));
    }
  }

  /** A risky task, or two tasks with a common glob, never run at the same time. */
  function expectNoConflict({ tasks }: TaskGraph, waves: Advice["plans"][number]["waves"]): void {
    const starts = startsIn(waves);
    for (const task of tasks) {
      for (const other of tasks) {
        const isConflict = task.risk === "high" || task.owns.some((glob) => other.owns.includes(glob));
        if (task === other || !isConflict) continue;
        const [a = NaN, b = NaN] = [starts.get(task.key), starts.get(other.key)];
        expect(a + (task.minutes ?? 0) <= b || b + (other.minutes ?? 0) <= a).toBe(true);
      }
    }
  }
});
