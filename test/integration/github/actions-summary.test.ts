/** The summary page of a job: its parts, and hostile text in each of them. */
import { describe, expect, test } from "vitest";
import {
  renderNothing,
  renderSummary,
  type JobSummary,
} from "../../../src/github/display/actions-summary.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const EMPTY: JobSummary = {
  messages: [],
  handOffs: [],
  waiting: [],
  address: "https://github.com/a/b",
  drawing: undefined,
};
const HANDED = {
  branch: "feat/login",
  commit: COMMIT,
  from: "check",
  to: "review",
  by: "runner@fv-az1",
  took: "3s",
  cost: "0.36 USD",
  why: undefined,
};
const WAITING = { branch: "feat/login", state: "review", why: "waits for a person", next: "trailhand x" };

test("a job with work lists hand-offs, waiting branches and a diagram", () => {
  const page = renderSummary({
    ...EMPTY,
    messages: ["accepted on feat"],
    handOffs: [HANDED],
    waiting: [WAITING],
    drawing: "stateDiagram-v2\n    [*] --> check",
  });
  expect(page).toBe(
    [
      "### Trailhand",
      "",
      "accepted on feat",
      "",
      "| branch | commit | hand-off | by | duration | cost |",
      "| --- | --- | --- | --- | --- | --- |",
      `| \`feat/login\` | [\`012345678\`](https://github.com/a/b/commit/${COMMIT}) | \`check\` → \`review\` | \`runner@fv-az1\` | 3s | \`0.36 USD\` |`,
      "",
      "**Waiting for a person**",
      "",
      "| branch | state | reason | next command |",
      "| --- | --- | --- | --- |",
      "| `feat/login` | `review` | waits for a person | `trailhand x` |",
      "",
      "```mermaid",
      "stateDiagram-v2",
      "    [*] --> check",
      "```",
      "",
    ].join("\n"),
  );
});

test("a job without work says so, also while branches wait", () => {
  expect(renderSummary(EMPTY)).toBe("### Trailhand\n\nThe event asked Trailhand for nothing.\n");
  const page = renderSummary({ ...EMPTY, waiting: [WAITING] });
  expect(page).toContain("The event asked Trailhand for nothing.\n\n**Waiting for a person**");
  expect(renderNothing("only new comments count")).toBe(
    "### Trailhand\n\nThe event asked Trailhand for nothing: only new comments count\n",
  );
});

describe("hostile text", () => {
  const HOSTILE = "x`|<img src=//e.vil>\n| ![p](http://e.vil) @ann #1\n```\n# big";

  test("stays in its cell and on its line, and does not become markup", () => {
    const page = renderSummary({
      ...EMPTY,
      messages: [HOSTILE],
      handOffs: [{ ...HANDED, branch: HOSTILE, from: HOSTILE, to: HOSTILE, by: HOSTILE, why: HOSTILE }],
      waiting: [{ branch: HOSTILE, state: HOSTILE, why: HOSTILE, next: HOSTILE }],
    });
    const rows = page.split("\n").filter((line) => line.startsWith("| `"));
    expect(rows).toHaveLength(2);
    expect(rows.map((row) => row.split("|").length)).toEqual([8, 6]);
    const outside = page.replaceAll(/`[^`\n]*`/g, "");
    for (const bad of ["<img", "![", "@ann", "#1", "http://e.vil", "```"]) expect(outside).not.toContain(bad);
  });

  test("cannot make the page longer than GitHub accepts", () => {
    const many = Array.from({ length: 5000 }, () => ({ ...HANDED, why: HOSTILE.repeat(1000) }));
    const page = renderSummary({
      ...EMPTY,
      messages: [HOSTILE.repeat(9999)],
      handOffs: many,
      drawing: "x".repeat(2 ** 21),
    });
    expect(Buffer.byteLength(page)).toBeLessThan(2 ** 18);
    expect(page).toContain("4800 more");
  });
});
