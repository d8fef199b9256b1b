/** Attempts of dead runners: what they left is saved, and what cannot be read stops no other work. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, isStored, quarantined, runAttempt } from "../../support/attempt-stage.ts";
import { buildCrashRunner, leftovers } from "../../support/crash-runner.ts";
import { attemptFolders, makeDead as makeDeadAttempt } from "../../support/dead-attempt.ts";
import {
  makeStage,
  runStage,
  salvages,
  type Stage,
  type StageOptions,
} from "../../support/run-hostile-script.ts";

let program = "";
beforeAll(async () => {
  program = await buildCrashRunner();
});

const makeDead = (script: string, options: StageOptions = {}): Promise<Stage> =>
  makeDeadAttempt(program, script, options);

async function expectSavedBy(stage: Stage, expected: readonly string[]): Promise<string[]> {
  const { files } = await runAttempt(stage);
  expect(files).toEqual(expect.arrayContaining(["again.txt"]));
  const saved = salvages(stage);
  expect(saved).toHaveLength(expected.length === 0 ? 0 : 1);
  if (expected.length > 0)
    expect(filesIn(stage.repo, saved[0])).toEqual(expect.arrayContaining([...expected]));
  expect(leftovers(stage.repo)).toEqual([]);
  return saved;
}

describe("the next runner saves from an attempt of a killed one", () => {
  it.each([
    [
      "files and commits",
      "echo a > a.txt; git add a.txt; git commit -qm mine; echo b > b.txt",
      ["a.txt", "b.txt"],
    ],
    [
      "a stash and a commit on another branch",
      "git checkout -q -b b; echo a > a.txt; git add .; git commit -qm b; git checkout -q topic; echo b > b.txt",
      ["b.txt"],
    ],
    ["a staged ignored file", "echo a > a.log; git add -f a.log", ["a.log"]],
    ["files beside a broken repository", "echo a > a.txt; rm -rf .git/objects .git/HEAD", ["a.txt"]],
    ["files without a repository", "echo a > a.txt; rm -rf .git", ["a.txt"]],
    ["files of a nested repository", "git init -q sub; echo a > sub/a.txt", ["sub/a.txt"]],
    ["nothing, when there is nothing", "git status", []],
  ])("%s", async (_, script, expected) => {
    const stage = await makeDead(script, { files: { ".gitignore": "*.log\n" } });
    const [saved] = await expectSavedBy(stage, expected);
    if (script.includes("checkout -q -b b")) expect(stage.repo.git("show", `${saved}^2:a.txt`)).toBe("a");
  });

  it("no file that was brought from the person", async () => {
    const stage = await makeDead("echo a > a.txt; echo '!.env' > .gitignore", {
      workflow: "bring: [.env]\n",
      files: { ".gitignore": ".env\n" },
    });
    await runStage(stage);
    expect(isStored(stage.repo, "PASSWORD")).toBe(false);
  });
});

describe("a folder of a dead runner does not stop others", () => {
  it.each([
    ["with a record that is no JSON", "run.json", "garbage"],
    ["with an empty record", "run.json", ""],
    ["with a record of other values", "run.json", '{"run":1,"branch":{},"request":null}'],
    [
      "with a record of a branch that does not exist",
      "run.json",
      '{"run":"r","branch":"gone","request":"HEAD","state":"work"}',
    ],
    [
      "with a record whose request is an option",
      "run.json",
      '{"run":"r","branch":"topic","request":"--all","state":"work"}',
    ],
    ["with a broken index", "index", "garbage"],
    ["with refs that are garbage", "packed-refs", "garbage\n"],
  ])("%s", async (_, file, text) => {
    const stage = await makeDead("echo a > a.txt");
    for (const folder of attemptFolders(stage)) writeFileSync(join(folder, file), text);
    const { files } = await runAttempt(stage);
    expect(files).toContain("again.txt");
    // Without a record, nothing tells what the files are of: they are kept as they are.
    const [aside] = quarantined(stage.repo);
    if (file === "run.json" && !text.includes("gone")) {
      expect(readFileSync(join(aside ?? "", "tree/a.txt"), "utf8")).toBe("a\n");
      expect(readFileSync(join(aside ?? "", "reason.txt"), "utf8")).not.toBe("");
    }
  });

  it.each([
    ["record", "run.json"],
    ["index", "index"],
    ["refs", "packed-refs"],
    ["worktree", "tree"],
  ])("without its %s", async (_, file) => {
    const stage = await makeDead("echo a > a.txt");
    for (const folder of attemptFolders(stage)) rmSync(join(folder, file), { recursive: true });
    const { files } = await runAttempt(stage);
    expect(files).toContain("again.txt");
  });

  it.each([
    ["an empty folder", (runner: string) => mkdirSync(join(runner, "empty"))],
    ["a file", (runner: string) => writeFileSync(join(runner, "file"), "x")],
    [
      "a copy of a folder",
      (runner: string) =>
        cpSync(
          join(runner, readdirSync(runner).find((name) => !name.endsWith(".json")) ?? ""),
          join(runner, "copy"),
          { recursive: true },
        ),
    ],
  ])("with %s beside the attempt", async (_, add) => {
    const stage = await makeDead("echo a > a.txt");
    for (const folder of attemptFolders(stage)) add(join(folder, ".."));
    const { files } = await runAttempt(stage);
    expect(files).toContain("again.txt");
    expect(salvages(stage).length).toBeGreaterThan(0);
  });

  it("when its objects are gone, and keeps its files aside", async () => {
    const stage = await makeDead("echo a > a.txt");
    for (const folder of attemptFolders(stage))
      writeFileSync(
        join(folder, "run.json"),
        readFileSync(join(folder, "run.json"), "utf8").replace(
          /"request":"[0-9a-f]{8}/,
          '"request":"00000000',
        ),
      );
    const { files } = await runAttempt(stage);
    expect(files).toContain("again.txt");
  });

  it("when git itself left a record of a worktree half written", async () => {
    const stage = makeStage("echo x > x.txt");
    const records = join(stage.repo.dir, ".git/worktrees/broken");
    mkdirSync(records, { recursive: true });
    for (const name of ["gitdir", "HEAD", "commondir"]) writeFileSync(join(records, name), "");
    expect(spawnSync("git", ["-C", stage.repo.dir, "worktree", "list"]).status).not.toBeNull();
    const { files } = await runAttempt(stage);
    expect(files).toEqual(["kept.txt", "x.txt"]);
  });
});
