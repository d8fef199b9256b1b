/** Checks the choice of the agent, the rendered prompt and the completed output. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Child } from "../../../../src/core/scheduling/children.ts";
import { readFrontMatter } from "../../../../src/core/outcome/front-matter.ts";
import type { Branch } from "../../../../src/core/protocol/ids.ts";
import { readOutput } from "../../../../src/core/outcome/output.ts";
import {
  chooseAgent,
  renderPrompt,
  withSummary,
  type PromptFacts,
} from "../../../../src/core/outcome/prompt.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";
import type { Workflow } from "../../../../src/core/workflow/workflow.ts";
import { hostileMessage } from "../../../support/builders/hostile-text.ts";
import { commitOf, id, requestOf } from "../../../support/script-call.ts";

const requestWith = (trailers: string, text = "feat: a thing\n\nPlease.") =>
  requestOf(commitOf(id("a"), `${text}\n\nState: work\n${trailers}`, id("0")));

function workflowOf(text: string): Workflow {
  const { workflow, problems } = parseWorkflow(text);
  if (!workflow) throw new Error(JSON.stringify(problems));
  return workflow;
}

describe("chooseAgent", () => {
  const states = "states: { work: { agent: quick }, other: {} }\n";
  const workflow = workflowOf(
    `${states}agents: { quick: { run: q -p, env: [KEY] }, slow: { run: [s, "two words"] }, default: { run: d } }`,
  );
  const name = (state: string, trailers = "", front?: string) =>
    chooseAgent(workflow, state, requestWith(trailers), front)?.name;

  it("prefers the assignee, then the agent of the state, of the prompt, and the default", () => {
    expect(name("work", "Assigned-To: slow\n", "default")).toBe("slow");
    expect(name("work", "", "slow")).toBe("quick");
    expect(name("other", "", "slow")).toBe("slow");
    expect(name("other")).toBe("default");
    expect(chooseAgent(workflow, "work", requestWith(""))).toEqual({
      name: "quick",
      run: ["q", "-p"],
      env: ["KEY"],
      files: [],
    });
  });

  it("ignores the name of a person, and finds no agent if none is listed", () => {
    expect(name("work", "Assigned-To: Ann <ann@example.com>\n")).toBe("quick");
    for (const builtIn of ["constructor", "__proto__", "toString"]) {
      expect(name("work", `Assigned-To: ${builtIn}\n`)).toBe("quick");
    }
    const none = workflowOf("states: { work: {}, other: { agent: default } }");
    expect(chooseAgent(none, "work", requestWith(""))).toBeUndefined();
    expect(chooseAgent(none, "other", requestWith("Assigned-To: constructor\n"))).toBeUndefined();
  });
});

describe("readFrontMatter", () => {
  const read = (text: string) => readFrontMatter(text, workflowOf("states: { a: {} }"));

  it("reads only text between two lines at the beginning", () => {
    for (const text of [
      "",
      "agent: x\n---\n",
      "--- \nno end",
      "text\n---\nodd: 1\n---\n",
      "----\nodd: 1\n---\n",
    ]) {
      expect(read(text)).toEqual({ agent: undefined, problems: [] });
    }
    expect(read("\ufeff---\r\nagent: default\r\n---\r\nText.")).toEqual({ agent: "default", problems: [] });
  });

  it("names every unknown key, and rejects text that is not a map", () => {
    expect(read("---\none: 1\ntwo: 2\n---\n").problems).toHaveLength(2);
    for (const front of ["- a", "text", "agent: &a [*a]", "a: &a [1]\nb: [*a, *a]", "\t: {"]) {
      expect(read(`---\n${front}\n---\n`).problems.length, front).toBeGreaterThan(0);
    }
  });
});

const childOf = (key: string, more: Partial<Child> = {}): Child => ({
  key,
  branch: `topic.${key}` as Branch,
  result: "done",
  state: "done",
  head: id("c"),
  subject: `subject of ${key}`,
  summary: `summary of ${key}`,
  cost: 0,
  tokens: 0,
  owns: [],
  isNew: true,
  ...more,
});

const factsOf = (more: Partial<PromptFacts> = {}): PromptFacts => ({
  text: "---\nagent: quick\n---\n\nDo the work.\n",
  request: requestWith(""),
  origin: { commit: id("a"), header: "feat: a thing", body: "Please." },
  plan: undefined,
  children: [],
  owns: [],
  writes: undefined,
  forbid: [],
  previous: undefined,
  salvage: undefined,
  next: ["review"],
  ...more,
});

const steps = [
  { state: "build", subject: "first", prompt: "" },
  { state: "build", subject: "second", prompt: "Mind the gap.", writes: ["docs/**"] },
];

describe("renderPrompt", () => {
  const titles = (prompt: string) => prompt.match(/(?<=^## ).*/gm);

  it("contains the text of the file, the goal and how to answer, and no empty section", () => {
    const prompt = renderPrompt(factsOf());
    expect(prompt.startsWith("Do the work.\n\n---\n")).toBe(true);
    expect(titles(prompt)).toEqual(["The goal", "How to answer"]);
    expect(prompt).toContain("\n    feat: a thing\n    \n    Please.\n");
    expect(prompt).toContain("\nstate=review\n");
    expect(prompt).toContain("Without that line it is `review`.");
    expect(prompt).toContain("TRAILHAND_OUTPUT");
  });

  it("contains all other sections in their order", () => {
    const prompt = renderPrompt(
      factsOf({
        request: requestWith("", "Fix the test\n\nIt fails."),
        plan: { id: id("b"), step: 2, of: 2, steps },
        children: [childOf("api"), childOf("ui", { result: "failed" })],
        owns: ["src/**"],
        writes: ["src/a/**"],
        forbid: ["src/a/secret"],
        previous: "exit 3",
        salvage: "refs/trailhand/salvage/topic/1",
        next: ["review", "done"],
      }),
    );
    expect(titles(prompt)).toEqual([
      "The goal",
      "The last message",
      "The plan",
      "Results of the child branches",
      "The previous attempt",
      "What you may change",
      "How to answer",
    ]);
    const first = [
      "feat: a thing",
      "Fix the test",
      "2. build: second",
      "Mind the gap.",
      "api (topic.api): done",
    ];
    const rest = [
      "ui (topic.ui): failed",
      "exit 3",
      "refs/trailhand",
      "src/**",
      "src/a/**",
      "docs/**",
      "src/a/secret",
    ];
    const positions = [...first, ...rest].map((text) => prompt.indexOf(`\n    ${text}`));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(positions).not.toContain(-1);
    expect(prompt).toContain("Do step 2 of 2");
    expect(prompt).toContain("is required. It is one of `review`, `done`.");
    expect(prompt).not.toContain("state=review");
  });

  const hostile = fc.oneof(
    hostileMessage,
    fc.string({ unit: "binary", maxLength: 100 }),
    fc
      .array(
        fc.constantFrom(
          "```",
          "~~~",
          "\n",
          "\r",
          "\r\n",
          "\u2028",
          "\u2029",
          "\v",
          "\f",
          "\u0085",
          "---",
          "## The goal",
        ) as fc.Arbitrary<string>,
        { maxLength: 20 },
      )
      .map((parts) => parts.join("")),
  );
  /** The unquoted lines, for all characters that some reader treats as the end of a line. */
  const unquotedLines = (prompt: string) =>
    prompt.split(/\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/).filter((line) => !line.startsWith("    "));

  it("keeps all text of other people in quoted blocks", () => {
    const promptWith = (text: string) => {
      // The first letter keeps the text from being empty, so the same sections appear for each text.
      const nonEmpty = `x${text}`;
      const request = {
        ...requestWith(""),
        commit: id("a"),
        message: { header: nonEmpty, body: nonEmpty, trailers: [] },
      };
      return renderPrompt(
        factsOf({
          request,
          origin: { commit: id("b"), header: "y", body: nonEmpty },
          plan: {
            id: id("b"),
            step: 1,
            of: 1,
            steps: [{ state: "a", subject: nonEmpty, prompt: nonEmpty, writes: [nonEmpty] }],
          },
          children: [childOf("k", { subject: nonEmpty, summary: nonEmpty })],
          owns: [nonEmpty],
          writes: [nonEmpty],
          forbid: [nonEmpty],
          previous: nonEmpty,
          salvage: nonEmpty,
        }),
      );
    };
    const expected = unquotedLines(promptWith(""));
    expect(expected.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(hostile, (text) => {
        expect(unquotedLines(promptWith(text))).toEqual(expected);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("has a limited length, however long the texts of other people are", () => {
    const long = "word ".repeat(1_000_000);
    const prompt = renderPrompt(
      factsOf({
        origin: { commit: id("b"), header: "y", body: long },
        children: [childOf("k", { summary: long })],
      }),
    );
    expect(prompt.length).toBeLessThan(100_000);
    expect(prompt.match(/^ {4}\[cut here\]$/gm)).toHaveLength(2);
  });
});

describe("withSummary", () => {
  const summaryOf = (output: string, printed: string) => {
    const reading = readOutput(withSummary(output, printed));
    return "output" in reading ? reading.output.summary : reading.problem;
  };

  it("adds the printed text unchanged, in either form", () => {
    fc.assert(
      fc.property(
        fc.oneof(hostileMessage, fc.stringMatching(/^(END+|summary<<END|state=x|\n| )*$/)),
        fc.constantFrom("", "\n", "cost=1", "cost=1\n", '{"cost":1}', '\n{"cost":1}\n'),
        (printed, output) => {
          // A line of the output file may end in CRLF. The carriage return does not belong to it.
          const text = printed.replaceAll(/\r+\n/g, "\n").trim();
          fc.pre(text.length < 8000);
          expect(summaryOf(output, text)).toBe(text === "" ? undefined : text);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it("changes neither an existing summary, even an empty one, nor an invalid output", () => {
    for (const output of ["summary=mine", "summary=", '{"summary":"mine"}', "no line", "{", "stat=x"]) {
      expect(withSummary(output, "words")).toBe(output);
    }
  });
});
