/** The pack `cli-native` end to end: make, git hooks, cron and CI run the built program. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { introduce } from "../../support/run-cli.ts";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { headOf, packRepo, PACKS, ROOT, statesOn, usePrograms } from "../../support/pack-fixture.ts";

const PACK = "cli-native";
const PROGRAM = join(ROOT, "dist/trailhand.js");
const MAKEFILE = "include states/cli/trailhand.mk\ntest:\n\t@grep -q good state.txt\n";
/** A valid branch name with characters that a shell and make interpret. */
const NASTY = "feat/$(touch${IFS}owned);`id`'x";

/** Creates a project with the pack and a branch with one commit; `trailhand` is on the PATH. */
function project(branch = "feat/one", state = "good"): Repo {
  const repo = introduce(packRepo(PACK, { Makefile: MAKEFILE, "state.txt": "good\n" }));
  usePrograms({ trailhand: `exec "${process.execPath}" "${PROGRAM}" "$@"` });
  repo.git("switch", "-q", "-c", branch);
  repo.write("state.txt", `${state} now\n`);
  repo.commit("feat: one");
  return repo;
}

function sh(repo: Repo, command: string, env: Record<string, string> = {}): { code: number; output: string } {
  const options = {
    cwd: repo.dir,
    encoding: "utf8",
    env: { ...process.env, XDG_CACHE_HOME: repo.cache, ...env },
  } as const;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], options);
  return { code: status ?? -1, output: stdout + stderr };
}

function installHook(repo: Repo, name: string): void {
  const hooks = join(repo.dir, ".git/hooks");
  mkdirSync(hooks, { recursive: true });
  copyFileSync(join(repo.dir, "states/cli/hooks", name), join(hooks, name));
}

const branchOf = (repo: Repo): string => repo.git("symbolic-ref", "--short", "HEAD");
const gate = (repo: Repo, ...words: string[]): number =>
  sh(repo, `sh states/cli/gate ${words.join(" ")}`).code;

describe("make", () => {
  it.each(["feat/one", NASTY])("starts, runs and checks work on %s", (branch) => {
    const repo = project(branch);
    expect(sh(repo, "make trailhand-gate").code).toBe(2);
    expect(sh(repo, "make trailhand-start").code).toBe(0);
    expect(sh(repo, "make trailhand-gate").code).toBe(2);
    expect(sh(repo, "make trailhand-advance").code).toBe(0);
    expect(statesOn(repo, branch)).toEqual(["verify", "review"]);
    expect(sh(repo, "make trailhand-gate").code).toBe(0);
    repo.git("switch", "-q", "main");
    expect(sh(repo, "make trailhand-gate", { BRANCH: branch }).code).toBe(0);
    expect(existsSync(join(repo.dir, "owned"))).toBe(false);
  });

  it("fails when the tests fail", () => {
    const repo = project("feat/one", "bad");
    sh(repo, "make trailhand-start");
    expect(sh(repo, "make trailhand-advance").code).toBe(2);
    expect(statesOn(repo, "feat/one")).toEqual(["verify", "failed"]);
    expect(sh(repo, "make trailhand-gate").code).toBe(2);
  });
});

it("the gate has an exit code for each result", () => {
  const repo = project();
  expect(gate(repo, "nowhere")).toBe(2);
  expect(gate(repo, "main")).toBe(3);
  sh(repo, "make trailhand-start");
  expect(gate(repo, "HEAD")).toBe(75);
  sh(repo, "make trailhand-advance");
  expect([gate(repo, "HEAD"), gate(repo, "HEAD", "review")]).toEqual([75, 0]);
  expect(sh(repo, "trailhand request done").code).toBe(0);
  expect(gate(repo, "HEAD")).toBe(0);
  for (const [state, code] of [
    ["failed", 1],
    ["cancelled", 1],
    ["parked", 3],
  ] as const) {
    repo.request(`x\n\nState: ${state}\n`);
    expect(gate(repo, "HEAD")).toBe(code);
  }
});

