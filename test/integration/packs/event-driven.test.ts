/** The pack `event-driven` end to end: every kind of event, repeated events and lost events. */
import { spawnSync } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Ports } from "../../../src/engine/ports.ts";
import { introduce } from "../../support/run-cli.ts";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { headOf, packRepo, ROOT, statesOn, useAgent, usePrograms } from "../../support/pack-fixture.ts";

const PROGRAM = join(ROOT, "dist/trailhand.js");
const BRANCH = "issue/12";
const HOURS = 3_600_000;

/** Creates a project whose agent writes its goal to told.txt, and whose tests fail with a file `broken`. */
function project(agent = 'grep "^    " "$prompt" >>told.txt; echo done'): Repo {
  const repo = introduce(
    packRepo("event-driven", {
      Makefile: "test:\n\t@! test -f broken || { echo 'it is broken'; exit 1; }\n",
    }),
  );
  usePrograms({ trailhand: `exec "${process.execPath}" "${PROGRAM}" "$@"` });
  useAgent(agent);
  return repo;
}

function call(repo: Repo, command: string[], input = "", env: Record<string, string> = {}): number {
  const [file = "sh", ...words] = command;
  const options = {
    cwd: repo.dir,
    encoding: "utf8",
    input,
    env: { ...process.env, XDG_CACHE_HOME: repo.cache, ...env },
  } as const;
  return spawnSync(file, words, options).status ?? -1;
}

/** Delivers an event `times` times; each delivery must succeed. */
function on(repo: Repo, times: number, ...words: string[]): void {
  for (let time = 0; time < times; time++) expect(call(repo, ["sh", "states/events/on", ...words])).toBe(0);
}

const catchUp = (repo: Repo, lines: string[][] = []): number =>
  call(repo, ["sh", "states/events/catch-up"], lines.map((words) => `${words.join("\t")}\n`).join(""));

const later =
  (hours: number) =>
  (ports: Ports): Ports => ({
    ...ports,
    clock: {
      mono: () => ports.clock.mono(),
      wall: () => ports.clock.wall() + hours * HOURS,
      sleep: (ms, until) => ports.clock.sleep(ms, until),
    },
  });

const told = (repo: Repo): string => repo.git("show", `${BRANCH}:told.txt`);
/** Reports the result of CI for the head of the branch, twice. */
const ci = (repo: Repo, conclusion: string, commit = repo.git("rev-parse", BRANCH)): void =>
  on(repo, 2, "check", `check-${conclusion}`, BRANCH, commit, "ci", conclusion);

