/** Polls of a real remote: their listing, their fetches, and changes during a poll. */
import { cpSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import type { RefListing } from "../../src/engine/ports.ts";
import {
  beforeGit,
  caught,
  grow,
  growMany,
  makeFar,
  TRANSPORTS,
  watchGit,
  type Far,
} from "../support/remote-workspace.ts";
import { git, repoAt, temporaryDir } from "../support/temp-repo.ts";

const branchesOf = ({ heads }: RefListing) =>
  Object.fromEntries(heads.map((head) => [head.branch, head.commit]));
const tip = ({ remote }: Far, name: string) => remote.git("rev-parse", name) as Sha;
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
function isWhole(
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
    const far = await makeFar(transport);
    grow(far, "work", "first");
    const { remote } = await far.open();
    expect(await remote.listRefs()).toMatchObject({ target: "main", isUnchanged: false });
    far.served?.forget();
    const calls = watchGit();
    expect(await remote.listRefs()).toMatchObject({ target: "main", isUnchanged: true });
    expect(calls.map(({ args }) => args[0])).toEqual(["ls-remote"]);
    expect(far.served?.asked.map(({ kind, command }) => command ?? kind) ?? []).toEqual(
      transport === "http" ? ["info/refs", "ls-refs"] : [],
    );
  });

  it("fetches many new branches by pattern, and later only the one that moved", async () => {
    const far = await makeFar(transport);
    const { remote } = await far.open();
    await remote.listRefs();
    growMany(far, names(310));
    const calls = watchGit();
    expect((await remote.listRefs()).heads).toHaveLength(311);
    expect(calls.map(({ args }) => args[0])).toEqual(["ls-remote", "fetch", "log", "log"]);
    expect(calls[1]?.stdin).toContain("+refs/heads/*:refs/heads/*\n");
    const moved = grow(far, "many/7", "moved", "many/7");
    calls.length = 0;
    far.served?.forget();
    const look = await remote.listRefs();
    expect(look.isUnchanged).toBe(false);
    expect(branchesOf(look)["many/7"]).toBe(moved);
    expect(calls.map(({ stdin }) => stdin).filter((text) => text.includes("refs/heads/"))).toEqual([
      "+refs/heads/many/7:refs/heads/many/7\n",
    ]);
    if (far.served) expect(far.served.count("git-upload-pack", "ls-refs")).toBe(2);
  });

  it("survives a force push in the middle, which the next poll reads", async () => {
    const far = await makeFar(transport);
    grow(far, "work", "first");
    const { remote } = await far.open();
    await remote.listRefs();
    grow(far, "work", "second");
    let third = "" as Sha;
    once("fetch", () => {
      third = grow(far, "work", "third");
      far.remote.git("reflog", "expire", "--expire=now", "--all");
      far.remote.git("gc", "-q", "--prune=now");
    });
    await remote.listRefs();
    const look = await remote.listRefs();
    expect(look.isUnchanged).toBe(false);
    expect(branchesOf(look)["work"]).toBe(third);
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });

  it("survives the deletion of a branch in the middle, whatever its name", async () => {
    const far = await makeFar(transport);
    const { remote } = await far.open();
    await remote.listRefs();
    grow(far, "fix/Connection-timed-out", "first");
    const kept = grow(far, "work", "first");
    once("fetch", () => void far.remote.git("update-ref", "-d", "refs/heads/fix/Connection-timed-out"));
    expect(branchesOf(await remote.listRefs())["work"]).toBe(kept);
    expect(Object.keys(branchesOf(await remote.listRefs())).toSorted()).toEqual(["main", "work"]);
  });

  it("reads branch names that become folders, and back", async () => {
    const far = await makeFar(transport);
    grow(far, "a", "first");
    const site = await far.open();
    expect(Object.keys(branchesOf(await site.remote.listRefs()))).toContain("a");
    far.remote.git("update-ref", "-d", "refs/heads/a");
    const below = grow(far, "a/b", "below");
    expect(branchesOf(await site.remote.listRefs())).toEqual({ main: tip(far, "main"), "a/b": below });
    expect(repoAt(site.location.commonDir).git("for-each-ref", "--format=%(refname)", "refs/heads/a")).toBe(
      "refs/heads/a/b",
    );
    far.remote.git("update-ref", "-d", "refs/heads/a/b");
    const above = grow(far, "a", "above");
    expect(branchesOf(await site.remote.listRefs())).toEqual({ main: tip(far, "main"), a: above });
  });

  it("recreates a deleted cache", async () => {
    const far = await makeFar(transport);
    grow(far, "work", "first");
    const site = await far.open();
    await site.remote.listRefs();
    rmSync(dirname(site.location.commonDir), { recursive: true });
    const look = await site.remote.listRefs();
    expect(branchesOf(look)).toEqual({ main: tip(far, "main"), work: tip(far, "work") });
    expect(await site.remote.trail(tip(far, "work"), 5)).toHaveLength(2);
    const ref = "refs/trailhand/leases/a" as Ref;
    const lease = await site.remote.note("a lease\n");
    expect(await site.remote.swap([{ ref, expected: null, next: lease }])).toEqual({ kind: "landed" });
    rmSync(dirname(site.location.commonDir), { recursive: true });
    expect((await site.remote.listRefs()).leases.get("a")?.value).toBe(lease);
  });

  it("reads and writes a SHA-256 repository", async () => {
    const far = await makeFar(transport);
    rmSync(far.remote.dir, { recursive: true });
    const other = join(temporaryDir(), "sha256");
    git(temporaryDir(), ["init", "-q", "--object-format=sha256", "-b", "main", other]);
    repoAt(other).commit("first commit");
    cpSync(join(other, ".git"), far.remote.dir, { recursive: true });
    far.remote.git("config", "core.bare", "true");
    const { remote } = await far.open();
    expect(branchesOf(await remote.listRefs())).toEqual({ main: tip(far, "main") });
    const head = tip(far, "main");
    expect(head).toHaveLength(64);
    const [answer, lease] = [await remote.commit(head, head, "an answer\n"), await remote.note("a lease\n")];
    const made = [
      { ref: refOf("work" as Branch), expected: null, next: answer },
      { ref: "refs/trailhand/leases/a" as Ref, expected: null, next: lease },
    ];
    expect(await remote.swap(made)).toEqual({ kind: "landed" });
    const look = await remote.listRefs();
    expect(branchesOf(look)["work"]).toBe(answer);
    expect(look.leases.get("a")?.value).toBe(lease);
  });

  it("does not count a commit without its tree as present", async () => {
    const far = await makeFar(transport);
    const site = await far.open();
    await site.remote.listRefs();
    const commit = grow(far, "work", "text that is nowhere else");
    const raw = git(far.remote.dir, ["cat-file", "commit", commit]);
    const cache = repoAt(site.location.commonDir);
    expect(cache.gitIn(raw, "hash-object", "-t", "commit", "-w", "--stdin")).toBe(commit);
    expect((await site.remote.read([refOf("work" as Branch)])).get(refOf("work" as Branch))).toBe(commit);
    expect(branchesOf(await site.remote.listRefs())["work"]).toBe(commit);
    expect(isWhole(site, commit)).toBe(true);
    expect(cache.git("show", `${commit}:file.txt`)).toBe("text that is nowhere else");
  });

  it("of an empty remote reports that", async () => {
    const far = await makeFar(transport);
    far.remote.git("update-ref", "-d", "refs/heads/main");
    const { remote } = await far.open();
    expect((await caught(remote.listRefs())).message).toBe("The repository has no commits yet.");
  });

  it("uses the branch of HEAD as the trusted branch, whatever else is symbolic", async () => {
    const far = await makeFar(transport);
    grow(far, "trunk", "first");
    far.remote.git("symbolic-ref", "HEAD", "refs/heads/trunk");
    far.remote.git("symbolic-ref", "refs/heads/zzz", "refs/heads/main");
    far.remote.git("update-ref", "refs/remotes/origin/main", "main");
    far.remote.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
    const look = await (await far.open()).remote.listRefs();
    expect(look.target).toBe("trunk");
    expect(Object.keys(branchesOf(look)).toSorted()).toEqual(["main", "trunk"]);
  });

  it("skips side refs that do not point to commits", async () => {
    const far = await makeFar(transport);
    far.remote.git("tag", "-a", "-m", "a tag", "told", "main");
    far.remote.git("update-ref", "refs/trailhand/leases/tag", "refs/tags/told");
    far.remote.git("update-ref", "refs/trailhand/leases/tree", "main^{tree}");
    const { remote } = await far.open();
    expect([...(await remote.listRefs()).leases.keys()]).toEqual([]);
    const work = grow(far, "work", "first");
    expect(branchesOf(await remote.listRefs())["work"]).toBe(work);
    // They are fetched once more, because a ref that moved during a poll looks the same.
    await remote.listRefs();
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });

  it("works with the old protocol", async () => {
    const far = await makeFar(transport);
    const config = join(far.outside, "config");
    git(far.outside, ["config", "--file", config, "protocol.version", "0"]);
    const { remote } = await far.open("one", { GIT_CONFIG_GLOBAL: config });
    await remote.listRefs();
    const work = grow(far, "work", "first");
    expect(branchesOf(await remote.listRefs())["work"]).toBe(work);
    expect((await remote.read([refOf("work" as Branch)])).get(refOf("work" as Branch))).toBe(work);
    expect((await remote.listRefs()).isUnchanged).toBe(true);
  });
});

