/** A listing is the same, whether files and the session tell or git has to. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cleanEnv, Git } from "../../../src/git/git.ts";
import { RefReader } from "../../../src/git/read-refs.ts";
import { makeRepo } from "../../support/temp-repo.ts";

it("is the same with a ref, and with commits, that only git can read", async () => {
  const repo = makeRepo();
  const gitDir = join(repo.dir, ".git");
  repo.git("update-ref", "refs/remotes/origin/main", "main");
  repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main");
  repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/main");
  repo.git(
    "update-ref",
    "refs/heads/topic",
    repo.gitIn("\n\ndo it\n\nState: a\n", "commit-tree", "-F", "-", "main^{tree}"),
  );
  const latin = repo.gitIn(
    "do it\n\nState: b\n",
    "-c",
    "i18n.commitEncoding=ISO-8859-1",
    "commit-tree",
    "-F",
    "-",
    "main^{tree}",
  );
  repo.git("update-ref", "refs/heads/latin", latin);
  const location = { commonDir: gitDir, git: new Git({ dir: repo.dir, env: cleanEnv(process.env) }) };
  const reader = new RefReader(location);
  const read = async (from: RefReader) => {
    const { heads, originHead, isUnchanged } = await from.read();
    return { heads: heads.toSorted((a, b) => (a.branch < b.branch ? -1 : 1)), originHead, isUnchanged };
  };
  const plain = await read(reader);
  expect(plain.heads.map(({ branch, reading }) => [branch, reading.kind])).toEqual([
    ["latin", "request"],
    ["main", "none"],
    ["topic", "request"],
  ]);
  expect(plain).toMatchObject({ originHead: "main", isUnchanged: false });
  expect(await read(reader)).toEqual({ ...plain, isUnchanged: true });

  writeFileSync(join(gitDir, "refs/heads/broken"), "not an id\n");
  expect(await read(new RefReader(location))).toEqual(plain);
  expect(await read(reader)).toEqual({ ...plain, isUnchanged: true });
  writeFileSync(join(gitDir, "shallow"), `${latin}\n`);
  expect(await read(new RefReader(location))).toEqual(plain);

  rmSync(join(gitDir, "refs/heads/broken"));
  repo.git("update-ref", "-d", "refs/heads/topic");
  const { heads, isUnchanged } = await read(reader);
  expect([heads.map(({ branch }) => branch), isUnchanged]).toEqual([["latin", "main"], false]);
});