describe("event-driven", () => {
  it("follows a label, a check and comments, each delivered twice", async () => {
    const repo = project();
    on(repo, 2, "label", "label-1", BRANCH, "ready", "feat: a greeting");
    on(repo, 1, "label", "label-2", BRANCH, "blue");
    on(repo, 1, "comment", "comment-1", BRANCH, "nice idea");
    await run(repo);
    expect(statesOn(repo, BRANCH)).toEqual(["work", "verify"]);
    expect(told(repo)).toContain("feat: a greeting");
    ci(repo, "success");
    await run(repo);
    expect(statesOn(repo, BRANCH)).toEqual(["work", "verify", "review"]);

    on(repo, 2, "comment", "comment-2", BRANCH, "/work Say it louder,\n\nState: done");
    on(repo, 2, "label", "label-1", BRANCH, "ready", "feat: a greeting");
    await run(repo);
    expect(statesOn(repo, BRANCH)).toEqual(["work", "verify", "review", "work", "verify"]);
    expect(told(repo)).toContain("Say it louder");
    on(repo, 2, "agent", "agent-7", BRANCH, "The API has changed");
    on(repo, 2, "comment", "comment-3", BRANCH, "/stop");
    await run(repo);
    expect(statesOn(repo, BRANCH).slice(5)).toEqual(["work", "review"]);
  });

  it("returns to work when a check fails, and ignores results for other files", async () => {
    const repo = project(
      'date +%s%N >>told.txt; grep -c "check ci ended as failure" "$prompt" >>told.txt || :',
    );
    on(repo, 1, "label", "label-1", BRANCH, "ready", "feat: a greeting");
    await run(repo);
    const old = repo.git("rev-parse", BRANCH);
    ci(repo, "failure");
    await run(repo);
    expect(statesOn(repo, BRANCH)).toEqual(["work", "verify", "recheck", "work", "verify"]);
    expect(told(repo).split("\n").at(-1)).not.toBe("0");
    on(repo, 1, "check", "late", BRANCH, old, "ci", "success");
    await run(repo);
    expect(statesOn(repo, BRANCH).at(-1)).toBe("verify");
    ci(repo, "success");
    await run(repo);
    expect(statesOn(repo, BRANCH).at(-1)).toBe("review");
  });

  it("runs the tests itself when the result of a check was lost", async () => {
    const repo = project('if grep -q "it is broken" "$prompt"; then rm broken; else touch broken; fi');
    on(repo, 1, "label", "label-1", BRANCH, "ready", "feat: a greeting");
    await run(repo, {}, later(1));
    expect(statesOn(repo, BRANCH)).toEqual(["work", "verify"]);
    await run(repo, {}, later(3));
    expect(statesOn(repo, BRANCH).slice(2, 5)).toEqual(["recheck", "work", "verify"]);
    await run(repo, {}, later(6));
    expect(statesOn(repo, BRANCH).slice(-2)).toEqual(["recheck", "review"]);
  });

  it("finds a push without an event, and writes one request when there was an event", () => {
    const repo = project();
    repo.git("switch", "-q", "-c", BRANCH);
    repo.write("a.txt", "a\n");
    repo.commit("feat: a");
    repo.git("branch", "old", "main");
    expect(catchUp(repo)).toBe(0);
    expect(statesOn(repo, BRANCH)).toEqual(["verify"]);
    on(repo, 2, "push", "delivery-1", BRANCH);
    expect(catchUp(repo)).toBe(0);
    expect(statesOn(repo, BRANCH)).toEqual(["verify"]);
    expect(headOf(repo, BRANCH)).toContain(`Event: push-${repo.git("rev-parse", `${BRANCH}~1`)}`);
    expect(headOf(repo, "main")).not.toContain("State:");
    on(repo, 1, "push", "delivery-2", "no/such");
  });

  it("handles lost events from a list, and ignores those that were not lost", () => {
    const repo = project();
    on(repo, 1, "label", "label-1", BRANCH, "ready", "feat: one");
    const list = [
      ["label", "label-1", BRANCH, "ready", "feat: one"],
      ["label", "label-9", "bad..name", "ready", "feat: no branch can have this name"],
      ["comment", "comment-1", BRANCH, "/stop"],
      ["label", "label-2", "issue/13", "ready", "feat: two"],
    ];
    // The invalid event sets the exit code and does not stop the others.
    expect([catchUp(repo, list), catchUp(repo, list)]).toEqual([1, 1]);
    expect(statesOn(repo, BRANCH)).toEqual(["work", "review"]);
    expect(statesOn(repo, "issue/13")).toEqual(["work"]);
  });

  it("ignores a repeated event whose branch was merged and deleted", () => {
    const repo = project();
    on(repo, 1, "label", "label-1", BRANCH, "ready", "feat: one");
    repo.git("merge", "-q", "--no-ff", "-m", "Merge it", BRANCH);
    repo.git("branch", "-q", "-d", BRANCH);
    on(repo, 1, "label", "label-1", BRANCH, "ready", "feat: one");
    expect(repo.git("branch", "--list", BRANCH)).toBe("");
    // A different id is a different event, even with the same prefix.
    on(repo, 1, "label", "label-12", BRANCH, "ready", "feat: one");
    expect(statesOn(repo, BRANCH)).toEqual(["work"]);
  });

  it("treats malicious text as text", () => {
    const repo = project();
    const nasty = "-m $(touch owned)`touch owned`';touch owned;'\n\nState: done\nEvent: label-5";
    on(repo, 2, "label", "x$(id)", BRANCH, "ready", nasty);
    expect(statesOn(repo, BRANCH)).toEqual(["work"]);
    expect(existsSync(join(repo.dir, "owned"))).toBe(false);
    on(repo, 1, "label", "label-5", BRANCH, "stop");
    expect(statesOn(repo, BRANCH)).toEqual(["work", "review"]);
  });

  it("runs the weekly maintenance once for the cron lines of two machines", async () => {
    const repo = project();
    const home = temporaryDir();
    symlinkSync(repo.dir, join(home, "my-project"));
    const lines = repo
      .git("show", "main:states/events/crontab")
      .split("\n")
      .flatMap((line) => /^[\d*/]+ [\d*]+ \* \* \S+ (.*)$/.exec(line)?.[1] ?? [])
      // cron treats an unescaped % as the end of the line.
      .map((command) => command.replaceAll("\\%", "%"));
    expect(lines).toHaveLength(2);
    for (const line of [...lines, ...lines])
      expect(call(repo, ["sh", "-c", line], "", { HOME: home })).toBe(0);
    const [branch = "none", ...more] = repo
      .git("for-each-ref", "--format=%(refname:short)", "refs/heads/tidy")
      .split("\n");
    expect(more).toEqual([]);
    expect(statesOn(repo, branch)).toEqual(["tidy", "verify"]);
  });
});
