/** Refs that are read from files, compared with what git lists. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listRefFiles, readRefFiles } from "../../../src/git/ref-files.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const PATTERNS = ["refs/heads/", "refs/tags/", "refs/remotes/", "refs/trailhand/hold"];

const dirOf = (repo: Repo): string => join(repo.dir, ".git");

function listed(repo: Repo): string[] | undefined {
  return listRefFiles(dirOf(repo), PATTERNS)?.map(({ ref, id, symref, peeled }) =>
    `${ref} ${symref ?? id} ${peeled ?? ""}`.trim(),
  );
}

/** The same from git. `%(*objectname)` of a loose tag is left out, because its file does not say it. */
function listedByGit(repo: Repo, isPacked: boolean): string[] {
  const peeled = isPacked ? " %(*objectname)" : "";
  const format = `--format=%(refname) %(if)%(symref)%(then)%(symref)%(else)%(objectname)${peeled}%(end)`;
  return repo
    .git("for-each-ref", format, ...PATTERNS)
    .split("\n")
    .map((line) => line.trim());
}

function makeRefs(): Repo {
  const repo = makeRepo();
  for (const name of ["feat/a", "feat/a-b", "feat.x", "fé/ñ", "fé/\u{1F600}", "fé/\uFF5E", "-x/y"])
    repo.git("update-ref", `refs/heads/${name}`, "main");
  repo.git("tag", "light");
  repo.git("-c", "user.name=x", "-c", "user.email=x@example.com", "tag", "-a", "-m", "x", "heavy");
  repo.git("update-ref", "refs/remotes/origin/main", "main");
  repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
  repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/main");
  repo.git("update-ref", "refs/trailhand/hold", "main");
  return repo;
}

describe("refs in files", () => {
  it("are those that git lists: loose, packed, and both", () => {
    const repo = makeRefs();
    expect(listed(repo)).toEqual(listedByGit(repo, false));
    repo.git("pack-refs", "--all");
    expect(listed(repo)).toEqual(listedByGit(repo, true));
    const next = repo.gitIn("next\n", "commit-tree", "-p", "main", "-F", "-", "main^{tree}");
    repo.git("update-ref", "refs/heads/feat/a", next);
    repo.git("update-ref", "-d", "refs/heads/feat.x");
    expect(listed(repo)).toEqual(listedByGit(repo, true));
    expect(readRefFiles(dirOf(repo), ["refs/heads/feat/a", "refs/heads/feat.x", "refs/heads/feat"])).toEqual(
      new Map([
        ["refs/heads/feat/a", next],
        ["refs/heads/feat.x", null],
        ["refs/heads/feat", null],
      ]),
    );
  });

  it("leave out the locks and the half-written files of other processes", () => {
    const repo = makeRefs();
    const before = listed(repo);
    writeFileSync(join(dirOf(repo), "refs/heads/feat/a.lock"), "");
    writeFileSync(join(dirOf(repo), "refs/heads/.hidden"), "");
    mkdirSync(join(dirOf(repo), "refs/heads/empty/folder"), { recursive: true });
    expect(listed(repo)).toEqual(before);
  });

  it.each<[string, (dir: string) => void]>([
    ["a broken ref", (dir) => writeFileSync(join(dir, "refs/heads/broken"), "not an id\n")],
    ["an empty ref", (dir) => writeFileSync(join(dir, "refs/heads/broken"), "")],
    ["a ref without an object", (dir) => writeFileSync(join(dir, "refs/heads/zero"), `${"0".repeat(40)}\n`)],
    ["a link", (dir) => symlinkSync("main", join(dir, "refs/heads/link"))],
    ["a name that git refuses", (dir) => writeFileSync(join(dir, "refs/heads/a b"), `${"1".repeat(40)}\n`)],
    ["a named pipe", (dir) => void execFileSync("mkfifo", [join(dir, "refs/heads/pipe")])],
    ["another ref format", (dir) => mkdirSync(join(dir, "reftable"))],
    ["broken packed refs", (dir) => writeFileSync(join(dir, "packed-refs"), "not an id refs/heads/x\n")],
  ])("leave %s to git", (_what, change) => {
    const repo = makeRefs();
    change(dirOf(repo));
    expect(listed(repo)).toBeUndefined();
  });

  it("leave a single ref to git that is symbolic, a pipe, or no name of a ref", () => {
    const repo = makeRefs();
    execFileSync("mkfifo", [join(dirOf(repo), "refs/heads/pipe")]);
    for (const ref of ["refs/heads/alias", "refs/heads/pipe", "refs/heads/../../config", "refs/heads/a:b"])
      expect(readRefFiles(dirOf(repo), [ref]), ref).toBeUndefined();
  });

  it("see packed refs that another process has rewritten, and those of a repository in the same folder", () => {
    const repo = makeRefs();
    repo.git("pack-refs", "--all");
    expect(listed(repo)).toHaveLength(14);
    repo.git("update-ref", "-d", "refs/tags/light");
    expect(listed(repo)).toHaveLength(13);
    rmSync(dirOf(repo), { recursive: true });
    repo.git("init", "-q", "-b", "main");
    expect(listed(repo)).toEqual([]);
  });
});
