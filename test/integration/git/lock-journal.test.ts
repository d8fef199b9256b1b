/** Locks of killed gits are removed without a person, and those of others stay. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Branch, Ref, Sha } from "../../../src/core/protocol/ids.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import type { LockPlan } from "../../../src/git/lock-plan.ts";
import { recoverLocks } from "../../../src/git/recover-locks.ts";
import { branchKey } from "../../../src/git/swap-refs.ts";
import { thisOwner } from "../../../src/process/process-identity.ts";
import { environmentOf, run } from "../../support/run-runner.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

/** A process that has ended. */
function deadOwner(): object {
  const { pid } = spawnSync(process.execPath, ["-e", "0"]);
  return { ...thisOwner(), pid, started: "1" };
}

function makeAsked(): Repo {
  const repo = makeRepo({ "states/work": '#!/bin/sh\necho state=done >> "$TRAILHAND_OUTPUT"\n' });
  repo.git("switch", "-qc", "topic");
  repo.request("feat: a thing\n\nState: work\n");
  repo.git("switch", "-q", "main");
  return repo;
}

async function journalOf(repo: Repo): Promise<string> {
  const { cache } = await openWorkspace(repo.dir, environmentOf(repo));
  mkdirSync(cache.locks, { recursive: true });
  return cache.locks;
}

async function leaveEntry(repo: Repo, plan: LockPlan, owner = deadOwner(), mark = "gone"): Promise<string> {
  const file = join(await journalOf(repo), "left.json");
  writeFileSync(file, JSON.stringify({ owner, mark, plan }));
  return file;
}

/** A lock that is old enough to be removed at once. */
function leaveLock(repo: Repo, name: string, text: string): string {
  const path = join(repo.dir, ".git", name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  const past = Date.now() / 1000 - 60;
  utimesSync(path, past, past);
  return path;
}

const stateOf = (repo: Repo) =>
  repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim();
const LEASE = `refs/trailhand/leases/${branchKey("topic" as Branch)}`;

describe("after a git of a killed runner, the next run removes", () => {
  it.each([
    ["an empty lock of a ref", `${LEASE}.lock`, "", `${"a".repeat(40)}\n`],
    ["a half written lock of a ref", `${LEASE}.lock`, "aaaa", `${"a".repeat(40)}\n`],
    ["a lock of a ref that was to be deleted", `${LEASE}.lock`, "", ""],
    ["the lock of packed refs", "packed-refs.lock", "", ""],
    ["a list of packed refs", "packed-refs.new", "# pack-refs", undefined],
    ["the lock of HEAD", "HEAD.lock", "", ""],
  ])("%s", async (_, name, text, planned) => {
    const repo = makeAsked();
    repo.git("pack-refs", "--all");
    const path = leaveLock(repo, name, text);
    const entry = await leaveEntry(repo, { locks: [{ path, text: planned }] });
    await recoverLocks((await openWorkspace(repo.dir, environmentOf(repo))).location);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(entry)).toBe(false);
  });

  it("a lock in the way of a swap, while it runs", async () => {
    const repo = makeAsked();
    const path = leaveLock(repo, `${LEASE}.lock`, "");
    await leaveEntry(repo, { locks: [{ path, text: "" }] });
    const { events } = await run(repo);
    expect(events.map(({ kind }) => kind)).toEqual(["claimed", "answered"]);
    expect(readdirSync(await journalOf(repo))).toEqual([]);
  });

  it("a lock that is only just there, once it is older", async () => {
    const repo = makeAsked();
    const path = leaveLock(repo, `${LEASE}.lock`, "");
    utimesSync(path, new Date(), new Date());
    await leaveEntry(repo, { locks: [{ path, text: "" }] });
    await recoverLocks((await openWorkspace(repo.dir, environmentOf(repo))).location);
    expect(existsSync(path)).toBe(false);
  });

  it("a lock that is older than the start of this machine", async () => {
    const repo = makeAsked();
    const path = leaveLock(repo, "refs/heads/topic.lock", "");
    utimesSync(path, 1000, 1000);
    await run(repo);
    expect(stateOf(repo)).toBe("done");
  });
});

