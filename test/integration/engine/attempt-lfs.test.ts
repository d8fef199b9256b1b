/** Attempts in a repository of the real git-lfs: pointers stay pointers, and their content arrives. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, isStored, quarantined } from "../../support/attempt-stage.ts";
import { oidOf } from "../../support/lfs-server.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";
import { git, repoAt, temporaryDir } from "../../support/temp-repo.ts";

const OLD = "the old large content\n";
const NEW = "the new large content\n";
const ALLOWED = "filters: [lfs]\nstates:\n  work: { next: done, retries: 0 }\n";

/** A stage whose branch `topic` has `a.bin` and `b.bin`, which git-lfs stores. */
function makeLfs(script: string, { filters = true, lfsconfig = "" } = {}): Stage {
  const stage = makeStage(script, filters ? { workflow: ALLOWED } : {});
  const { repo } = stage;
  repo.git("lfs", "install", "--local");
  repo.git("checkout", "-q", "topic");
  repo.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
  repo.write("a.bin", OLD);
  repo.write("b.bin", "another one\n");
  if (lfsconfig !== "") repo.write(".lfsconfig", lfsconfig);
  const request = repo.commit("add large files\n\nState: work\n");
  repo.git("checkout", "-q", "main");
  return { ...stage, request };
}

const placeOf = (content: string): string => {
  const oid = oidOf(content);
  return join(oid.slice(0, 2), oid.slice(2, 4), oid);
};

const storedAt = (dir: string, content: string): string => join(dir, "lfs/objects", placeOf(content));

const oidIn = ({ repo }: Stage, path: string, commit = "topic"): string =>
  /sha256:([0-9a-f]+)/.exec(repo.git("show", `${commit}:${path}`))?.[1] ?? "";

const changedIn = ({ repo, request }: Stage): string[] =>
  repo.git("diff", "--name-only", request, "topic").split("\n").filter(Boolean);

