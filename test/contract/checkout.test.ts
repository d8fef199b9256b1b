/** Swaps of local git only: locks, disks, and checked-out branches. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { UserError } from "../../src/core/messages/messages.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { LocalRepository } from "../../src/git/local-repository.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { makeRepo, temporaryDir, type Repo } from "../support/temp-repo.ts";
import { environmentOf } from "../support/run-runner.ts";

const A = "refs/trailhand/test/a" as Ref;
const WORK = "work" as Branch;
const LANDED = { kind: "landed" };
const REFUSED = { kind: "refused" };

async function open(repo: Repo): Promise<LocalRepository> {
  return (await openWorkspace(repo.dir, environmentOf(repo))).repository;
}

async function withNotes(repo: Repo): Promise<{ refs: LocalRepository; shas: readonly [Sha, Sha] }> {
  const refs = await open(repo);
  return { refs, shas: [await refs.note("one\n"), await refs.note("two\n")] };
}

describe("a swap in local git", () => {
  it("is unknown while another process locks a ref", async () => {
    const repo = makeRepo();
    const { refs, shas } = await withNotes(repo);
    await refs.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    const lock = join(repo.dir, ".git", `${A}.lock`);
    writeFileSync(lock, "");
    expect(await refs.swap([{ ref: A, expected: shas[0], next: shas[1] }], "test")).toMatchObject({
      kind: "unknown",
    });
    rmSync(lock);
    expect(await refs.swap([{ ref: A, expected: shas[0], next: shas[1] }], "test")).toEqual(LANDED);
  });

  it("has landed when git wrote the refs and died before its confirmation", async () => {
    const repo = makeRepo();
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    const bin = temporaryDir();
    const hidden = `while read -r line; do [ "$line" = "commit: ok" ] && kill -9 $$; echo "$line"; done`;
    const dies = `case " $* " in *" update-ref "*) "${real}" "$@" | ${hidden} ;; *) exec "${real}" "$@" ;; esac`;
    writeFileSync(join(bin, "git"), `#!/bin/sh\n${dies}\n`, { mode: 0o755 });
    const env = { ...environmentOf(repo), PATH: `${bin}:${process.env["PATH"]}` };
    const { repository } = await openWorkspace(repo.dir, env);
    const ref = "refs/trailhand/test/dies" as Ref;
    const next = await repository.note("one\n");
    expect(await repository.swap([{ ref, expected: null, next }], "test")).toEqual({ kind: "landed" });
    expect(repo.git("rev-parse", ref)).toBe(next);
  });

  it("names the folder that cannot be written", async () => {
    const repo = makeRepo();
    const { refs, shas } = await withNotes(repo);
    writeFileSync(join(repo.dir, ".git/refs/trailhand"), "in the way of a folder");
    const swap = refs.swap([{ ref: A, expected: null, next: shas[0] }], "test");
    await expect(swap).rejects.toThrow(UserError);
    await expect(swap).rejects.toThrow(
      /^Cannot write to .*\/repo: .*refs\/trailhand.* Nothing was changed\.$/,
    );
    expect((await refs.read([A])).get(A)).toBeNull();
  });

  it("does not write a missing object", async () => {
    const repo = makeRepo();
    const refs = await open(repo);
    await expect(
      refs.swap([{ ref: A, expected: null, next: "d".repeat(40) as Sha }], "test"),
    ).rejects.toThrow(UserError);
    expect((await refs.read([A])).get(A)).toBeNull();
  });
});

/** `work` is checked out, and a response to it changes one file and adds another. */
async function makeResponse(): Promise<{ repo: Repo; refs: LocalRepository; from: Sha; to: Sha }> {
  const repo = makeRepo({ "kept.txt": "kept\n", "changed.txt": "before\n" });
  repo.git("checkout", "-q", "-b", "answer");
  repo.write("changed.txt", "after\n");
  repo.write("added.txt", "added\n");
  const to = repo.commit("the answer") as Sha;
  repo.git("checkout", "-q", "-b", "work", "main");
  return { repo, refs: await open(repo), from: repo.git("rev-parse", "main") as Sha, to };
}

const text = (repo: Repo, file: string) => readFileSync(join(repo.dir, file), "utf8");
const noFollow = (repo: Repo) => expect(repo.git("for-each-ref", "refs/trailhand/follow")).toBe("");

