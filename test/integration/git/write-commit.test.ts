/** Commits that are written without git, compared with those of `git commit-tree`. */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Sha } from "../../../src/core/protocol/ids.ts";
import { cleanEnv, Git } from "../../../src/git/git.ts";
import { identityVariables } from "../../../src/git/open-repository.ts";
import { openLocation, type GitLocation, type Person } from "../../../src/git/open-repository.ts";
import { requireSha } from "../../../src/git/parse-output.ts";
import { writeCommit } from "../../../src/git/write-commit.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";

const ANN: Person = { name: "Ann Ünë", email: "ann@example.com" };
const BOT: Person = { name: "bot[x]", email: "bot@users.noreply.invalid" };

const locate = (repo: Repo): Promise<GitLocation> =>
  openLocation(new Git({ dir: repo.dir, env: cleanEnv(process.env) }));

/** The object without its times. */
const textOf = (repo: Repo, id: string): string =>
  git(repo.dir, ["cat-file", "commit", id]).replaceAll(/> \d+ [+-]\d{4}$/gm, "> TIME");

async function byGit({ git }: GitLocation, tree: string, parents: readonly string[], message: string) {
  const args = ["commit-tree", ...parents.flatMap((parent) => ["-p", parent]), "-F", "-", tree];
  return requireSha(await git.text(args, { stdin: message, env: identityVariables(ANN, BOT) }));
}

describe("a commit", () => {
  it.each([
    "do it\n\nState: a\n",
    "without an end",
    "",
    "\n\nlate\n\n\n",
    "é \u{1F600} ｆ\n",
    "x".repeat(200_000),
  ])("with the message %j is that of git commit-tree", async (message) => {
    const repo = makeRepo();
    const location = await locate(repo);
    const parent = repo.git("rev-parse", "main") as Sha;
    const tree = `${parent}^{tree}`;
    const id = await writeCommit(location, { tree, parents: [parent], message, author: ANN, committer: BOT });
    expect(id && textOf(repo, id)).toBe(textOf(repo, await byGit(location, tree, [parent], message)));
    repo.git("fsck", "--strict");
  });

  it("has the time zone of this machine", async () => {
    const repo = makeRepo();
    const location = await locate(repo);
    const tree = location.emptyTree;
    const id = await writeCommit(location, {
      tree,
      parents: [],
      message: "x\n",
      author: ANN,
      committer: BOT,
    });
    const zoneOf = (commit: string) => repo.git("log", "-1", "--format=%ad", "--date=format:%z", commit);
    expect(zoneOf(id ?? "")).toBe(zoneOf(await byGit(location, tree, [], "x\n")));
  });

  it("is written in a repository with sha256 object names", async () => {
    const dir = join(temporaryDir(), "repo");
    git(temporaryDir(), ["init", "-q", "--object-format=sha256", dir]);
    const repo = repoAt(dir);
    const location = await locate(repo);
    const tree = location.emptyTree;
    const id = await writeCommit(location, {
      tree,
      parents: [],
      message: "x\n",
      author: ANN,
      committer: BOT,
    });
    expect(id).toHaveLength(64);
    expect(textOf(repo, id ?? "")).toBe(textOf(repo, await byGit(location, tree, [], "x\n")));
  });

  it.each<[string, Partial<{ message: string; author: Person; parents: Sha[]; tree: string }>, string[]]>([
    ["a zero byte", { message: "x\0y\n" }, []],
    ["a name that git changes", { author: { name: " Ann.", email: "ann@example.com" } }, []],
    ["a line in an address", { author: { name: "Ann", email: "a@example.com>\nparent x" } }, []],
    ["no name", { author: { name: "", email: "ann@example.com" } }, []],
    ["a parent that is missing", { parents: ["d".repeat(40) as Sha] }, []],
    ["a tree that is missing", { tree: "d".repeat(40) }, []],
    ["a shared repository", {}, ["core.sharedRepository", "group"]],
    ["objects that must reach the disk", {}, ["core.fsync", "all"]],
  ])("is left to git with %s", async (_what, change, setting) => {
    const repo = makeRepo();
    if (setting.length > 0) repo.git("config", ...setting);
    const location = await locate(repo);
    const { emptyTree: tree } = location;
    const commit = { tree, parents: [], message: "x\n", author: ANN, committer: BOT, ...change };
    expect(await writeCommit(location, commit)).toBeUndefined();
  });

  it("is left to git when the disk refuses it, and no part of it stays", async () => {
    const repo = makeRepo();
    const location = await locate(repo);
    const objects = join(repo.dir, ".git/objects");
    for (let at = 0; at < 256; at++) {
      const folder = join(objects, at.toString(16).padStart(2, "0"));
      if (!readdirSync(objects).includes(folder.slice(-2))) writeFileSync(folder, "in the way of a folder");
    }
    const before = readdirSync(objects, { recursive: true }).length;
    const tree = location.emptyTree;
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        writeCommit(location, { tree, parents: [], message: `${at}\n`, author: ANN, committer: BOT }),
      ),
    );
    const written = results.filter((id) => id !== undefined);
    expect(written.length).toBeLessThan(8);
    expect(readdirSync(objects, { recursive: true })).toHaveLength(before + written.length);
  });
});
