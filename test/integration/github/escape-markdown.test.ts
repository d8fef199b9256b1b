/** Escapes hostile text: it stays in its place and has no effect on GitHub. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_LENGTH } from "../../../src/github/display/status-comment.ts";
import { escapeCode, escapeProse } from "../../../src/github/api/escape-markdown.ts";
import { project } from "../../../src/github/display/project.ts";
import { hostileMessage } from "../../support/builders/hostile-text.ts";
import { answer, ask, projected, seenOf, workflowOf } from "../../support/github/branch-builders.ts";

const ISSUE = "trailhand/issue-7";

const NASTY = [
  "@octocat",
  "fixes #1",
  "GH-12",
  "<!-- trailhand:status x -->",
  "</details>",
  "<img src=x>",
  "![a](https://evil.example/a.png)",
  "[a](javascript:x)",
  "https://evil.example",
  "www.evil.example",
  "a@evil.example",
  "`",
  "``",
  "```",
  "|",
  "\\",
  "\\|",
  "\n\n# x",
  "\r",
  "~~~",
  "octo/shop#3",
  "deadbeefdeadbeef",
  "ﬁ",
  "\u202e",
  "ghp_0123456789abcdef0123456789abcdef0123",
];
const nasty = fc
  .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ maxLength: 8 }), fc.lorem({ maxCount: 2 })), {
    maxLength: 12,
  })
  .map((parts) => parts.join(" "));

/** The text without code spans: the part that GitHub interprets as Markdown. */
const readable = (text: string): string => text.replace(/`[^`\n]+`/g, "");

describe("hostile text", () => {
  test("in a code span stays on one line, and cannot end it", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const span = escapeCode(text, 60);
        expect(span).toMatch(/^`[^`|\r\n]+`$/);
        expect(span.length).toBeLessThan(63);
        expect(span).not.toContain("ghp_0");
      }),
    );
  });

  test("in a sentence cannot become a link, mention or reference", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const left = readable(escapeProse(text));
        expect(left).toMatch(/^[A-Za-z0-9',;:.() ]*$/);
        expect(left).not.toMatch(/www|[A-Za-z]\.[A-Za-z]|\b[0-9a-f]{7,}\b/);
      }),
    );
    expect(escapeProse("waits for a person: done or review")).toBe("waits for a person: done or review");
    expect(escapeProse("ask @ann about #3 now")).toBe("ask `@ann` about `#3` now");
    expect(escapeProse("")).toBe("");
  });

  test("in a commit stays in its place in the comment", () => {
    fc.assert(
      fc.property(nasty, nasty, hostileMessage, (why, name, message) => {
        const runner = name.replace(/[\r\n]/g, " ");
        const history = [
          ask("work"),
          message,
          ask("work"),
          answer(3, "parked", `Runner: ${runner}\nCost: ${runner}\n`),
        ];
        const seen = seenOf(ISSUE, history, { code: "parked", detail: why });
        const wanted = project(projected([seen]));
        const { body = "" } = wanted.threads.find(({ number }) => number === 7) ?? {};
        expect(body.match(/^<!-- /gm)).toHaveLength(1);
        expect(readable(body).match(/<\/?details>/g)).toEqual(["<details>", "</details>"]);
        expect(body.match(/^```/gm)).toHaveLength(2);
        const own = readable(body.slice(body.indexOf("\n"), body.indexOf("<details>")));
        expect(own).not.toMatch(/[<>@#!\\~]|\]\((?!https:\/\/github\.com\/octo\/shop\/)|evil\./);
        const rows = own.split("\n").filter((line) => line.startsWith("|"));
        for (const row of rows) expect(row.split("|")).toHaveLength(7);
        expect(project(projected([seen]))).toEqual(wanted);
      }),
      { numRuns: 150 },
    );
  });

  test("cannot make a comment longer than GitHub accepts, whatever the history and workflow", () => {
    const long = "x".repeat(3000);
    const states = Array.from({ length: 400 }, (_, n) => `  s${n}: { next: [done, s${(n + 1) % 400}] }`);
    const workflow = workflowOf(`states:\n${states.join("\n")}\n`);
    const history = Array.from({ length: 150 }, (_, n) =>
      n === 0 ? ask("work") : answer(n, "work", `Runner: ${long}\nCost: ${long}\n`),
    );
    const seen = seenOf(ISSUE, [...history, answer(150, "parked")], { code: "parked", detail: long });
    const many = Array.from({ length: 40 }, (_, n) =>
      seenOf(`${"b".repeat(200)}/${n}`, [ask("work", "Refs: #7\n")]),
    );
    const wanted = project(projected([seen, ...many], { workflow }));
    const { body = "" } = wanted.threads.find(({ number }) => number === 7) ?? {};
    const check = wanted.checks.find(({ commit }) => commit === seen.decision.head.commit);
    expect(body.length).toBeLessThan(MAX_LENGTH);
    expect(body).toContain("earlier steps are in the history");
    expect(check?.summary.length).toBeLessThan(MAX_LENGTH);
    expect(check?.title.length).toBeLessThanOrEqual(120);
  });
});