describe("a checked-out branch", () => {
  const ref = refOf(WORK);

  it("moves together with a clean checkout", async () => {
    const { repo, refs, from, to } = await makeResponse();
    repo.write("untracked.txt", "mine\n");
    expect(await refs.swap([{ ref, expected: from, next: to }], "test")).toEqual(LANDED);
    expect(text(repo, "changed.txt")).toBe("after\n");
    expect(text(repo, "added.txt")).toBe("added\n");
    expect(repo.git("status", "--porcelain")).toBe("?? untracked.txt");
    noFollow(repo);
  });

  it("moves together with a linked worktree", async () => {
    const { repo, refs, from, to } = await makeResponse();
    repo.git("checkout", "-q", "main");
    const linked = `${repo.dir}-linked`;
    repo.git("worktree", "add", "-q", linked, "work");
    expect(await refs.swap([{ ref, expected: from, next: to }], "test")).toEqual(LANDED);
    expect(readFileSync(join(linked, "changed.txt"), "utf8")).toBe("after\n");
    expect(repo.git("-C", linked, "status", "--porcelain")).toBe("");
    expect(repo.git("status", "--porcelain")).toBe("");
  });

  it.each([
    ["an edit", (repo: Repo) => repo.write("kept.txt", "mine\n")],
    ["a staged edit", (repo: Repo) => (repo.write("kept.txt", "mine\n"), repo.git("add", "kept.txt"))],
    ["a deleted file", (repo: Repo) => rmSync(join(repo.dir, "kept.txt"))],
  ])("blocks while there is %s, and keeps it", async (_, dirty) => {
    const { repo, refs, from, to } = await makeResponse();
    dirty(repo);
    const before = repo.git("status", "--porcelain");
    const swap = await refs.swap([{ ref, expected: from, next: to }], "test");
    expect(swap).toEqual({ kind: "blocked", why: expect.stringContaining(repo.dir) as string });
    expect(await refs.blocker(WORK)).toContain("has uncommitted changes");
    expect(repo.git("rev-parse", "work")).toBe(from);
    expect(repo.git("status", "--porcelain")).toBe(before);
    noFollow(repo);
  });

  it("blocks a swap that would overwrite an untracked file, and keeps the file", async () => {
    const { repo, refs, from, to } = await makeResponse();
    repo.write("added.txt", "mine\n");
    const swap = await refs.swap([{ ref, expected: from, next: to }], "test");
    expect(swap).toMatchObject({ kind: "blocked", why: expect.stringContaining("in the way") as string });
    expect(text(repo, "added.txt")).toBe("mine\n");
    expect(repo.git("rev-parse", "work")).toBe(from);
  });

  it("blocks a swap during a rebase", async () => {
    const { repo, refs } = await makeResponse();
    repo.write("changed.txt", "mine\n");
    const from = repo.commit("my own change") as Sha;
    expect(() => repo.git("rebase", "-q", "answer")).toThrow();
    expect(repo.git("rev-parse", "work")).toBe(from);
    const next = repo.git("commit-tree", "-p", from, "-m", "an answer", `${from}^{tree}`) as Sha;
    const swap = await refs.swap([{ ref, expected: from, next }], "test");
    expect(swap).toMatchObject({ kind: "blocked", why: expect.stringContaining("rebase") as string });
    repo.git("rebase", "--abort");
    expect(await refs.swap([{ ref, expected: from, next }], "test")).toEqual(LANDED);
  });

  it("does not move if another ref of the swap is stale", async () => {
    const { repo, refs, from, to } = await makeResponse();
    const swap = await refs.swap(
      [
        { ref, expected: from, next: to },
        { ref: A, expected: to, next: null },
      ],
      "test",
    );
    expect(swap).toEqual(REFUSED);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(existsSync(join(repo.dir, "added.txt"))).toBe(false);
    noFollow(repo);
  });

  it("is followed by its checkout at the next poll after a crash", async () => {
    const { repo, from, to } = await makeResponse();
    const intent = refsOf(branchKey(WORK)).follow;
    repo.gitIn(
      `start\nupdate ${ref} ${to} ${from}\ncreate ${intent} ${from}\ncommit\n`,
      "update-ref",
      "--stdin",
    );
    expect(repo.git("status", "--porcelain")).not.toBe("");
    await (await open(repo)).listRefs();
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(text(repo, "changed.txt")).toBe("after\n");
    noFollow(repo);
  });

  it("keeps later changes of its checkout when a follow is resumed", async () => {
    const { repo, from, to } = await makeResponse();
    const intent = refsOf(branchKey(WORK)).follow;
    repo.gitIn(
      `start\nupdate ${ref} ${to} ${from}\ncreate ${intent} ${from}\ncommit\n`,
      "update-ref",
      "--stdin",
    );
    repo.write("changed.txt", "mine\n");
    await (await open(repo)).listRefs();
    expect(text(repo, "changed.txt")).toBe("mine\n");
    expect(repo.git("for-each-ref", "--format=%(objectname)", intent)).toBe(from);
    repo.git("checkout", "-q", from, "--", "changed.txt");
    await (await open(repo)).listRefs();
    expect(repo.git("status", "--porcelain")).toBe("");
    noFollow(repo);
  });

  it("drops a pending follow after its checkout moved to another branch", async () => {
    const { repo, from, to } = await makeResponse();
    const intent = refsOf(branchKey(WORK)).follow;
    repo.git("checkout", "-q", "main");
    repo.gitIn(
      `start\nupdate ${ref} ${to} ${from}\ncreate ${intent} ${from}\ncommit\n`,
      "update-ref",
      "--stdin",
    );
    await (await open(repo)).listRefs();
    noFollow(repo);
  });
});
