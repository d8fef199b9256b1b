/** Follows the output of a script to the answer commit, by running the real runner. */
import { expect, test } from "vitest";
import { decideOutcome, type Exit } from "../../src/core/outcome/outcome.ts";
import { readOutput } from "../../src/core/outcome/output.ts";
import { makeRepo } from "../support/temp-repo.ts";
import { run } from "../support/run-runner.ts";
import { comparePage, json } from "./walk-page.ts";

const OUTPUT = `state=review
summary=Answers 429 with Retry-After.
cost=0.12
evidence=tests
`;

const SCRIPT = `#!/bin/sh
echo "export const limit = 5;" > src/limit.js
cat >>"$TRAILHAND_OUTPUT" <<'END'
${OUTPUT}END
`;

const WORKFLOW = `states:
  implement: { next: [review, plan], retries: 0, writes: [src], proves: tests, on-failure: plan }
  plan: { human: true, next: implement }
  review: { human: true, next: done }
`;

const LEGAL = ["review", "plan"];

/** What some ends of a script come to. */
function outcomeRows(): string {
  const rows: readonly (readonly [end: string, exit: Exit, output: string])[] = [
    ["exit 0, the output above", { kind: "exited", code: 0 }, OUTPUT],
    ["exit 0, `state=deploy`", { kind: "exited", code: 0 }, "state=deploy"],
    ["exit 0, no output", { kind: "exited", code: 0 }, ""],
    ["exit 0, `sumary=typo`", { kind: "exited", code: 0 }, "sumary=typo"],
    ["exit 75, `retry-after=5m`", { kind: "exited", code: 75 }, "retry-after=5m"],
    ["exit 1", { kind: "exited", code: 1 }, ""],
    ["timeout", { kind: "timed-out", afterMs: 600_000 }, ""],
  ];
  return [
    "| the script ends with | outcome | reason |",
    "| --- | --- | --- |",
    ...rows.map(([end, exit, text]) => {
      const outcome = decideOutcome(LEGAL, exit, readOutput(text));
      const details = outcome.kind === "answer" ? `\`${outcome.state}\` follows` : outcome.why;
      return `| ${end} | ${outcome.kind} | ${details} |`;
    }),
  ].join("\n");
}

/** The answer that the real runner writes to a request for `implement`, in a repository with this script. */
async function answerOf(script: string) {
  const repo = makeRepo({ "states/implement": script, "states/workflow.yml": WORKFLOW, "src/index.js": "" });
  repo.git("switch", "-qc", "feat/login");
  const request = repo.request("feat(auth): throttle logins\n\nState: implement\n");
  repo.git("switch", "-q", "main");
  await run(repo);
  const show = (format: string) => repo.git("log", "-1", `--format=${format}`, "feat/login");
  return { repo, request, show };
}

test("docs/walks/script-to-answer.md shows what the output of a script becomes", async () => {
  const { repo, request, show } = await answerOf(SCRIPT);
  expect(show("%P")).toBe(request);
  const changed = repo.git("diff", "--name-status", request, "feat/login");
  const rejected = (await answerOf(SCRIPT.replace("src/limit.js", "limit.js"))).show("%s");

  const reading = readOutput(OUTPUT);
  comparePage(
    {
      file: "docs/walks/script-to-answer.md",
      title: "From the output of a script to the answer",
      intro: "A script has run in its worktree. Its exit code, its output file and the files that it changed become one answer.",
      madeBy: "test/docs/walk-output.test.ts",
      steps: [
        { title: "The workflow", text: "`states/workflow.yml` of the trusted branch.", block: WORKFLOW },
        { title: "The script", text: "`states/implement` changes a file and writes to `$TRAILHAND_OUTPUT`.", block: SCRIPT },
        {
          title: "The output is read",
          text: "`src/core/outcome/output.ts` validates each key. An unknown key, or a trailer that only runners write, fails the attempt.",
          block: json(reading),
        },
        {
          title: "Output and exit code become an outcome",
          text: `\`src/core/outcome/outcome.ts\` accepts a state only if it may follow.\n\n${outcomeRows()}`,
        },
        {
          title: "The files are collected",
          text: "`src/git/attempt/collect-attempt.ts` collects what the script left in the worktree, ignored files excluded. These paths differ from the request:",
          block: changed,
        },
        {
          title: "The result is checked against the workflow",
          text: "`src/engine/attempt/validate-result.ts` checks paths, evidence, children, plans and limits. Had the script written to `limit.js`, outside of `writes`, the answer would be:",
          block: rejected,
        },
        {
          title: "The answer",
          text: "`src/engine/attempt/build-response.ts` adds what the work carries from answer to answer. `Evidence` names the tree for which it holds, and `Spent` is the sum over all attempts.",
          block: show("%B"),
        },
        {
          title: "The swap",
          text: "`src/engine/attempt/commit-result.ts` moves the branch and deletes the lease. A push that ended without a reply is settled by reading the refs.",
          block: "update refs/heads/feat/login <response> <request>\ndelete refs/trailhand/leases/<key> <lease>",
        },
      ],
    },
    (page) =>
      page
        .replaceAll(request, "<request>")
        .replace(/^Run: .*$/m, "Run: <run>")
        .replace(/^Runner: .*$/m, "Runner: <user>@<host>")
        .replace(/^Took: .*$/m, "Took: <duration>")
        .replace(/^Spent: .*$/m, "Spent: 0.12 USD, <duration>")
        .replace(/\b[0-9a-f]{40}\b/g, "<id>"),
  );
});