describe("runners that share a cache", () => {
  it("fetch at the same time while refs move", async () => {
    const far = await makeFar("http");
    // The second runner finds the cache of the first, or creates it first.
    const two = await Promise.all([far.open(), far.open()]);
    for (let round = 0; round < 4; round++) {
      for (let at = 0; at < 5; at++) grow(far, `work/${(round + at) % 7}`, `round ${round}, ${at}`);
      const gone = `refs/heads/work/${(round + 6) % 7}`;
      far.remote.git("update-ref", "-d", gone);
      const looks = await Promise.all(two.map(({ remote }) => remote.listRefs()));
      const there = far.remote.git("for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads");
      const expected = Object.fromEntries(
        there.split("\n").map((line) => line.split(" ") as [string, string]),
      );
      for (const look of looks) expect(branchesOf(look)).toEqual(expected);
    }
    expect(new Set(two.map(({ location }) => location.commonDir)).size).toBe(1);
  });

  it("do not block each other when names become folders", async () => {
    const far = await makeFar("files");
    for (const name of ["a", "b", "c"]) grow(far, name, "first");
    const [one, two] = [await far.open(), await far.open()];
    await one.remote.listRefs();
    await two.remote.listRefs();
    for (const name of ["a", "b"]) far.remote.git("update-ref", "-d", `refs/heads/${name}`);
    grow(far, "a/below", "below");
    for (const { remote } of [one, two]) {
      expect(Object.keys(branchesOf(await remote.listRefs())).toSorted()).toEqual(["a/below", "c", "main"]);
    }
    const kept = repoAt(two.location.commonDir).git(
      "for-each-ref",
      "--format=%(refname:short)",
      "refs/heads",
    );
    expect(kept.split("\n")).toEqual(["a/below", "c", "main"]);
  });
});
