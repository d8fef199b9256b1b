/** Saving a tree ends in time, and names what it left out. */
import { sessionsOf } from "../../../src/git/sessions.ts";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { RunId, Sha } from "../../../src/core/protocol/ids.ts";
import type { Attempt } from "../../../src/git/attempt/attempt.ts";
import { attemptFolder } from "../../../src/git/attempt/attempt-folder.ts";
import { ownGit } from "../../../src/git/attempt/own-git.ts";
import { saveAttempt } from "../../../src/git/attempt/save-attempt.ts";
import { checkOut, treeGit } from "../../../src/git/attempt/tree-git.ts";
import { cleanEnv, Git } from "../../../src/git/git.ts";
import { openLocation } from "../../../src/git/open-repository.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";

/** An attempt on a checkout of a repository, without a git directory of its own. */
async function prepare() {
  const repo = makeRepo({ file: "text\n" });
  const location = await openLocation(new Git({ dir: repo.dir, env: cleanEnv(process.env) }));
  const folder = attemptFolder(join(temporaryDir(), "attempt"));
  mkdirSync(folder.tree, { recursive: true });
  const run = "00000000-0000-4000-8000-000000000000" as RunId;
  const commit = repo.git("rev-parse", "HEAD") as Sha;
  await checkOut(location, folder, { run, commit }, [], []);
  const trusted = treeGit(location, folder, run, []);
  const attempt: Attempt = {
    folder,
    gits: {
      own: ownGit(process.env["PATH"] ?? "", folder, run),
      trusted,
      objects: trusted.with({ dir: folder.folder, env: { GIT_WORK_TREE: folder.folder } }),
      hasFileModes: true,
      commonDir: location.commonDir,
      origin: "",
      offDrivers: [],
      drivers: [],
      reader: sessionsOf(location.git).objects,
      lfs: { drivers: [], store: "", send: undefined },
      askSubmodule: () => Promise.resolve(undefined),
    },
    record: { run, branch: "topic", request: commit, state: "work", brought: [] },
    firstIndex: undefined,
  };
  const nest = (path: string) => {
    mkdirSync(join(folder.tree, path), { recursive: true });
    execFileSync("git", ["init", "-q", join(folder.tree, path)]);
    writeFileSync(join(folder.tree, path, "inside"), `${path}\n`);
  };
  const files = (id: Sha | undefined) => (id ? repo.git("ls-tree", "-r", "--name-only", id).split("\n") : []);
  return { attempt, nest, files, tree: folder.tree };
}

it("leaves out repositories inside the tree once the time is up, and names them", async () => {
  const { attempt, nest, files, tree } = await prepare();
  for (let at = 10; at < 22; at++) nest(`nested-${at}`);
  nest("nested-10/deeper");
  writeFileSync(join(tree, "left"), "by the script\n");
  const late = await saveAttempt(attempt, "salvage\n", 0);
  expect(files(late.commit)).toEqual(["file", "left"]);
  expect(late.kept).toHaveLength(11);
  expect(late.kept.slice(0, 2)).toEqual(["nested-10", "nested-11"]);
  expect(late.kept.at(-1)).toBe("2 more repositories");
  const whole = await saveAttempt(attempt, "salvage\n");
  expect(whole.kept).toEqual([]);
  expect(files(whole.commit)).toEqual(
    expect.arrayContaining(["nested-10/deeper/inside", "nested-21/inside", "left"]),
  );
});

it("leaves out links that need a process each, where git cannot add the files", async () => {
  const { attempt, files, tree } = await prepare();
  for (const name of ["one", "two"]) symlinkSync("file", join(tree, name));
  writeFileSync(join(tree, "left"), "by the script\n");
  execFileSync("mkfifo", [join(tree, ".gitignore")]);
  const late = await saveAttempt(attempt, "salvage\n", 0);
  expect(files(late.commit)).toEqual(["file", "left"]);
  expect(late.kept).toEqual(["one", "two"]);
  rmSync(join(tree, ".gitignore"));
  const whole = await saveAttempt(attempt, "salvage\n");
  expect(whole.kept).toEqual([]);
  expect(files(whole.commit)).toEqual(["file", "left", "one", "two"]);
});
