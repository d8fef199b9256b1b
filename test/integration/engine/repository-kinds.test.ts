/** One hand-off in every kind of repository, and on branches with unusual names. */
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { environmentOf, run } from "../../support/run-runner.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";

const VERSION = git(".", ["version"])
  .trim()
  .replace(/^git version /, "");

const FILES = {
  "states/workflow.yml": "states:\n  first: { next: second }\n  second: { next: done }\n",
  "states/first": "#!/bin/sh\necho one >> work.txt\n",
  "states/second": "#!/bin/sh\necho two >> work.txt\ngit add work.txt\ngit commit -q -m 'by hand'\n",
};

function makeSource(branch = "topic"): Repo {
  const repo = makeRepo(FILES);
  repo.git("checkout", "-q", "-b", branch);
  repo.request("feat: a thing\n\nState: first\n");
  repo.git("checkout", "-q", "main");
  return repo;
}

async function expectAnswered(repo: Repo, branch = "topic"): Promise<void> {
  const { events } = await run(repo);
  // A claim that another git process gets in the way of is repeated.
  const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== "lost");
  expect(kinds, JSON.stringify(events)).toEqual(["claimed", "answered", "claimed", "answered"]);
  const ref = `refs/heads/${branch}`;
  const states = repo
    .git("log", "--format=%(trailers:key=State,valueonly,separator=%x2C)", "-4", ref)
    .split("\n");
  expect(states).toEqual(["done", "", "second", "first"]);
  expect(repo.git("show", `${ref}:work.txt`)).toBe("one\ntwo");
  expect(leftovers(repo)).toEqual([]);
}

