import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import type { CommandEnd } from "../../support/warm-program.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

interface Result {
  readonly problems: readonly { readonly path: string; readonly message: string }[];
  readonly differences: readonly {
    readonly commit: string;
    readonly branch: string;
    readonly from: string;
    readonly to: string;
    readonly says: readonly string[];
  }[];
  readonly same: number;
  readonly unjudged: number;
}

const WORKFLOW = "states:\n  build: { next: check }\n  check: { next: [build, done] }\nlimits: { hops: 9 }\n";
/** `check` requests `build` again once. `build` changes two files, one with an unusual name. */
const STATES = {
  "states/build": `#!/bin/sh
echo built >>"src dir
x.txt"
echo built >>docs.md
`,
  "states/check": `#!/bin/sh
if [ "$(wc -l <docs.md)" -ge 2 ]; then echo state=done; else echo state=build; fi >>"$TRAILHAND_OUTPUT"
`,
  "states/workflow.yml": WORKFLOW,
};

/** build → check → build → check → done */
function story(branch = "feat/x"): Repo {
  const repo = introduce(makeRepo(STATES));
  expect(cli(repo, "request", "build", "--new", branch, "-m", "feat: a line").code).toBe(0);
  expect(cli(repo, "run").code).toBe(0);
  return repo;
}

const read = (said: CommandEnd): Result => JSON.parse(said.out) as Result;

function judged(repo: Repo, workflow: string): Result {
  repo.write("states/workflow.yml", workflow);
  const said = cli(repo, "backtest", "--json");
  const result = read(said);
  expect(said.code).toBe(result.differences.length + result.problems.length > 0 ? 3 : 0);
  return result;
}

test("the workflow that produced the history has no differences", () => {
  const repo = story();
  const said = cli(repo, "backtest");
  expect(said).toMatchObject({ code: 0, out: "" });
  expect(said.err).toContain("0 would differ, 4 stay the same");
  expect(judged(repo, WORKFLOW)).toMatchObject({ differences: [], same: 4, unjudged: 0 });
});

test("removed transitions and stricter limits are reported for each affected answer", () => {
  const repo = story();
  const narrow = judged(repo, WORKFLOW.replace("[build, done]", "done"));
  expect(narrow.differences).toEqual([
    {
      commit: repo.git("rev-parse", "feat/x~2"),
      request: repo.git("rev-parse", "feat/x~3"),
      branch: "feat/x",
      from: "check",
      to: "build",
      says: ["build may not follow check (legal: done)"],
    },
  ]);
  expect(narrow.same).toBe(3);

  const fewer = judged(repo, WORKFLOW.replace("hops: 9", "hops: 3"));
  expect(fewer.differences.map(({ says }) => says)).toEqual([
    ["parked: 3 hand-offs without a person, and the limit is 3"],
  ]);
  const once = judged(repo, WORKFLOW.replace("check: {", "check: { max: 1, on-max: build,"));
  expect(once.differences.map(({ says }) => says)).toEqual([
    ["build: check was requested 1 times, and the limit is 1"],
  ]);
});

test("changed paths are checked against writes and forbid, even with unusual names", () => {
  const repo = story();
  const src = judged(repo, WORKFLOW.replace("build: {", 'build: { writes: ["src*"],'));
  expect(src.differences.map(({ from, says }) => [from, says])).toEqual([
    ["build", ['it may not change "docs.md"']],
    ["build", ['it may not change "docs.md"']],
  ]);
  const all = judged(repo, WORKFLOW.replace("build: {", 'build: { writes: [docs.md], forbid: ["*.md"],'));
  expect(all.differences[0]?.says).toEqual(['it may not change "src dir\\nx.txt" and 1 more']);
  const none = judged(
    repo,
    WORKFLOW.replace("build: {", 'build: { writes: ["docs.md", "src*"], forbid: [".git"],'),
  );
  expect(none.differences).toEqual([]);
});

test("changes of human and by are reported", () => {
  const repo = story();
  const person = judged(repo, WORKFLOW.replace("check: {", "check: { human: true,"));
  expect(person.differences.map(({ from, says }) => [from, says])).toEqual([
    ["check", ["check is for a person, and a runner answered it"]],
    ["build", ["check is for a person, and was for a runner"]],
    ["check", ["check is for a person, and a runner answered it"]],
    ["build", ["check is for a person, and was for a runner"]],
  ]);
  const others = judged(
    repo,
    `${WORKFLOW.replace("build: {", "build: { by: [lead],")}people: { lead: [bob@example.com] }\n`,
  );
  expect(others.differences.map(({ says }) => says)).toEqual([
    ["build would not run: only lead may request it, and ann@example.com did"],
  ]);
  expect(
    judged(
      repo,
      `${WORKFLOW.replace("build: {", "build: { by: [lead],")}people: { lead: [Ann@Example.com] }\n`,
    ).differences,
  ).toEqual([]);
});

test("an end without its required evidence is reported", () => {
  const repo = story();
  const workflow = `${WORKFLOW.replace("check: {", "check: { proves: tests,")}evidence: { done: tests }\n`;
  expect(judged(repo, workflow).differences.map(({ to, says }) => [to, says])).toEqual([
    ["done", ["done needs evidence of its files: tests"]],
  ]);
});

test("problems of the workflow come first, and an invalid workflow reports no differences", () => {
  const repo = story();
  const lost = judged(repo, WORKFLOW.replace("next: check", "next: chekc"));
  expect(lost.problems[0]?.message).toContain('did you mean "check"?');
  expect(lost.differences.length).toBeGreaterThan(0);
  const broken = judged(repo, "states:\n  build: { nxt: check }\n");
  expect(broken).toMatchObject({ differences: [], same: 0 });
  const said = cli(repo, "backtest");
  expect(said.out).toContain("line 2: states.build.nxt");
  expect(cli(repo, "backtest", "--workflow", "none.yml")).toMatchObject({ code: 2 });
});

test("archives are included, a cherry-picked answer counts once, and the trusted workflow is the fallback", () => {
  const repo = story("feat/it's");
  repo.git("update-ref", "refs/trailhand/archive/feat/it's", "feat/it's");
  repo.git("branch", "copy", "main");
  repo.git("switch", "-q", "copy");
  repo.git("cherry-pick", "--allow-empty", "feat/it's~3");
  repo.git("branch", "-D", "feat/it's");
  repo.git("switch", "-q", "main");
  repo.git("rm", "-q", "--cached", "states/workflow.yml");
  repo.git("checkout", "-q", "-f", "main");
  const file = `two words\nand "more".yml`;
  repo.write(file, WORKFLOW.replace("next: check", "next: done"));
  const said = cli(repo, "backtest", "--workflow", file, "--json");
  expect(read(said).differences.map(({ branch }) => branch)).toEqual(["feat/it's", "feat/it's"]);
  expect(read(said)).toMatchObject({ same: 2, unjudged: 1 });
  expect(cli(repo, "backtest", "--workflow", file).out).toContain("check may not follow build (legal: done)");

  repo.git("config", "core.bare", "true");
  const bare = cli(repo, "-C", ".git", "backtest", "--json");
  expect(read(bare)).toMatchObject({ differences: [], same: 4 });
});
