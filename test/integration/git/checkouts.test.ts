/** A checkout follows its branch in every kind of repository, and no local file is overwritten. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage } from "../../support/run-hostile-script.ts";

const FILES = { "states/work": '#!/bin/sh\necho x > work.txt\necho state=done >>"$TRAILHAND_OUTPUT"\n' };

function makeAsked(): Repo {
  const repo = makeRepo(FILES);
  repo.git("switch", "-q", "-c", "topic");
  repo.request("do it\n\nState: work\n");
  return repo;
}

async function expectFollowed(repo: Repo, dirs: readonly string[] = [repo.dir]): Promise<void> {
  const { events } = await run(repo);
  expect(events.map(({ kind }) => kind)).toEqual(["claimed", "answered"]);
  for (const dir of dirs) {
    expect(readFileSync(join(dir, "work.txt"), "utf8")).toBe("x\n");
    expect(git(dir, ["status", "--porcelain"])).toBe("");
  }
  expect(leftovers(repo)).toEqual([]);
}

describe("a local file that git ignores", () => {
  const ADD = (path: string) => `mkdir -p "$(dirname ${path})"; echo answer > ${path}; git add -f ${path}`;

  it.each([
    { mine: "secret.env", added: "secret.env" },
    { mine: "ignored", added: "ignored/below" },
    { mine: "ignored/below", added: "ignored" },
  ])(
    "$mine is kept, and an answer that adds $added waits until the file is removed",
    async ({ mine, added }) => {
      const one = makeStage(ADD(added), { files: { ".gitignore": "*.env\nignored\n" } });
      const { repo } = one;
      repo.git("switch", "-q", "topic");
      repo.write(mine, "mine\n");
      const { events } = await runStage(one);
      expect(readFileSync(join(repo.dir, mine), "utf8")).toBe("mine\n");
      expect(events.at(-1)).toMatchObject({ kind: "blocked" });
      expect(repo.git("rev-parse", "topic")).toBe(one.request);
      rmSync(join(repo.dir, mine.split("/")[0] ?? ""), { recursive: true });
      await runStage(one);
      expect(answerOf(one).state).toBe("done");
      expect(readFileSync(join(repo.dir, added), "utf8")).toBe("answer\n");
    },
  );

  it("does not delay an answer that only adds files to its folder", async () => {
    const one = makeStage("echo answer > folder/new; rm -r gone; echo file > gone", {
      files: { ".gitignore": "*.env\n", "folder/old": "old\n", "gone/file": "old\n" },
    });
    one.repo.git("switch", "-q", "topic");
    one.repo.write("folder/my.env", "mine\n");
    await runStage(one);
    expect(answerOf(one).state).toBe("done");
    expect(readFileSync(join(one.repo.dir, "folder/my.env"), "utf8")).toBe("mine\n");
    expect(readFileSync(join(one.repo.dir, "gone"), "utf8")).toBe("file\n");
  });
});

describe("the main worktree", () => {
  it("follows in a submodule, whose core.worktree is relative", async () => {
    const inner = makeAsked();
    inner.git("switch", "-q", "main");
    const outer = makeRepo();
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.dir, "sub");
    const sub = repoAt(join(outer.dir, "sub"));
    sub.git("switch", "-q", "topic");
    expect(sub.git("config", "core.worktree")).toMatch(/^\.\./);
    await expectFollowed(sub);
  });

  it("follows when a run starts in a linked worktree of a submodule with per-worktree settings", async () => {
    const inner = makeAsked();
    inner.git("switch", "-q", "main");
    const outer = makeRepo();
    outer.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.dir, "sub");
    const sub = repoAt(join(outer.dir, "sub"));
    sub.git("switch", "-q", "topic");
    sub.git("sparse-checkout", "init", "--cone");
    sub.git("sparse-checkout", "disable");
    const linked = `${outer.dir}-linked`;
    sub.git("worktree", "add", "-q", linked, "main");
    const { events } = await run(repoAt(linked));
    expect(events.map(({ kind }) => kind)).toEqual(["claimed", "answered"]);
    expect(existsSync(join(sub.dir, "work.txt"))).toBe(true);
    expect(sub.git("status", "--porcelain")).toBe("");
  });

  it("does not exist in a bare repository, whose linked worktree follows", async () => {
    const source = makeAsked();
    const project = join(temporaryDir(), "project");
    mkdirSync(project);
    source.git("switch", "-q", "main");
    git(project, ["clone", "-q", "--bare", source.dir, ".git"]);
    git(join(project, ".git"), ["worktree", "add", "-q", "../topic", "topic"]);
    git(join(project, ".git"), ["symbolic-ref", "HEAD", "refs/heads/topic"]);
    const linked = repoAt(join(project, "topic"));
    await expectFollowed(linked);
  });
});

describe("linked worktrees", () => {
  it("of the same branch all follow", async () => {
    const repo = makeAsked();
    const second = `${repo.dir}-second`;
    repo.git("worktree", "add", "-q", "--force", second, "topic");
    await expectFollowed(repo, [repo.dir, second]);
  });

  it("are left untouched if another clone has taken their path", async () => {
    const repo = makeAsked();
    repo.git("switch", "-q", "main");
    const place = `${repo.dir}-linked`;
    repo.git("worktree", "add", "-q", place, "topic");
    renameSync(place, `${place}-old`);
    git(repo.dir, ["clone", "-q", "-b", "topic", repo.dir, place]);
    const before = git(place, ["rev-parse", "HEAD"]);
    git(place, ["config", "core.bare", "false"]);
    writeFileSync(join(place, ".git/objects/info/alternates"), join(repo.dir, ".git/objects\n"));
    await run(repo);
    expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim()).toBe("done");
    expect(git(place, ["rev-parse", "HEAD"])).toBe(before);
    expect(git(place, ["status", "--porcelain"])).toBe("");
  });
});
