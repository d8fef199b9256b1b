/** The pack `factory` end to end: sorting, the gate, the list for people, the digest and the alarm. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { cli } from "../../support/run-cli.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import {
  ask,
  changedOn,
  headOf,
  packRepo,
  statesOn,
  useAgent,
  usePrograms,
} from "../../support/pack-fixture.ts";

let repo: Repo;
beforeEach(() => {
  repo = packRepo("factory", { Makefile: "test:\n" });
  repo.git("config", "user.name", "Ann");
  repo.git("config", "user.email", "ann@example.com");
  usePrograms({ make: "touch left; ! grep -l broken *.txt" });
});

const GOOD = 'case $TRAILHAND_STATE in write) echo x >page.md ;; *) echo x >"$TRAILHAND_STATE.txt" ;; esac';

/** Runs a script of the pack like cron. */
function cron(name: string, ...args: string[]): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(join(repo.dir, "states/factory", name), args, {
    cwd: repo.dir,
    encoding: "utf8",
  });
  return { code: status, output: stdout + stderr };
}

describe("factory", () => {
  it("sorts each piece, checks it, and lists it for people", async () => {
    useAgent(GOOD);
    ask(repo, "a", "fix: it crashes\n\nOn start.\n\nState: inbox\n");
    ask(repo, "b", "It should sing\n\nLoudly.\n\nLabel: feature\nState: inbox\n");
    ask(repo, "c", "docs(api): say how\n\nIn short.\n\nState: inbox\n");
    ask(repo, "d", "Something is odd\n\nNobody knows.\n\nState: inbox\n");
    ask(repo, "e", "fix: it\n\nState: inbox\n");
    await run(repo);
    expect(statesOn(repo, "a")).toEqual(["inbox", "fix", "gate", "approve"]);
    expect(statesOn(repo, "b")).toEqual(["inbox", "build", "gate", "approve"]);
    expect(statesOn(repo, "c")).toEqual(["inbox", "write", "gate", "approve"]);
    for (const name of ["d", "e"]) expect(statesOn(repo, name)).toEqual(["inbox", "describe"]);
    expect(changedOn(repo, "a")).toEqual(["fix.txt"]);
    expect(headOf(repo, "a")).toContain("gate: 1 lines, passed");
    const list = cli(repo, "status", "--needs-me").out;
    for (const name of ["a", "b", "c", "d", "e"]) expect(list).toMatch(new RegExp(`^${name}\\b`, "m"));

    expect(cron("daily").code).toBe(0);
    await run(repo);
    const digest = headOf(repo, "digest");
    expect(digest).toMatch(/^digest: 5 branches, 5 need a person$/m);
    expect(digest).toMatch(/^ +3 approve\n +2 describe$/m);
    expect(digest).toMatch(/^- d: describe, /m);
  });

  it("rejects with all reasons, at most three times", async () => {
    useAgent(`if grep -q 'lines changed; at most 400 are allowed' "$prompt" && grep -q 'The end of their log' "$prompt"; then
  git rm -q --cached big.txt 2>/dev/null; rm -f big.txt; echo good >fix.txt
else
  seq 500 >big.txt; echo broken >fix.txt
fi`);
    ask(repo, "a", "fix: it crashes\n\nOn start.\n\nState: inbox\n");
    await run(repo);
    expect(statesOn(repo, "a")).toEqual(["inbox", "fix", "gate", "fix", "gate", "approve"]);
    expect(changedOn(repo, "a")).toEqual(["fix.txt"]);
    useAgent("echo 'test:' >>Makefile");
    ask(repo, "b", "fix: the tests\n\nThey fail.\n\nState: inbox\n");
    await run(repo);
    expect(statesOn(repo, "b").filter((state) => state === "fix")).toHaveLength(3);
    expect(headOf(repo, "b")).toContain("State: parked");
    expect(headOf(repo, "b")).toContain("An agent may not change these paths:\n\nMakefile");
  });

  it("raises the alarm when the digest is missing, old, or requested but not written", async () => {
    expect(cron("alarm")).toEqual({
      code: 1,
      output: expect.stringContaining("no digest was written") as string,
    });
    cron("daily");
    cron("daily");
    expect(repo.git("rev-list", "--count", "main..digest")).toBe("1");
    expect(cron("alarm").code).toBe(1);
    await run(repo);
    expect(cron("alarm")).toEqual({ code: 0, output: "" });
    expect(cron("alarm", "26", "digest").code).toBe(0);
    // The same digest, 36 hours ago.
    const old = new Date(Date.now() - 36 * 3_600_000).toISOString();
    const env = { ...process.env, GIT_COMMITTER_DATE: old };
    spawnSync("git", ["-C", repo.dir, "switch", "-q", "digest"]);
    spawnSync("git", ["-C", repo.dir, "commit", "-q", "--amend", "--no-edit", "--allow-empty"], { env });
    expect(cron("alarm")).toEqual({ code: 1, output: expect.stringContaining("is 36 hours old") as string });
    cron("daily");
    await run(repo);
    expect(cron("alarm").code).toBe(0);
  });

  it("requests the digest at a remote, on top of the last one there", () => {
    const remote = `${repo.dir}.git`;
    repo.git("clone", "-q", "--bare", repo.dir, remote);
    expect(cron("daily", remote).code).toBe(0);
    const first = repo.git("rev-parse", "digest");
    expect(repo.git("ls-remote", remote, "digest")).toContain(first);
    // A runner answers at the remote; this clone has not fetched it yet.
    const done = repo.gitIn(
      "done\n\nState: done\nBranch: digest\n",
      "commit-tree",
      "-p",
      first,
      "-F",
      "-",
      `${first}^{tree}`,
    );
    repo.git("push", "-q", remote, `${done}:refs/heads/digest`);
    expect(cron("daily", remote).code).toBe(0);
    expect(repo.git("rev-parse", "digest~1")).toBe(done);
    expect(repo.git("ls-remote", remote, "digest")).toContain(repo.git("rev-parse", "digest"));
  });
});
