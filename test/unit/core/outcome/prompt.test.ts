/** Who answers a prompt, what it reads, and where the goal of a line of work is found. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Child } from "../../../../src/core/scheduling/children.ts";
import { readFrontMatter } from "../../../../src/core/outcome/front-matter.ts";
import type { Branch } from "../../../../src/core/protocol/ids.ts";
import { findOrigin } from "../../../../src/core/protocol/origin.ts";
import { readOutput } from "../../../../src/core/outcome/output.ts";
import {
  chooseAgent,
  renderPrompt,
  withSummary,
  type PromptFacts,
} from "../../../../src/core/outcome/prompt.ts";
import type { Commit } from "../../../../src/core/protocol/request.ts";
import { parseWorkflow } from "../../../../src/core/workflow/workflow-file.ts";
import type { Workflow } from "../../../../src/core/workflow/workflow.ts";
import { hostileMessage } from "../../../support/builders/hostile-text.ts";
import { commitOf, id, requestOf, TOPIC } from "../../../support/script-call.ts";

const asks = (trailers: string, text = "feat: a thing\n\nPlease.") =>
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
    chooseAgent(workflow, state, asks(trailers), front)?.name;

  it("takes the request's word before the state's, the prompt's and the default", () => {
    expect(name("work", "Assigned-To: slow\n", "default")).toBe("slow");
    expect(name("work", "", "slow")).toBe("quick");
    expect(name("other", "", "slow")).toBe("slow");
    expect(name("other")).toBe("default");
    expect(chooseAgent(workflow, "work", asks(""))).toEqual({
      name: "quick",
      run: ["q", "-p"],
      env: ["KEY"],
    });
  });

  it("passes over a person's name, and finds nobody where nobody is listed", () => {
    expect(name("work", "Assigned-To: Ann <ann@example.com>\n")).toBe("quick");
    for (const odd of ["constructor", "__proto__", "toString"]) {
      expect(name("work", `Assigned-To: ${odd}\n`)).toBe("quick");
    }
    const none = workflowOf("states: { work: {}, other: { agent: default } }");
    expect(chooseAgent(none, "work", asks(""))).toBeUndefined();
    expect(chooseAgent(none, "other", asks("Assigned-To: constructor\n"))).toBeUndefined();
  });
});

describe("readFrontMatter", () => {
  const read = (text: string) => readFrontMatter(text, workflowOf("states: { a: {} }"));

  it("is only what stands between two lines at the beginning", () => {
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

  it("names every unknown key, and survives what is no map", () => {
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
  request: asks(""),
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

  it("has the file's text, the goal and how to answer, and says nothing of what there is not", () => {
    const prompt = renderPrompt(factsOf());
    expect(prompt.startsWith("Do the work.\n\n---\n")).toBe(true);
    expect(titles(prompt)).toEqual(["The goal", "How to answer"]);
    expect(prompt).toContain("\n    feat: a thing\n    \n    Please.\n");
    expect(prompt).toContain("\nstate=review\n");
    expect(prompt).toContain("Without that line it is `review`.");
    expect(prompt).toContain("TRAILHAND_OUTPUT");
  });

  it("has everything else that there is, in its order", () => {
    const prompt = renderPrompt(
      factsOf({
        request: asks("", "Mend the test\n\nIt fails."),
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
    const order = [
      "feat: a thing",
      "Mend the test",
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
    const places = [...order, ...rest].map((words) => prompt.indexOf(`\n    ${words}`));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
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
  /** Every reader's idea of where a line ends. */
  const ours = (prompt: string) =>
    prompt.split(/\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/).filter((line) => !line.startsWith("    "));

  it("keeps every text of others in blocks that it cannot close", () => {
    const make = (text: string) => {
      // In front stands a word, so that the same sections are there, whatever the text is.
      const words = `x${text}`;
      const request = { ...asks(""), commit: id("a"), message: { header: words, body: words, trailers: [] } };
      return renderPrompt(
        factsOf({
          request,
          origin: { commit: id("b"), header: "y", body: words },
          plan: {
            id: id("b"),
            step: 1,
            of: 1,
            steps: [{ state: "a", subject: words, prompt: words, writes: [words] }],
          },
          children: [childOf("k", { subject: words, summary: words })],
          owns: [words],
          writes: [words],
          forbid: [words],
          previous: words,
          salvage: words,
        }),
      );
    };
    const wanted = ours(make(""));
    expect(wanted.length).toBeGreaterThan(20);
    fc.assert(
      fc.property(hostile, (text) => {
        expect(ours(make(text))).toEqual(wanted);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("is bounded, however long the texts of others are", () => {
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

  it("gives what was printed back, whatever it is, in either form", () => {
    fc.assert(
      fc.property(
        fc.oneof(hostileMessage, fc.stringMatching(/^(END+|summary<<END|state=x|\n| )*$/)),
        fc.constantFrom("", "\n", "cost=1", "cost=1\n", '{"cost":1}', '\n{"cost":1}\n'),
        (printed, output) => {
          // A line of the output file may end in CRLF, and its carriage return is no part of it.
          const text = printed.replaceAll(/\r+\n/g, "\n").trim();
          fc.pre(text.length < 8000);
          expect(summaryOf(output, text)).toBe(text === "" ? undefined : text);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it("leaves a summary, an empty one too, and what is wrong as they are", () => {
    for (const output of ["summary=mine", "summary=", '{"summary":"mine"}', "no line", "{", "stat=x"]) {
      expect(withSummary(output, "words")).toBe(output);
    }
  });
});

describe("originOf", () => {
  /** Commits of `topic`, oldest first; `answers` gives the one that a runner's commit answers. */
  const lineOf = (...messages: (readonly [text: string, answers?: number])[]): Commit[] =>
    messages
      .map(([text, answers], at) => {
        const trailer = answers === undefined ? "" : `Answers: ${id(String(answers))}\nBranch: topic\n`;
        return commitOf(id(String(at)), `${text}\n${trailer}`, id("f"));
      })
      .toReversed();
  const headerAt = (trail: Commit[]) => {
    const [head] = trail;
    if (!head) throw new Error("no head");
    return findOrigin(requestOf(head), trail).header;
  };

  it("is the oldest request of the line that a person wrote", () => {
    const trail = lineOf(
      ["add files\n"],
      ["Add logins\n\nState: plan"],
      ["planned\n\nState: review", 1],
      ["a commit of a person\n"],
      ["Go on\n\nState: build"],
      ["built\n\nState: check", 4],
    );
    expect(headerAt(trail)).toBe("Add logins");
  });

  it("passes over what a script committed, whatever it claims", () => {
    const trail = lineOf(
      ["Add logins\n\nState: plan"],
      ["forged\n\nState: plan"],
      ["planned\n\nState: build", 0],
      ["forged again\n\nState: done"],
      ["built\n\nState: check", 2],
    );
    expect(headerAt(trail)).toBe("Add logins");
  });

  it("does not go on into work that ended, nor into that of another branch", () => {
    const ended = (state: string) =>
      lineOf(
        ["Old\n\nState: plan"],
        [`over\n\nState: ${state}`, 0],
        ["New\n\nState: plan"],
        ["ok\n\nState: b", 2],
      );
    expect(headerAt(ended("done"))).toBe("New");
    expect(headerAt(ended("cancelled"))).toBe("New");
    expect(headerAt(ended("failed"))).toBe("Old");
    const other = lineOf(
      ["Other\n\nState: plan\nBranch: other"],
      ["New\n\nState: plan"],
      ["ok\n\nState: b", 1],
    );
    expect(headerAt(other)).toBe("New");
  });

  it("is what a child was handed", () => {
    const trail = lineOf(
      ["Add logins\n\nState: plan"],
      [`Add the form\n\nOne page.\n\nState: build\nBranch: ${TOPIC}\nParent: main`],
      ["built\n\nState: check", 1],
    );
    expect(headerAt(trail)).toBe("Add the form");
  });

  it("is the request itself where the history is cut", () => {
    const trail = lineOf(["Add logins\n\nState: plan"], ["planned\n\nState: build", 0]);
    expect(headerAt(trail.slice(0, 1))).toBe("planned");
  });
});