describe("git hooks", () => {
  it.each(["feat/one", NASTY])("request the tests of a commit on %s once, and not on main", (branch) => {
    const repo = project(branch);
    installHook(repo, "post-commit");
    repo.write("more.txt", "more\n");
    expect(sh(repo, 'git add . && git commit -q -m "feat: more; $(id)"').code).toBe(0);
    expect(statesOn(repo, branch)).toEqual(["verify"]);
    expect(headOf(repo, branch)).toContain("Verify: feat: more");
    sh(repo, 'git commit -q --allow-empty -m "mine" -m "State: verify"');
    expect(headOf(repo, branch)).toMatch(/^mine\n/);
    sh(repo, "git switch -q main && git commit -q --allow-empty -m 'on main'");
    expect(headOf(repo, "main")).toBe("on main");
    expect(existsSync(join(repo.dir, "owned"))).toBe(false);
  });

  it("never block a commit, and reject a push of commits that have not passed", () => {
    const repo = project();
    installHook(repo, "pre-push");
    repo.git("init", "-q", "--bare", "../far.git");
    expect(sh(repo, "git push -q ../far.git main HEAD").code).not.toBe(0);
    expect(sh(repo, "git push -q ../far.git main").code).toBe(0);
    sh(repo, "make trailhand-start trailhand-advance");
    expect(sh(repo, "git push -q ../far.git HEAD").code).toBe(0);
    expect(sh(repo, "git push -q ../far.git :feat/one").code).toBe(0);

    installHook(repo, "post-commit");
    usePrograms({ trailhand: "exit 1" });
    expect(sh(repo, "git commit -q --allow-empty -m two").code).toBe(0);
  });
});

it("the cron line runs the work and prints nothing", () => {
  const repo = project();
  sh(repo, "make trailhand-start");
  const text = readFileSync(join(PACKS, PACK, "cli/crontab"), "utf8");
  const command = /^\*\/5 \* \* \* \* (.*)$/m.exec(text)?.[1] ?? "";
  expect(command).not.toContain("%");
  const home = temporaryDir();
  symlinkSync(repo.dir, join(home, "my-project"));
  expect(sh(repo, command, { HOME: home })).toEqual({ code: 0, output: "" });
  expect(statesOn(repo, branchOf(repo))).toEqual(["verify", "review"]);
});

describe("CI", () => {
  interface Step {
    readonly name?: string;
    readonly run?: string;
  }
  const text = readFileSync(join(PACKS, PACK, "cli/ci.yml"), "utf8");
  const { steps } = (parse(text) as { jobs: { trailhand: { steps: Step[] } } }).jobs.trailhand;

  /** Runs the job `times` times in a clone. Returns the name of the step that failed in the last one. */
  function job(branch: string, state: string, times = 1): { failed: string | undefined; repo: Repo } {
    const repo = project(branch, state);
    const clone = join(temporaryDir(), "clone");
    repo.git("switch", "-q", "main");
    repo.git("clone", "-q", repo.dir, clone);
    repo.git("-C", clone, "switch", "-q", branch);
    const env = { BRANCH: branch, EVENT: "push-1", XDG_CACHE_HOME: `${clone}.cache` };
    let failed: string | undefined;
    for (let time = 0; time < times; time++) {
      failed = steps.find(({ name, run }) => {
        if (run === undefined || name === "Install") return false;
        return sh({ ...repo, dir: clone }, `set -e\n${run}`, env).code !== 0;
      })?.name;
    }
    return { failed, repo };
  }

  it.each(["feat/one", NASTY])(
    "starts, runs and checks a push of %s, and a repeated job writes no second request",
    (branch) => {
      const { failed, repo } = job(branch, "good", 2);
      expect(failed).toBeUndefined();
      expect(statesOn(repo, branch)).toEqual(["verify", "review"]);
    },
  );

  it("fails when the tests fail", () => {
    expect(job("feat/one", "bad").failed).toBe("Advance");
  });

  it("passes values of the event in the environment, never in a script", () => {
    for (const { run = "" } of steps) expect(run).not.toContain("${{");
    expect(existsSync(join(ROOT, "dist/trailhand.js"))).toBe(true);
  });
});
