import { describe, expect, it } from "vitest";
import { childProblem, draftChildren } from "../../../../src/core/outcome/create-children.ts";
import { EMPTY_CARRIED_STATE } from "../../../../src/core/workflow/carried-state.ts";
import { parseMessage, valueOf } from "../../../../src/core/protocol/message.ts";
import { readOutput } from "../../../../src/core/outcome/output.ts";
import { parseRequest } from "../../../../src/core/protocol/request.ts";
import type { Child } from "../../../../src/core/scheduling/children.ts";
import { branch, sha, workflowOf } from "../../../support/builders/generated-snapshots.ts";

const parent = parseRequest(branch("feat/x"), {
  commit: sha(1),
  parents: [],
  committed: 1,
  message: "s\n\nState: build\nHops: 3/50\n",
});
if (parent.kind !== "request") throw new TypeError("not a request");

const read = (children: unknown) => readOutput(JSON.stringify({ children }));

describe("children of an answer", () => {
  it("are a JSON list, also in a multi-line value", () => {
    const list = [{ key: "db", state: "build", subject: "feat: tables", prompt: "Please." }];
    expect(read(list)).toMatchObject({ output: { children: [{ ...list[0], trailers: {} }] } });
    expect(readOutput(`state=done\nchildren<<END\n${JSON.stringify(list)}\nEND\n`)).toMatchObject({
      output: { state: "done", children: list },
    });
  });

  it.each([
    ["text that is not JSON", "children=none", /"children": is not a JSON list/],
    ["an object", 'children={"key": "a"}', /is not a JSON list/],
    ["a key that a branch name cannot contain", [{ key: "a/b", state: "x" }], /lower-case letters/],
    ["a duplicate key", [1, 2].map(() => ({ key: "a", state: "x" })), /two children have the key "a"/],
    [
      "a reserved trailer",
      [{ key: "a", state: "x", trailers: { Branch: "main" } }],
      /"Branch" is reserved: scripts may not write it/,
    ],
    [
      "a trailer that only people may write",
      [{ key: "a", state: "x", trailers: { Owns: "**" } }],
      /scripts may not write it/,
    ],
    ["an invalid budget", [{ key: "a", state: "x", budget: "much" }], /is not a valid budget/],
    ["an invalid state name", [{ key: "a", state: "../x" }], /is not a valid state name/],
    ["an unknown key", [{ key: "a", state: "x", owner: "me" }], /unknown key/],
  ])("are rejected because of %s", (_, children, problem) => {
    const reading = typeof children === "string" ? readOutput(children) : read(children);
    expect(reading).toMatchObject({ problem: expect.stringMatching(problem) as string });
  });

  it("become requests on branches of their own, which continue the hop count of their parent", () => {
    const reading = read([
      {
        key: "db",
        state: "build",
        subject: "feat: tables\nState: done",
        prompt: "One.\n\nState: x",
        trailers: { Area: "tables" },
        owns: ["db/**"],
        budget: "2 USD",
      },
      { key: "ui", state: "test", after: ["db"] },
    ]);
    const children = "output" in reading ? (reading.output.children ?? []) : [];
    const [db, ui] = draftChildren(parent, children, EMPTY_CARRIED_STATE, 50, ["tables"]);
    expect([db?.branch, ui?.branch]).toEqual(["feat/x.db", "feat/x.ui"]);
    const { header, body, trailers } = parseMessage(db?.message ?? "");
    expect(header).not.toContain("tables");
    expect(body).toBe("One.\n\nState: x");
    expect(trailers.map(({ key, value }) => `${key}: ${value}`)).toEqual([
      "Area: [redacted]",
      "State: build",
      "Branch: feat/x.db",
      "Parent: feat/x",
      "Owns: db/**",
      "Budget: 2 USD",
      "Hops: 4/50",
    ]);
    const second = parseMessage(ui?.message ?? "").trailers;
    expect(valueOf(second, "State")).toBe("test");
    expect(valueOf(second, "Depends-On")).toBe("branch feat/x.db");
  });

  describe("of a workflow", () => {
    const workflowWith = (more: string) =>
      workflowOf(`states: { build: { next: done${more} }, test: {} }\nstart: [build, test]`);
    const child = { key: "a", state: "test", owns: [], after: [], trailers: {} };
    const problem = (
      children: Parameters<typeof childProblem>[0],
      more = ", children: 2",
      siblings: Child[] = [],
    ) => childProblem(children, workflowWith(more), branch("x"), "build", EMPTY_CARRIED_STATE, siblings);

    it("request only existing states, and only from a parent that may create children", () => {
      expect(problem([child])).toBeUndefined();
      expect(problem([{ ...child, state: "tst" }])).toMatch(
        /not a state of the workflow; did you mean "test"/,
      );
      expect(problem([child], "")).toContain('the state "build" may not create children');
      expect(problem(["a", "b", "c"].map((key) => ({ ...child, key })))).toContain("the limit is 2");
    });

    it("own no path of a sibling that is still open", () => {
      const own = { ...child, owns: ["src/a"] };
      expect(problem([own, { ...own, key: "b" }])).toContain('"a" and "b" would both own src/a');
      expect(problem([own, { ...own, key: "b", after: ["a"] }])).toBeUndefined();
      const older = (result: Child["result"]): Child => ({
        key: "old",
        branch: branch("x.old"),
        state: "test",
        head: undefined,
        subject: "",
        summary: "",
        cost: 0,
        tokens: 0,
        owns: ["src/**"],
        isNew: true,
        result,
      });
      expect(problem([own], ", children: 2", [older("going")])).toContain('"a" and "old"');
      expect(problem([own], ", children: 2", [older("done")])).toBeUndefined();
    });
  });
});