describe("a transaction whose git was killed", () => {
  const refs = ["refs/heads/topic", "refs/heads/other", "refs/trailhand/leases/x"] as const;

  /** Three refs to move: two to another commit, and one to delete. `done` of them are moved. */
  async function leaveHalf(
    done: number,
  ): Promise<{ repo: Repo; values: () => string[]; first: Sha; next: Sha }> {
    const repo = makeAsked();
    const first = repo.git("rev-parse", "topic") as Sha;
    const next = repo.gitIn("next\n", "commit-tree", "-p", first, "-F", "-", `${first}^{tree}`) as Sha;
    for (const ref of refs) repo.git("update-ref", ref, first);
    const updates = refs.map((ref, at) => ({
      ref: ref as Ref,
      expected: first,
      next: at === 2 ? null : next,
    }));
    for (const ref of refs.slice(0, done)) repo.git("update-ref", ref, next);
    const locks = refs.slice(done).map((ref, at) => ({
      path: leaveLock(repo, `${ref}.lock`, at + done === 2 ? "" : `${next}\n`),
      text: at + done === 2 ? "" : `${next}\n`,
    }));
    await leaveEntry(repo, { locks, updates });
    const values = () => refs.map((ref) => repo.git("for-each-ref", "--format=%(objectname)", ref));
    return { repo, values, first, next };
  }
  const recover = async (repo: Repo) =>
    recoverLocks((await openWorkspace(repo.dir, environmentOf(repo))).location);

  it("before the first ref moves nothing", async () => {
    const { repo, values, first } = await leaveHalf(0);
    await recover(repo);
    expect(values()).toEqual([first, first, first]);
  });

  it.each([1, 2])("after %i of three refs is finished", async (done) => {
    const { repo, values, next } = await leaveHalf(done);
    await recover(repo);
    expect(values()).toEqual([next, next, ""]);
  });

  it("stays as it is when another process moved one of the refs since", async () => {
    const { repo, values, first, next } = await leaveHalf(1);
    const main = repo.git("rev-parse", "main");
    rmSync(join(repo.dir, ".git/refs/heads/other.lock"));
    repo.git("update-ref", "refs/heads/other", main);
    await recover(repo);
    expect(values()).toEqual([next, main, first]);
  });
});

