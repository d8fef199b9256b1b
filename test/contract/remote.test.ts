/** Polls of a real remote: their listing, their fetches, and changes during a poll. */
import { cpSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import type { RefListing } from "../../src/engine/ports.ts";
import {
  beforeGit,
  errorOf,
  addCommit,
  addBranches,
  makeRemoteFixture,
  TRANSPORTS,
  watchGit,
  type RemoteFixture,
} from "../support/remote-workspace.ts";
import { git, repoAt, temporaryDir } from "../support/temp-repo.ts";

const branchesOf = ({ heads }: RefListing) =>
  Object.fromEntries(heads.map((head) => [head.branch, head.commit]));
const tip = ({ remote }: RemoteFixture, name: string) => remote.git("rev-parse", name) as Sha;
const names = (count: number) => Array.from({ length: count }, (_, at) => `many/${at}`);

/** Calls a function once, just before git is started with this command. */
function once(command: string, act: () => void): void {
  let done = false;
  beforeGit(([first]) => {
    if (done || first !== command) return;
    done = true;
    act();
  });
}

/** True when a commit can be checked out from the cache. */
function canCheckOut(
  { location }: { readonly location: { readonly commonDir: string } },
  commit: string,
): boolean {
  return (
    repoAt(location.commonDir).git("rev-list", "--objects", "--quiet", commit, "--not", "--branches=main") ===
    ""
  );
}

describe.each(TRANSPORTS)("a poll, %s", (transport) => {
  it("without changes is one ls-remote and no fetch", async () => {
    const fixture = await makeRemoteFixture(transport);
    addCommit(fixture, "work", "first");
    const { remote } = await fixture.open();
    expect(await remote.listRefs()).toMatchObject({ target: "main", isUnchanged: false });
    fixture.server?.forget();
    const calls = watchGit();
    expect(await remote.listRefs()).toMatchObject({ target: "main", isUnchanged: true });
    expect(calls.map(({ args }) => args[0])).toEqual(["ls-remote"]);
    expect(fixture.server?.asked.map(({ kind, command }) => command ?? kind) ?? []).toEqual(
      transport === "http" ? ["info/refs", "ls-refs"] : [],
    );
  });

  it("fetches many new branches by pattern, and later only the one that moved", async () => {
    const fixture = await makeRemoteFixture(transport);
    const { remote } = await fixture.open();
    await remote.listRefs();
    addBranches(fixture, names(310));
    const calls = watchGit();
    expect((await remote.listRefs()).heads).toHaveLength(311);
    expect(calls.map(({ args }) => args[0])).toEqual(["ls-remote", "fetch"]);
    expect(calls[1]?.stdin).toContain("+refs/heads/*:refs/heads/*\n");
    const moved = addCommit(fixture, "many/7", "moved", "many/7");
    calls.length = 0;
    fixture.server?.forget();
    const listing = await remote.listRefs();
    expect(listing.isUnchanged).toBe(false);
    expect(branchesOf(listing)["many/7"]).toBe(moved);
    expect(calls.map(({ stdin }) => stdin).filter((text) => text.includes("refs/heads/"))).toEqual([
      "+refs/heads/many/7:refs/heads/many/7\n",
    ]);
    if (fixture.server) expect(fixture.server.count("git-upload-pack", "ls-refs")).toBe(2);
  });

  it("survives a force push in the middle, which the next poll reads", async () => {
    const fixture = await makeRemoteFixture(transport);
    addCommit(fixture, "work", "first");
    const { remote } = await fixture.open();
    await remote.listRefs();
    addCommit(fixture, "work", "second");
    let third = "" as Sha;
    once("fetch", () => {
      third = addCommit(fixture, "work", "third");
      fixture.remote.git("reflog", "expire", "--expire=now", "--all");
      fixture.remote.git("gc", "-q", "--prune=now");
    });
    await remote.listRefs();
    const listing = await remote.listRefs();
    expect(listing.isUnchanged).toBe(false);
    expect(branchesOf(listing)["work"]).toBe(third);
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });

  it("survives the deletion of a branch in the middle, whatever its name", async () => {
    const fixture = await makeRemoteFixture(transport);
    const { remote } = await fixture.open();
    await remote.listRefs();
    addCommit(fixture, "fix/Connection-timed-out", "first");
    const kept = addCommit(fixture, "work", "first");
    once("fetch", () => void fixture.remote.git("update-ref", "-d", "refs/heads/fix/Connection-timed-out"));
    expect(branchesOf(await remote.listRefs())["work"]).toBe(kept);
    expect(Object.keys(branchesOf(await remote.listRefs())).toSorted()).toEqual(["main", "work"]);
  });

  it("reads branch names that become folders, and back", async () => {
    const fixture = await makeRemoteFixture(transport);
    addCommit(fixture, "a", "first");
    const workspace = await fixture.open();
    expect(Object.keys(branchesOf(await workspace.remote.listRefs()))).toContain("a");
    fixture.remote.git("update-ref", "-d", "refs/heads/a");
    const below = addCommit(fixture, "a/b", "below");
    expect(branchesOf(await workspace.remote.listRefs())).toEqual({
      main: tip(fixture, "main"),
      "a/b": below,
    });
    expect(
      repoAt(workspace.location.commonDir).git("for-each-ref", "--format=%(refname)", "refs/heads/a"),
    ).toBe("refs/heads/a/b");
    fixture.remote.git("update-ref", "-d", "refs/heads/a/b");
    const above = addCommit(fixture, "a", "above");
    expect(branchesOf(await workspace.remote.listRefs())).toEqual({ main: tip(fixture, "main"), a: above });
  });

  it("recreates a deleted cache", async () => {
    const fixture = await makeRemoteFixture(transport);
    addCommit(fixture, "work", "first");
    const workspace = await fixture.open();
    await workspace.remote.listRefs();
    rmSync(dirname(workspace.location.commonDir), { recursive: true });
    const listing = await workspace.remote.listRefs();
    expect(branchesOf(listing)).toEqual({ main: tip(fixture, "main"), work: tip(fixture, "work") });
    expect(await workspace.remote.trail(tip(fixture, "work"), 5)).toHaveLength(2);
    const ref = "refs/trailhand/leases/a" as Ref;
    const lease = await workspace.remote.note("a lease\n");
    expect(await workspace.remote.swap([{ ref, expected: null, next: lease }])).toEqual({ kind: "landed" });
    rmSync(dirname(workspace.location.commonDir), { recursive: true });
    expect((await workspace.remote.listRefs()).leases.get("a")?.value).toBe(lease);
  });

  it("reads and writes a SHA-256 repository", async () => {
    const fixture = await makeRemoteFixture(transport);
    rmSync(fixture.remote.dir, { recursive: true });
    const other = join(temporaryDir(), "sha256");
    git(temporaryDir(), ["init", "-q", "--object-format=sha256", "-b", "main", other]);
    repoAt(other).commit("first commit");
    cpSync(join(other, ".git"), fixture.remote.dir, { recursive: true });
    fixture.remote.git("config", "core.bare", "true");
    const { remote } = await fixture.open();
    expect(branchesOf(await remote.listRefs())).toEqual({ main: tip(fixture, "main") });
    const head = tip(fixture, "main");
    expect(head).toHaveLength(64);
    const [answer, lease] = [await remote.commit(head, head, "an answer\n"), await remote.note("a lease\n")];
    const values = [
      { ref: refOf("work" as Branch), expected: null, next: answer },
      { ref: "refs/trailhand/leases/a" as Ref, expected: null, next: lease },
    ];
    expect(await remote.swap(values)).toEqual({ kind: "landed" });
    const listing = await remote.listRefs();
    expect(branchesOf(listing)["work"]).toBe(answer);
    expect(listing.leases.get("a")?.value).toBe(lease);
  });

  it("does not count a commit without its tree as present", async () => {
    const fixture = await makeRemoteFixture(transport);
    const workspace = await fixture.open();
    await workspace.remote.listRefs();
    const commit = addCommit(fixture, "work", "text that is nowhere else");
    const raw = git(fixture.remote.dir, ["cat-file", "commit", commit]);
    const cache = repoAt(workspace.location.commonDir);
    expect(cache.gitIn(raw, "hash-object", "-t", "commit", "-w", "--stdin")).toBe(commit);
    expect((await workspace.remote.read([refOf("work" as Branch)])).get(refOf("work" as Branch))).toBe(
      commit,
    );
    expect(branchesOf(await workspace.remote.listRefs())["work"]).toBe(commit);
    expect(canCheckOut(workspace, commit)).toBe(true);
    expect(cache.git("show", `${commit}:file.txt`)).toBe("text that is nowhere else");
  });

  it("of an empty remote reports that", async () => {
    const fixture = await makeRemoteFixture(transport);
    fixture.remote.git("update-ref", "-d", "refs/heads/main");
    const { remote } = await fixture.open();
    expect((await errorOf(remote.listRefs())).message).toBe("The repository has no commits yet.");
  });

  it("uses the branch of HEAD as the trusted branch, whatever else is symbolic", async () => {
    const fixture = await makeRemoteFixture(transport);
    addCommit(fixture, "trunk", "first");
    fixture.remote.git("symbolic-ref", "HEAD", "refs/heads/trunk");
    fixture.remote.git("symbolic-ref", "refs/heads/zzz", "refs/heads/main");
    fixture.remote.git("update-ref", "refs/remotes/origin/main", "main");
    fixture.remote.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
    const listing = await (await fixture.open()).remote.listRefs();
    expect(listing.target).toBe("trunk");
    expect(Object.keys(branchesOf(listing)).toSorted()).toEqual(["main", "trunk"]);
  });

  it("skips side refs that do not point to commits", async () => {
    const fixture = await makeRemoteFixture(transport);
    fixture.remote.git("tag", "-a", "-m", "a tag", "told", "main");
    fixture.remote.git("update-ref", "refs/trailhand/leases/tag", "refs/tags/told");
    fixture.remote.git("update-ref", "refs/trailhand/leases/tree", "main^{tree}");
    const { remote } = await fixture.open();
    expect([...(await remote.listRefs()).leases.keys()]).toEqual([]);
    const work = addCommit(fixture, "work", "first");
    expect(branchesOf(await remote.listRefs())["work"]).toBe(work);
    // They are fetched once more, because a ref that moved during a poll looks the same.
    await remote.listRefs();
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });

  it("works with the old protocol", async () => {
    const fixture = await makeRemoteFixture(transport);
    const config = join(fixture.outside, "config");
    git(fixture.outside, ["config", "--file", config, "protocol.version", "0"]);
    const { remote } = await fixture.open("one", { GIT_CONFIG_GLOBAL: config });
    await remote.listRefs();
    const work = addCommit(fixture, "work", "first");
    expect(branchesOf(await remote.listRefs())["work"]).toBe(work);
    expect((await remote.read([refOf("work" as Branch)])).get(refOf("work" as Branch))).toBe(work);
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });
});

describe("runners that share a cache", () => {
  it("fetch at the same time while refs move", async () => {
    const fixture = await makeRemoteFixture("http");
    // The second runner finds the cache of the first, or creates it first.
    const workspaces = await Promise.all([fixture.open(), fixture.open()]);
    for (let round = 0; round < 4; round++) {
      for (let at = 0; at < 5; at++) addCommit(fixture, `work/${(round + at) % 7}`, `round ${round}, ${at}`);
      const gone = `refs/heads/work/${(round + 6) % 7}`;
      fixture.remote.git("update-ref", "-d", gone);
      const listings = await Promise.all(workspaces.map(({ remote }) => remote.listRefs()));
      const expectedRefs = fixture.remote.git(
        "for-each-ref",
        "--format=%(refname:short) %(objectname)",
        "refs/heads",
      );
      const expected = Object.fromEntries(
        expectedRefs.split("\n").map((line) => line.split(" ") as [string, string]),
      );
      for (const listing of listings) expect(branchesOf(listing)).toEqual(expected);
    }
    expect(new Set(workspaces.map(({ location }) => location.commonDir)).size).toBe(1);
  });

  it("do not block each other when names become folders", async () => {
    const fixture = await makeRemoteFixture("files");
    for (const name of ["a", "b", "c"]) addCommit(fixture, name, "first");
    const [one, workspaces] = [await fixture.open(), await fixture.open()];
    await one.remote.listRefs();
    await workspaces.remote.listRefs();
    for (const name of ["a", "b"]) fixture.remote.git("update-ref", "-d", `refs/heads/${name}`);
    addCommit(fixture, "a/below", "below");
    for (const { remote } of [one, workspaces]) {
      expect(Object.keys(branchesOf(await remote.listRefs())).toSorted()).toEqual(["a/below", "c", "main"]);
    }
    const kept = repoAt(workspaces.location.commonDir).git(
      "for-each-ref",
      "--format=%(refname:short)",
      "refs/heads",
    );
    expect(kept.split("\n")).toEqual(["a/below", "c", "main"]);
  });
});