describe("a hand-off", () => {
  it("works in a shallow clone", async () => {
    const source = makeSource();
    const dir = join(temporaryDir(), "shallow");
    git(source.dir, ["clone", "-q", "--depth", "1", "--no-single-branch", `file://${source.dir}`, dir]);
    const repo = repoAt(dir);
    repo.git("branch", "-q", "topic", "origin/topic");
    expect(repo.git("rev-parse", "--is-shallow-repository")).toBe("true");
    await expectAnswered(repo);
  });

  it("works in a partial clone that lacks the files of the request, which are fetched before the script", async () => {
    const source = makeRepo({
      ...FILES,
      "states/first": "#!/bin/sh\ncat large.txt > work.txt\necho one > work.txt\n",
    });
    source.git("checkout", "-q", "-b", "topic");
    source.write("large.txt", "large\n");
    source.commit("feat: a thing\n\nState: first\n");
    source.git("checkout", "-q", "main");
    source.git("config", "uploadpack.allowFilter", "true");
    source.git("config", "uploadpack.allowAnySHA1InWant", "true");
    const dir = join(temporaryDir(), "partial");
    git(source.dir, ["clone", "-q", "--filter=blob:none", `file://${source.dir}`, dir]);
    const repo = repoAt(dir);
    repo.git("branch", "-q", "topic", "origin/topic");
    const missing = repo.git("rev-list", "--objects", "--missing=print", "topic").match(/^\?/gm);
    expect(missing).toHaveLength(1);
    await expectAnswered(repo);
    expect(repo.git("diff", "--name-only", "origin/topic", "topic")).toBe("work.txt");
  });

  it("works in a repository with submodules, which the person's checkout keeps", async () => {
    const library = makeRepo({ "lib.txt": "lib\n" });
    const repo = makeRepo(FILES);
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.dir, "vendor");
    repo.commit("add a submodule");
    repo.git("checkout", "-q", "-b", "topic");
    repo.request("feat: a thing\n\nState: first\n");
    await expectAnswered(repo);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(existsSync(join(repo.dir, "vendor/lib.txt"))).toBe(true);
    expect(repo.git("rev-parse", "topic:vendor")).toBe(library.git("rev-parse", "main"));
  });

  it("works in a bare repository", async () => {
    const source = makeSource();
    const dir = join(temporaryDir(), "bare.git");
    git(source.dir, ["clone", "-q", "--bare", source.dir, dir]);
    await expectAnswered(repoAt(dir));
  });

  it("works with a detached HEAD, which does not move", async () => {
    const repo = makeSource();
    repo.git("checkout", "-q", "--detach", "topic");
    const before = repo.git("rev-parse", "HEAD");
    await expectAnswered(repo);
    expect(repo.git("rev-parse", "HEAD")).toBe(before);
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("works with sha256 object names", async () => {
    const dir = join(temporaryDir(), "sha256");
    git(temporaryDir(), ["init", "-q", "-b", "main", "--object-format=sha256", dir]);
    const repo = repoAt(dir);
    for (const [path, text] of Object.entries(FILES)) repo.write(path, text, 0o755);
    repo.commit("add files");
    repo.git("checkout", "-q", "-b", "topic");
    expect(repo.request("feat: a thing\n\nState: first\n")).toHaveLength(64);
    await expectAnswered(repo);
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it("works from a linked worktree, whose checkout follows", async () => {
    const source = makeSource();
    const linked = `${source.dir}-linked`;
    source.git("worktree", "add", "-q", linked, "topic");
    mkdirSync(join(linked, "below"));
    const repo = { ...repoAt(join(linked, "below")), cache: source.cache };
    await expectAnswered(repo);
    expect(existsSync(join(linked, "work.txt"))).toBe(true);
    expect(source.git("-C", linked, "status", "--porcelain")).toBe("");
    expect(source.git("worktree", "list").split("\n")).toHaveLength(2);
  });

  it("works with packed refs and objects", async () => {
    const repo = makeSource();
    repo.git("gc", "-q");
    repo.git("pack-refs", "--all", "--prune");
    await expectAnswered(repo);
  });

  it("works with a cache behind a symbolic link", async () => {
    const repo = makeSource();
    const real = temporaryDir();
    symlinkSync(real, repo.cache);
    await expectAnswered(repo);
  });

  it.each([
    `it's"quoted"&$(x)`,
    "größe/日本語/🦊",
    "100%/%00%(refname)",
    "feature/heads/refs",
    "a--b/@/{c}",
    `long/${"x".repeat(200)}`,
    "UPPER/lower",
  ])("works on the branch %s", async (branch) => {
    await expectAnswered(makeSource(branch), branch);
  });

  it("works with a tag and a remote branch of the same name", async () => {
    const repo = makeSource();
    repo.git("tag", "topic", "main");
    repo.git("update-ref", "refs/remotes/origin/topic", "main");
    await expectAnswered(repo);
  });
});

/** The first git that keeps refs in tables. */
const TABLES: readonly [number, number] = [2, 45];

describe(`refs in tables, with git ${VERSION}`, () => {
  const [major = 0, minor = 0] = VERSION.split(".").map(Number);
  const hasTables = major > TABLES[0] || (major === TABLES[0] && minor >= TABLES[1]);

  if (hasTables) {
    it("are listed and moved, and checkouts and linked worktrees follow", async () => {
      const dir = join(temporaryDir(), "tables");
      git(temporaryDir(), ["init", "-q", "-b", "main", "--ref-format=reftable", dir]);
      const repo = repoAt(dir);
      for (const [path, text] of Object.entries(FILES)) repo.write(path, text, 0o755);
      repo.commit("add files");
      repo.git("checkout", "-q", "-b", "topic");
      repo.request("feat: a thing\n\nState: first\n");
      await expectAnswered(repo);
      expect(repo.git("status", "--porcelain")).toBe("");
      expect(existsSync(join(dir, "work.txt"))).toBe(true);
      repo.git("checkout", "-q", "main");
      const linked = `${dir}-linked`;
      repo.git("worktree", "add", "-q", "-b", "second", linked, "main");
      git(linked, ["commit", "-q", "--allow-empty", "-m", "feat: another\n\nState: first"]);
      await expectAnswered(repo, "second");
      expect(git(linked, ["status", "--porcelain"])).toBe("");
      expect(existsSync(join(linked, "work.txt"))).toBe(true);
    });
  } else {
    it("are refused with the words of this git, which is too old for them", async () => {
      const repo = makeSource();
      repo.git("config", "core.repositoryFormatVersion", "1");
      repo.git("config", "extensions.refStorage", "reftable");
      const error = await openWorkspace(repo.dir, environmentOf(repo)).catch((cause: unknown) => cause);
      expect(String(error)).toContain(`git ${VERSION} is too old for the repository ${repo.dir}`);
      expect(String(error)).toMatch(/unknown repository extension.* refstorage/);
    });
  }
});