describe("a lock stays", () => {
  it.each([
    ["with another text than the killed git would write", "bbbb", deadOwner(), "gone"],
    ["of a process that is alive", "", thisOwner(), "gone"],
  ])("%s", async (_, text, owner, mark) => {
    const repo = makeAsked();
    const path = leaveLock(repo, `${LEASE}.lock`, text);
    await leaveEntry(repo, { locks: [{ path, text: `${"a".repeat(40)}\n` }] }, owner, mark);
    await recoverLocks((await openWorkspace(repo.dir, environmentOf(repo))).location);
    expect(existsSync(path)).toBe(true);
  });

  it("while a git of the dead process is alive", async () => {
    const repo = makeAsked();
    const child = spawn(process.execPath, ["-e", "process.stdout.write('up'); setInterval(() => {}, 1000)"], {
      env: { ...process.env, TRAILHAND_LOCKS: "alive" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    const path = leaveLock(repo, `${LEASE}.lock`, "");
    const entry = await leaveEntry(repo, { locks: [{ path, text: "" }] }, deadOwner(), "alive");
    await recoverLocks((await openWorkspace(repo.dir, environmentOf(repo))).location);
    expect(existsSync(path)).toBe(true);
    expect(existsSync(entry)).toBe(true);
  });

  it("that nothing was written down about", async () => {
    const repo = makeAsked();
    const path = leaveLock(repo, "index.lock", "");
    await run(repo);
    expect(existsSync(path)).toBe(true);
  });
});

it.each(["", "{", "[]", '{"owner":{},"mark":"x","plan":{"locks":[{"path":1}],"moves":[]}}'])(
  "an entry with the text %j is removed, and holds nothing up",
  async (text) => {
    const repo = makeAsked();
    writeFileSync(join(await journalOf(repo), "left.json"), text);
    await run(repo);
    expect(stateOf(repo)).toBe("done");
    const { location } = await openWorkspace(repo.dir, environmentOf(repo));
    await recoverLocks(location);
    expect(readdirSync(await journalOf(repo))).toEqual([]);
  },
);

it("a cache that cannot be written stops no command", async () => {
  const repo = makeAsked();
  writeFileSync(repo.cache, "a file in the place of the cache");
  const { repository } = await openWorkspace(repo.dir, environmentOf(repo));
  const next = repo.git("rev-parse", "main") as Sha;
  const swap = await repository.swap([{ ref: "refs/heads/new" as Ref, expected: null, next }], "a test");
  expect(swap.kind).toBe("landed");
});

describe("a checkout that git moved half", () => {
  interface Half {
    readonly repo: Repo;
    readonly plan: LockPlan;
  }

  /** A checkout at `from`, with a clean index, whose branch is at `to`, and a follow that is due. */
  function makeHalf(): Half {
    const repo = makeRepo({
      "changed.txt": "one\n",
      "gone.txt": "gone\n",
      "dir/deep.txt": "deep\n",
      "states/work": "#!/bin/sh\ntrue\n",
    });
    repo.git("switch", "-qc", "topic");
    const from = repo.git("rev-parse", "HEAD") as Sha;
    repo.write("changed.txt", "one\ntwo\nthree\n");
    repo.write("dir/deep.txt", "another\n");
    repo.write("added.txt", "added\n");
    rmSync(join(repo.dir, "gone.txt"));
    const to = repo.commit("the answer") as Sha;
    repo.git("reset", "-q", "--hard", from);
    repo.git("update-ref", "refs/heads/topic", to);
    repo.git("update-ref", `refs/trailhand/follow/${branchKey("topic" as Branch)}`, from);
    const gitDir = join(repo.dir, ".git");
    return {
      repo,
      plan: { locks: [{ path: join(gitDir, "index.lock") }], moves: [{ dir: repo.dir, gitDir, from, to }] },
    };
  }

  it.each([
    ["after nothing", () => undefined],
    ["inside a changed file", (repo: Repo) => repo.write("changed.txt", "one\ntw")],
    ["after a file was emptied", (repo: Repo) => repo.write("changed.txt", "")],
    ["after a file was removed", (repo: Repo) => rmSync(join(repo.dir, "changed.txt"))],
    [
      "after some files",
      (repo: Repo) => {
        rmSync(join(repo.dir, "gone.txt"));
        repo.write("added.txt", "added\n");
        repo.write("dir/deep.txt", "anot");
      },
    ],
  ])("%s, goes on", async (_, change) => {
    const { repo, plan } = makeHalf();
    change(repo);
    leaveLock(repo, "index.lock", "DIRC");
    await leaveEntry(repo, plan);
    await run(repo);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(repo.git("for-each-ref", "refs/trailhand/follow")).toBe("");
    expect(existsSync(join(repo.dir, ".git/index.lock"))).toBe(false);
  });

  it("keeps what a person wrote meanwhile", async () => {
    const { repo, plan } = makeHalf();
    repo.write("changed.txt", "mine\n");
    repo.write("dir/deep.txt", "anot");
    await leaveEntry(repo, plan);
    await run(repo);
    expect(repo.git("diff", "--name-only", `${plan.moves?.[0]?.from}`).split("\n")).toEqual(["changed.txt"]);
    expect(repo.git("for-each-ref", "refs/trailhand/follow")).not.toBe("");
  });

  it("keeps a file that a person emptied, when no git was killed", async () => {
    const { repo } = makeHalf();
    repo.write("changed.txt", "");
    await run(repo);
    expect(repo.git("status", "--porcelain", "--", "changed.txt")).not.toBe("");
    expect(repo.git("for-each-ref", "refs/trailhand/follow")).not.toBe("");
  });

  it("follows although the times of its files changed", async () => {
    const { repo } = makeHalf();
    utimesSync(join(repo.dir, "changed.txt"), 1000, 1000);
    await run(repo);
    expect(repo.git("status", "--porcelain")).toBe("");
  });
});
