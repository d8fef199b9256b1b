import { describe, expect, it } from "vitest";
import { must } from "../../../support/builders/generated-snapshots.ts";
import { parseStateName } from "../../../../src/core/protocol/ids.ts";
import { isReservedState, isTerminal, successors } from "../../../../src/core/workflow/workflow.ts";
import { openWorkflow, parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";

const name = (text: string) => must(parseStateName(text));
const problems = (...lines: string[]) => parseWorkflow(lines.join("\n")).problems;

describe("readWorkflow", () => {
  it("fills in every default", () => {
    const { workflow } = parseWorkflow("states:\n  build:\n    next: review\n    timeout: 1h30m\n");
    expect(workflow).toMatchObject({
      open: false,
      branches: ["**"],
      "on-plain-commit": "park",
      target: "ignore",
      limits: {},
      states: {
        build: {
          next: ["review"],
          human: false,
          timeout: 5_400_000,
          retries: 2,
          backoff: 2000,
          lane: ["default"],
          weight: 1,
          wait: [],
          forbid: [],
          answers: [],
        },
      },
    });
  });

  it("knows no state that is not in the file, whatever its name", () => {
    const { workflow } = parseWorkflow("states: { build: {} }\nlanes: { a: 1 }");
    expect(workflow?.states["constructor"]).toBeUndefined();
    expect(workflow?.lanes["constructor"]).toBeUndefined();
    expect(Object.keys(workflow?.states ?? {})).toEqual(["build"]);
  });

  it("names the line, the path and the nearest key of a slip", () => {
    expect(problems("states:", "  build:", "    nxt:", "      - done")).toEqual([
      { line: 3, path: "states.build.nxt", message: 'unknown key "nxt"; did you mean "next"?' },
    ]);
    expect(problems("statse: {}", "states: {}")).toEqual([
      { line: 1, path: "statse", message: 'unknown key "statse"; did you mean "states"?' },
    ]);
    expect(problems("limits:", "  hop: 3", "states: {}")).toMatchObject([
      { line: 2, path: "limits.hop", message: expect.stringContaining('"hops"') as string },
    ]);
    expect(problems("states:", "  a: { xyzzy: 1 }")).toEqual([
      { line: 2, path: "states.a.xyzzy", message: 'unknown key "xyzzy"' },
    ]);
  });

  it("takes a prefix for refs that leaves other refs alone, and lanes that can be parts of refs", () => {
    const prefixOf = (text: string) =>
      parseWorkflow(`refs: { prefix: ${text} }\nstates: {}`).workflow?.refs.prefix;
    expect(parseWorkflow("states: {}").workflow?.refs.prefix).toBe("refs/trailhand");
    expect(prefixOf("refs/tags/trailhand")).toBe("refs/tags/trailhand");
    expect(prefixOf("refs/heads/side/trailhand")).toBe("refs/heads/side/trailhand");
    for (const bad of [
      "refs/heads",
      "refs/tags",
      "trailhand",
      "refs/a/",
      "refs/a..b/c",
      "refs/tags/a.lock",
    ]) {
      expect(prefixOf(bad), bad).toBeUndefined();
    }
    expect(problems("states:", "  a: { lane: x.lock }", "lanes: { x.lock: 1 }")).toHaveLength(2);
  });

  it("names the line of a bad value, in blocks, in flow and in lists", () => {
    expect(problems("states:", "  a:", "    next:", "      - b", "      - Not A Name")).toMatchObject([
      { line: 5, path: "states.a.next.1", message: expect.stringContaining("lower-case") as string },
    ]);
    expect(problems("states:", "  a: {", "    timeout: soon }")).toMatchObject([
      {
        line: 3,
        path: "states.a.timeout",
        message: '"soon" is not a valid duration; write 30s, 5m or 1h30m',
      },
    ]);
    expect(problems("states:", "  Bad Name: {}")).toMatchObject([
      { line: 2, message: expect.stringContaining("a state name consists of") as string },
    ]);
    expect(problems("states:", "  1: { nex: a }")).toMatchObject([{ line: 2, path: "states.1.nex" }]);
  });

  it.each([
    ["proof: pushers", 'proof: expected author, signature or pusher, not "pushers"; did you mean "pusher"?'],
    ["on-behalf: me", 'on-behalf: expected a list of account ids, such as [123456], not "me"'],
    ["on-behalf: 123", "on-behalf: expected a list of account ids, such as [123456], not 123"],
    ['on-behalf: ["12"]', 'on-behalf.0: expected an account id, such as 123456, not "12"'],
    ["on-behalf: [-1]", "on-behalf.0: expected an account id, such as 123456, not -1"],
    [
      "bots: { dependabot: write }",
      'bots.dependabot: expected the id of a bot\'s account, as https://api.github.com/users/<name>%5Bbot%5D shows it, not "dependabot"',
    ],
    ['bots: { "41898282": admin }', 'bots.41898282: expected read, triage, write or maintain, not "admin"'],
    ["bots: [41898282]", "bots: expected a map, not a list"],
    ["people: { leads: ann@x.example }", 'people.leads: expected a list, not "ann@x.example"'],
    ["people: { leads: [ann] }", 'people.leads.0: expected an address such as ann@example.com, not "ann"'],
    ["people: { Leads: [a@b] }", 'people.Leads: expected a role name in lower-case letters, not "Leads"'],
    [
      "agents: { My Agent: { run: x } }",
      'agents.My Agent: expected a name in lower-case letters, not "My Agent"',
    ],
    ["agents: { mine: {} }", "agents.mine.run: is missing; expected text"],
    ["limits: { hops: 0 }", "limits.hops: expected at least 1, not 0"],
    ["limits: { hops: 1.5 }", "limits.hops: expected a whole number, not 1.5"],
    ["limits: { cost: 0 }", "limits.cost: expected more than 0, not 0"],
    ["limits: { time: 10 }", "limits.time: expected a duration such as 30s, 5m or 1h30m, not 10"],
    ["states: { a: { human: yes } }", 'states.a.human: expected true or false, not "yes"'],
    ["states: { a: { pull: yes please } }", 'states.a.pull: expected true, false or draft, not "yes please"'],
    [
      "states: { a: { pull: drafts } }",
      'states.a.pull: expected true, false or draft, not "drafts"; did you mean "draft"?',
    ],
    ["states: { a: { closes: maybe } }", 'states.a.closes: expected true, false or not-planned, not "maybe"'],
    [
      "states: { a: { closes: not planned } }",
      'states.a.closes: expected true, false or not-planned, not "not planned"; did you mean "not-planned"?',
    ],
    ["states: { a: { retries: 101 } }", "states.a.retries: expected at most 100, not 101"],
    ["states: { a: { lane: } }", "states.a.lane: is empty; expected text"],
    [
      "states: { a: { env: [A-B] } }",
      'states.a.env.0: expected the name of an environment variable, not "A-B"',
    ],
  ])("says what is expected, and what is there: %s", (text, said) => {
    const [found, ...more] = problems(...(text.startsWith("states") ? [text] : [text, "states: {}"]));
    expect([found?.line, `${found?.path}: ${found?.message}`, more]).toEqual([1, said, []]);
  });

  it("shows of a wrong value no more than a line, without what moves a terminal", () => {
    const [found] = problems(`proof: "\\e[2Jx\\n${"y".repeat(500)}"`, "states: {}");
    expect(found?.message).toMatch(/^expected author, signature or pusher, not "x y{50,60}…"$/);
  });

  it("reports every problem at once", () => {
    expect(
      problems("target: both", "lanes: { x: 0 }", "states:", "  a: { retries: -1, human: 1 }"),
    ).toHaveLength(4);
  });

  it("reads what a state waits for, and says what it may wait for where it cannot", () => {
    const waiting = (wait: string) =>
      parseWorkflow(`states: { a: { wait: ${wait}, deadline: 1d, otherwise: failed } }`);
    expect(waiting("children all").workflow?.states["a"]).toMatchObject({
      wait: [{ kind: "children", join: { rule: "all" } }],
      deadline: 86_400_000,
      otherwise: "failed",
    });
    expect(waiting("[children any, check lint]").workflow?.states["a"]?.wait).toHaveLength(2);
    expect(waiting("[children some]").problems).toMatchObject([
      { line: 1, path: "states.a.wait.0", message: expect.stringContaining("children all|any") as string },
    ]);
  });

  it("takes a lane as a number of places, or as more than that", () => {
    const { workflow } = parseWorkflow(
      'states: { a: { lane: [x, y], weight: 2 } }\nlanes: { x: 3, y: { runs: 5, open: "22:00-06:00" } }',
    );
    expect(workflow?.states["a"]).toMatchObject({ lane: ["x", "y"], weight: 2 });
    expect(workflow?.lanes["x"]).toEqual({ slots: 3, window: 3_600_000, closes: false });
    expect(workflow?.lanes["y"]).toEqual({ runs: 5, open: "22:00-06:00", window: 3_600_000, closes: false });
    for (const bad of ["24:00-06:00", "6:00-7:00", "06:00"]) {
      expect(problems("states: { a: {} }", `lanes: { x: { open: "${bad}" } }`)).toHaveLength(1);
    }
  });

  it("refuses what is no YAML, no mapping, or a bomb", () => {
    expect(problems("states:", "  a: [", "")[0]).toMatchObject({
      path: "",
      line: expect.any(Number) as number,
    });
    expect(problems("states: {a: {}}", "states: {b: {}}")).toMatchObject([{ line: 2 }]);
    expect(problems("just words")).toHaveLength(1);
    expect(problems("")).toHaveLength(1);
    const bomb = Array.from({ length: 9 }, (_, at) => `x${at + 1}: &x${at + 1} [${`*x${at},`.repeat(9)}]`);
    expect(problems("x0: &x0 [a]", ...bomb)).toMatchObject([
      { message: expect.stringContaining("alias") as string },
    ]);
  });
});

describe("states", () => {
  it("are open where no file says anything", () => {
    const open = openWorkflow([name("build"), name("test")]);
    expect(open.open).toBe(true);
    expect(successors(open, name("build"))).toEqual(["build", "test", "done"]);
  });

  it("lead where the file says", () => {
    const { workflow } = parseWorkflow("states: { a: { next: [b, done] }, b: {} }");
    expect(successors(must(workflow), name("a"))).toEqual(["b", "done"]);
    expect(successors(must(workflow), name("b"))).toEqual(["done"]);
    expect(successors(must(workflow), name("constructor"))).toEqual([]);
  });

  it("are reserved, and some of them end the work", () => {
    expect(["done", "failed", "cancelled", "parked", "waiting", "stalled"].every(isReservedState)).toBe(true);
    expect(["done", "parked", "build"].map(isTerminal)).toEqual([true, false, false]);
  });
});
