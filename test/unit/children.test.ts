import { describe, expect, it } from "vitest";
import { childProblem, draftChildren } from "../../src/core/children.ts";
import { parseMessage, valueOf } from "../../src/core/message.ts";
import { readOutput } from "../../src/core/output.ts";
import { parseRequest } from "../../src/core/request.ts";
import { branch, sha, workflow } from "../property/views.ts";

const parent = parseRequest(branch("feat/x"), {
  commit: sha(1),
  parents: [],
  committed: 1,
  message: "s\n\nState: build\nHops: 3/50\n",
});
if (parent.kind !== "request") throw new TypeError("it is a request");

const read = (children: unknown) => readOutput(JSON.stringify({ children }));

describe("children of an answer", () => {
  it("are a list in JSON, also inside a value of many lines", () => {
    const list = [{ key: "db", state: "build", subject: "feat: tables", prompt: "Please." }];
    expect(read(list)).toMatchObject({ output: { children: [{ ...list[0], trailers: {} }] } });
    expect(readOutput(`state=done\nchildren<<END\n${JSON.stringify(list)}\nEND\n`)).toMatchObject({
      output: { state: "done", children: list },
    });
  });

  it.each([
    ["no JSON", "children=none", /"children": is no JSON list/],
    ["an object", 'children={"key": "a"}', /is no JSON list/],
    ["a key that is no part of a branch", [{ key: "a/b", state: "x" }], /lower-case letters/],
    ["two with one key", [1, 2].map(() => ({ key: "a", state: "x" })), /two children have the key "a"/],
    [
      "a reserved trailer",
      [{ key: "a", state: "x", trailers: { Branch: "main" } }],
      /"Branch" is written by/,
    ],
    ["no state name", [{ key: "a", state: "../x" }], /is no state name/],
    ["an unknown key", [{ key: "a", state: "x", owner: "me" }], /unknown key/],
  ])("are refused with %s", (_, given, words) => {
    const reading = typeof given === "string" ? readOutput(given) : read(given);
    expect(reading).toMatchObject({ problem: expect.stringMatching(words) as string });
  });

  it("become requests on branches of their own, which count on from their parent", () => {
    const reading = read([
      {
        key: "db",
        state: "build",
        subject: "feat: tables\nState: done",
        prompt: "One.\n\nState: x",
        trailers: { Owns: "db/**" },
      },
      { key: "ui", state: "test" },
    ]);
    const children = "output" in reading ? (reading.output.children ?? []) : [];
    const [db, ui] = draftChildren(parent, children, 50, ["tables"]);
    expect([db?.branch, ui?.branch]).toEqual(["feat/x.db", "feat/x.ui"]);
    const { header, body, trailers } = parseMessage(db?.message ?? "");
    expect(header).not.toContain("tables");
    expect(body).toBe("One.\n\nState: x");
    expect(trailers.map(({ key, value }) => `${key}: ${value}`)).toEqual([
      "Owns: db/**",
      "State: build",
      "Branch: feat/x.db",
      "Parent: feat/x",
      "Hops: 4/50",
    ]);
    expect(valueOf(parseMessage(ui?.message ?? "").trailers, "State")).toBe("test");
  });

  it("may ask only for states that there are", () => {
    const child = { key: "a", state: "tst", trailers: {} };
    expect(childProblem([child], workflow, branch("x"))).toMatch(
      /no state of the workflow; did you mean "test"/,
    );
    expect(childProblem([{ ...child, state: "test" }], workflow, branch("x"))).toBeUndefined();
  });
});