describe("with filters: [lfs]", () => {
  it("gives a script the content, and leaves untouched files as they are", async () => {
    const stage = makeLfs(
      `grep -q 'old large' a.bin; git status --porcelain > $OUT/status; touch b.bin; echo x > x.txt`,
    );
    await expectDone(stage);
    expect(readFileSync(join(stage.outside, "status"), "utf8")).toBe("");
    expect(changedIn(stage)).toEqual(["x.txt"]);
    expect(oidIn(stage, "a.bin")).toBe(oidOf(OLD));
  });

  const write = `printf '${NEW.replace("\n", "\\n")}' > a.bin`;

  it.each([
    ["leaves", write],
    ["commits", `${write}; git add a.bin; git commit -qm large`],
    ["commits, and leaves another file,", `${write}; git commit -qam large; echo x > x.bin`],
    [
      "commits under another name",
      `git mv a.bin c.bin; printf '${NEW.replace("\n", "\\n")}' > a.bin; git add .; git commit -qm large`,
    ],
  ])("stores content that a script %s in the person's store, which their push sends", async (_, script) => {
    const stage = makeLfs(`set -e; ${script}`);
    const { repo } = stage;
    await expectDone(stage);
    expect(oidIn(stage, "a.bin")).toBe(oidOf(NEW));
    expect(isStored(repo, NEW)).toBe(false);
    expect(readFileSync(storedAt(join(repo.dir, ".git"), NEW), "utf8")).toBe(NEW);
    const remote = join(temporaryDir(), "remote.git");
    git(repo.dir, ["init", "-q", "--bare", remote]);
    repo.git("remote", "add", "origin", `file://${remote}`);
    repo.git("push", "-q", "origin", "topic");
    expect(readFileSync(storedAt(remote, NEW), "utf8")).toBe(NEW);
  });

  it("takes over the content of each commit, also where a later one replaces it", async () => {
    const stage = makeLfs(
      `set -e; echo first > a.bin; git commit -qam one; echo second > a.bin; git commit -qam two`,
    );
    await expectDone(stage);
    for (const content of ["first\n", "second\n"])
      expect(existsSync(storedAt(join(stage.repo.dir, ".git"), content))).toBe(true);
  });

  it("lets a script revert to a pointer whose content is not on this machine", async () => {
    const stage = makeLfs("GIT_LFS_SKIP_SMUDGE=1 git revert --no-edit HEAD~1");
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    repo.write("a.bin", NEW);
    repo.commit("replace the content");
    const request = repo.request("again\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    rmSync(storedAt(join(repo.dir, ".git"), OLD));
    await expectDone({ ...stage, request });
    expect(oidIn(stage, "a.bin")).toBe(oidOf(OLD));
  });

  it.each([
    [
      "a pointer to content that is nowhere",
      "printf 'version https://git-lfs.github.com/spec/v1\\noid sha256:%064d\\nsize 5\\n' 1 > a.bin",
    ],
    [
      "a pointer whose content has another hash",
      `${write}; git commit -qam large; f=.git/lfs/objects/$OBJECT; chmod u+w $f; printf '${"x".repeat(NEW.length)}' > $f`,
    ],
    [
      "a pointer whose content is behind a link",
      `${write}; git add a.bin; mv .git/lfs $OUT/lfs; ln -s $OUT/lfs .git/lfs; git commit -qm large`,
    ],
  ])("fails an attempt that leaves %s", async (_, script) => {
    const stage = makeLfs(script.replaceAll("$OBJECT", placeOf(NEW)));
    const { message } = await expectFailed(stage, "that content is not there");
    expect(message).toContain("a.bin is a pointer of git-lfs");
  });

  it("fails an attempt that commits content as it is, and publishes it nowhere", async () => {
    const stage = makeLfs(
      "echo 'raw content' > a.bin; git -c filter.lfs.required=false -c filter.lfs.clean= -c filter.lfs.process= commit -qam raw",
    );
    const { message } = await expectFailed(stage, "its commits hold a.bin as it is");
    expect(message).toContain('"lfs"');
    expect(isStored(stage.repo, "raw content")).toBe(false);
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it.each([
    ["leaves", "echo kept > a.bin; exit 1"],
    ["commits", "echo kept > a.bin; git commit -qam large; exit 1"],
  ])("saves content that a failed script %s", async (_, script) => {
    const stage = makeLfs(script);
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(oidIn(stage, "a.bin", saved[0])).toBe(oidOf("kept\n"));
    expect(existsSync(storedAt(join(stage.repo.dir, ".git"), "kept\n"))).toBe(true);
    expect(quarantined(stage.repo)).toEqual([]);
  });

  it("fails before the script when the content cannot be fetched", async () => {
    const stage = makeLfs("touch $OUT/started");
    const { repo } = stage;
    rmSync(join(repo.dir, ".git/lfs"), { recursive: true });
    const remote = join(temporaryDir(), "remote.git");
    git(repo.dir, ["init", "-q", "--bare", remote]);
    repo.git("remote", "add", "origin", `file://${remote}`);
    await expectFailed(stage, "git-lfs could not be fetched");
    expect(existsSync(join(stage.outside, "started"))).toBe(false);
  });

  it("fails before the script when there is neither the content nor a remote", async () => {
    const stage = makeLfs("touch $OUT/started");
    rmSync(join(stage.repo.dir, ".git/lfs"), { recursive: true });
    await expectFailed(stage, "could not be checked out");
    expect(existsSync(join(stage.outside, "started"))).toBe(false);
  });

  it("fetches from the remote, and not from where the branch says", async () => {
    const evil = repoAt(join(temporaryDir(), "evil.git"));
    git(temporaryDir(), ["init", "-q", "--bare", evil.dir]);
    const stage = makeLfs("echo x > x.txt", { lfsconfig: `[lfs]\n\turl = file://${evil.dir}\n` });
    const { repo } = stage;
    const remote = join(temporaryDir(), "remote.git");
    git(repo.dir, ["init", "-q", "--bare", remote]);
    repo.git("remote", "add", "origin", `file://${remote}`);
    repo.git("-c", `lfs.url=file://${remote}`, "push", "-q", "origin", "main", "topic");
    rmSync(join(repo.dir, ".git/lfs"), { recursive: true });
    await expectDone(stage);
    expect(readFileSync(storedAt(join(repo.dir, ".git"), OLD), "utf8")).toBe(OLD);
  });
});

describe("without filters: [lfs]", () => {
  it("keeps pointers as they are when a setup program fills them in", async () => {
    const stage = makeLfs(
      `git lfs install --local > /dev/null; git lfs checkout; grep -q 'old large' a.bin; echo x > x.txt`,
      { filters: false },
    );
    await expectDone(stage);
    expect(changedIn(stage)).toEqual(["x.txt"]);
  });

  it.each([
    ["leaves", "echo 'raw content' > a.bin"],
    ["commits as it is", "echo 'raw content' > a.bin; git commit -qam raw"],
    [
      "commits through git-lfs",
      "git lfs install --local > /dev/null; echo 'raw content' > a.bin; git commit -qam large",
    ],
    [
      "commits and replaces",
      "echo 'raw content' > a.bin; git commit -qam raw; git checkout -q HEAD~1 a.bin; git commit -qam back",
    ],
  ])("fails an attempt that %s a large file, and names path, driver and key", async (_, script) => {
    const stage = makeLfs(`${script}; echo x > x.txt`, { filters: false });
    const { message } = await expectFailed(
      stage,
      'a.bin is stored through the filter "lfs", which may not run',
    );
    expect(message).toMatch(/list (?:it|lfs) under filters in states\/workflow.yml/);
    expect(isStored(stage.repo, "raw content")).toBe(false);
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it("lets a script rename a large file by git", async () => {
    const stage = makeLfs("git mv a.bin c.bin; git commit -qm rename", { filters: false });
    await expectDone(stage);
    expect(oidIn(stage, "c.bin")).toBe(oidOf(OLD));
  });
});
