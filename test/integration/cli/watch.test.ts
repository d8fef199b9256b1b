import { execFileSync, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli, cliStart, introduce, listen } from "../../support/run-cli.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

const STATE = '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n';
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function watch(repo: ReturnType<typeof makeRepo>, env: Record<string, string> = {}) {
  const child = cliStart(repo, env, "run", "--watch", "--grace", "200ms");
  started.push(child);
  return listen(child);
}

/** A git wrapper that logs each start, so that a test can count git processes. */
function countingGit(): { env: Record<string, string>; count: () => number } {
  const bin = temporaryDir();
  const log = join(bin, "log");
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  writeFileSync(join(bin, "git"), `#!/bin/sh\necho x >>"${log}"\nexec ${real} "$@"\n`);
  chmodSync(join(bin, "git"), 0o755);
  return {
    env: { PATH: `${bin}:${process.env["PATH"]}` },
    count: () => (existsSync(log) ? readFileSync(log, "utf8").length / 2 : 0),
  };
}

test("a commit wakes the runner, and SIGINT ends it", async () => {
  const repo = introduce(makeRepo({ "states/work": STATE }));
  const watching = watch(repo);
  repo.git("switch", "-qc", "feat/deep/er");
  repo.request("do it\n\nState: work\n");
  await until("the answer", () => watching.said().includes("feat/deep/er: work → done"));
  repo.request("again\n\nState: work\n");
  await until("the second answer", () => watching.said().split("work → done").length === 3);
  repo.git("pack-refs", "--all");
  repo.request("and again\n\nState: work\n");
  await until("the third answer", () => watching.said().split("work → done").length === 4);
  watching.child.kill("SIGINT");
  expect(await watching.exited).toBe(130);
});

test("an idle runner starts no git process", async () => {
  const repo = introduce(makeRepo({ "states/work": STATE }));
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  const { env, count } = countingGit();
  const watching = watch(repo, env);
  await until("the answer", () => watching.said().includes("work → done"));
  // 1.5 seconds are sixty times the pause between a wake-up and its scan.
  await until("a second and a half without a git", async () => {
    const before = count();
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    return count() === before;
  });
  expect(count()).toBeGreaterThan(0);
});

test("SIGTERM during a script saves its work and releases the request", async () => {
  const repo = introduce(
    makeRepo({
      "states/work": '#!/bin/sh\ntouch half; touch "$XDG_CACHE_HOME/started"; sleep 600\n',
      "states/workflow.yml": "states:\n  work: {next: done}\n",
    }),
  );
  repo.git("switch", "-qc", "feat/x");
  repo.request("do it\n\nState: work\n");
  const watching = watch(repo);
  await until("the script", () => existsSync(join(repo.cache, "started")));
  watching.child.kill("SIGTERM");
  expect(await watching.exited).toBe(143);
  expect(watching.said()).toContain("the runner was stopped");
  expect(
    repo.git(
      "ls-tree",
      "--name-only",
      repo.git("for-each-ref", "--format=%(objectname)", "refs/trailhand/salvage"),
    ),
  ).toContain("half");
  expect(repo.git("worktree", "list").split("\n")).toHaveLength(1);
  const [row] = JSON.parse(cli(repo, "status", "--json").out).branches;
  expect(row).toMatchObject({ branch: "feat/x", state: "work", turn: "runner" });
});
