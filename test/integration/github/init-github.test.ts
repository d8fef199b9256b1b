/** `trailhand init --github`: the workflow file, the labels, and existing files. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command } from "../../../src/cli/commands/init.ts";
import { labelsOf } from "../../../src/templates/github.ts";
import { parseWorkflow } from "../../../src/core/workflow/workflow-file.ts";
import { callOf, terminalTo } from "../../support/call-command.ts";
import { errorOf } from "../../support/remote-workspace.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const FILE = ".github/workflows/trailhand.yml";
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const WORKFLOW = `states:
  check: { description: "it's tested", next: [review, late] }
  review: { human: true, next: [done] }
  late: { wait: children all, next: done, deadline: 1h, otherwise: review }
`;

async function init(repo: Repo, ...args: string[]): Promise<string> {
  let said = "";
  const env = { ...process.env, XDG_CACHE_HOME: repo.cache };
  const terminal = terminalTo((text) => void (said += text), env);
  expect(await command.run(callOf(command, args, repo.dir, { terminal, env }))).toBe(0);
  return said;
}

const fileOf = (repo: Repo): string => readFileSync(join(repo.dir, FILE), "utf8");

test("the workflow file is written, and the next steps are printed", async () => {
  const repo = makeRepo({ "states/check": "#!/bin/sh\n", "states/workflow.yml": WORKFLOW });
  const said = await init(repo, "--github", "--uses", `ann/trailhand@${COMMIT}`);
  expect(said).toContain(`wrote ${FILE}\n`);
  expect(fileOf(repo)).toContain(`      - uses: ann/trailhand@${COMMIT}\n`);
  expect(said).toContain(`git add ${FILE} && git commit`);
  expect(said).toContain("gh label create state:check --color 1d76db --description 'it'\\''s tested'");
  expect(said).toContain("gh label create state:review --color d93f0b");
  expect(said).not.toContain("COMMIT in");
  expect(existsSync(join(repo.dir, "states/integrate"))).toBe(false);
});

test("without --uses the placeholder is named, and without states the next step is to write them", async () => {
  const repo = makeRepo();
  const said = await init(repo, "--github");
  expect(fileOf(repo)).toContain("@COMMIT\n");
  expect(said).toContain(`replace trailhand/trailhand@COMMIT in ${FILE}`);
  expect(said).toContain("trailhand init ");
  expect(said).not.toContain("gh label");
});

test("an invalid workflow is reported, and no labels are planned", async () => {
  const repo = makeRepo({ "states/workflow.yml": "states: { check: { nexxt: done } }\n" });
  const said = await init(repo, "--github");
  expect(said).toContain("trailhand doctor ");
  expect(said).not.toContain("gh label");
});

test("an existing file is kept", async () => {
  const repo = makeRepo({ [FILE]: "name: mine\n" });
  const error = await errorOf(init(repo, "--github"));
  expect(error.message).toContain(`These files exist already and were not changed: ${FILE}`);
  expect(fileOf(repo)).toBe("name: mine\n");
});

test.each([
  ["trailhand/trailhand@v1", "full id of a commit"],
  [`trailhand@${COMMIT}`, "full id of a commit"],
  [`a/b@${COMMIT}\n      - run: id`, "full id of a commit"],
])("--uses %s is refused, and nothing is written", async (uses, why) => {
  const repo = makeRepo();
  expect((await errorOf(init(repo, "--github", `--uses=${uses}`))).message).toContain(why);
  expect(existsSync(join(repo.dir, ".github"))).toBe(false);
});

test("options that need or exclude each other are checked", async () => {
  const repo = makeRepo();
  expect((await errorOf(init(repo, "--github", "--pack", "sequential"))).message).toContain("--pack");
  expect((await errorOf(init(repo, `--uses=a/b@${COMMIT}`))).message).toContain("--github");
  expect(existsSync(join(repo.dir, "states"))).toBe(false);
});

test("each state has a label within GitHub's limits, coloured by its kind", () => {
  const long = WORKFLOW.replace("it's tested", "x".repeat(300));
  const { workflow } = parseWorkflow(long);
  if (!workflow) throw new Error("the workflow does not read");
  const labels = labelsOf(workflow);
  expect(labels.map(({ name, color }) => [name, color])).toEqual([
    ["state:check", "1d76db"],
    ["state:review", "d93f0b"],
    ["state:late", "1d76db"],
    ["state:done", "0e8a16"],
    ["state:failed", "b60205"],
    ["state:cancelled", "8b949e"],
    ["state:parked", "fbca04"],
  ]);
  for (const { color, description } of labels) {
    expect(color).toMatch(/^[0-9a-f]{6}$/);
    expect(description.length).toBeLessThanOrEqual(100);
  }
});
