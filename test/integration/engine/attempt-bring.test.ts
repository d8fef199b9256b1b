/** Files of the person that attempts get copies of: they are there, and never become part of a commit. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  expectDone,
  expectFailed,
  filesIn,
  isStored,
  quarantined,
  runAttempt,
} from "../../support/attempt-stage.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";

const SECRET = "PASSWORD=hunter2";

function makeBringing(script: string, paths = ".env", ignore = ".env\nconfig/local.json\n"): Stage {
  const stage = makeStage(script, {
    workflow: `bring: [${paths}]\nstates:\n  work: { next: done, retries: 0 }\n`,
    files: { ".gitignore": ignore },
  });
  writeFileSync(join(stage.repo.dir, ".env"), `${SECRET}\n`);
  return stage;
}

const seen = (stage: Stage): string => readFileSync(join(stage.outside, "seen"), "utf8");

describe("a file that the workflow brings", () => {
  it("is in the worktree, which is clean", async () => {
    const stage = makeBringing("cat .env > $OUT/seen; git status --porcelain >> $OUT/seen");
    await expectDone(stage);
    expect(seen(stage)).toBe(`${SECRET}\n`);
  });

  it("may be in a folder that the tree lacks", async () => {
    const stage = makeBringing("cat config/local.json > $OUT/seen", "config/local.json");
    mkdirSync(join(stage.repo.dir, "config"));
    writeFileSync(join(stage.repo.dir, "config/local.json"), "{}\n");
    expect((await expectDone(stage)).files).toEqual([".gitignore", "kept.txt"]);
    expect(seen(stage)).toBe("{}\n");
  });

  it("is a copy: the script cannot change the person's file", async () => {
    const stage = makeBringing("echo changed > .env; rm .env");
    await expectDone(stage);
    expect(readFileSync(join(stage.repo.dir, ".env"), "utf8")).toBe(`${SECRET}\n`);
  });

  it.each([
    ["leaves it", "echo x > x.txt"],
    ["ignores nothing any more", "rm .gitignore; echo x > x.txt"],
    ["makes git track it", "echo '!.env' >> .gitignore; echo x > x.txt"],
    ["stages it", "git add -f .env; echo x > x.txt"],
    ["changes and stages it", "echo more >> .env; git add -f .env; echo x > x.txt"],
    ["fails after it has staged it", "git add -f .env; echo x > x.txt; exit 1"],
    ["fails after it has unignored it", "echo '!.env' >> .gitignore; echo x > x.txt; exit 1"],
  ])("is in no commit of a script that %s", async (_, script) => {
    const stage = makeBringing(script);
    const { state, files, saved } = await runAttempt(stage);
    const all = state === "done" ? files : filesIn(stage.repo, saved[0]);
    expect(all).toContain("x.txt");
    expect(all).not.toContain(".env");
    expect(isStored(stage.repo, SECRET)).toBe(false);
  });

  it("does not replace a file of the tree", async () => {
    const stage = makeBringing("cat kept.txt > $OUT/seen", "kept.txt");
    writeFileSync(join(stage.repo.dir, "kept.txt"), "the person's edit\n");
    await expectDone(stage);
    expect(seen(stage)).toBe("kept\n");
  });

  it.each([
    ["a link", (dir: string, outside: string) => symlinkSync(outside, join(dir, "linked")), "linked"],
    [
      "in a folder that is a link",
      (dir: string, outside: string) => symlinkSync(join(outside, ".."), join(dir, "folder")),
      "folder/secret",
    ],
    ["a folder", (dir: string) => mkdirSync(join(dir, "linked")), "linked"],
  ])("is not there when it is %s", async (_, make, path) => {
    const stage = makeBringing(
      `ls -A > $OUT/seen; find . -name secret >> $OUT/seen`,
      path,
      "linked\nfolder\n",
    );
    writeFileSync(join(stage.outside, "secret"), "private\n");
    make(stage.repo.dir, join(stage.outside, "secret"));
    await expectDone(stage);
    expect(seen(stage)).toBe(".git\n.gitignore\nkept.txt\nstates\n");
  });

  it("is not written through a link that the branch has on the way", async () => {
    const stage = makeBringing("echo x > x.txt", "config/local.json");
    const { repo } = stage;
    mkdirSync(join(repo.dir, "config"));
    writeFileSync(join(repo.dir, "config/local.json"), "{}\n");
    repo.git("checkout", "-q", "topic");
    const link = repo.gitIn(stage.outside, "hash-object", "-w", "--stdin");
    repo.git("update-index", "--add", "--cacheinfo", `120000,${link},config`);
    repo.git("commit", "-qm", "a link\n\nState: work\n");
    repo.git("update-index", "--force-remove", "config");
    repo.git("checkout", "-qf", "main");
    await runAttempt({ ...stage, request: repo.git("rev-parse", "topic") });
    expect(existsSync(join(stage.outside, "local.json"))).toBe(false);
  });

  it("that is missing is left out", async () => {
    const stage = makeBringing("ls -A > $OUT/seen", "missing.env");
    await expectDone(stage);
    expect(seen(stage)).not.toContain("missing.env");
  });

  it.each([
    ["commits it", "git add -f .env; git commit -qm leak"],
    [
      "commits it and takes it out again",
      "git add -f .env; git commit -qm leak; git rm -q --cached .env; git commit -qm back",
    ],
    [
      "merges a branch that has it",
      "git checkout -q -b b; git add -f .env; git commit -qm leak; git rm -q --cached .env; git commit -qm back; git checkout -q topic; echo y > y; git add y; git commit -qm y; git merge -q --no-edit b",
    ],
  ])("fails an attempt that %s, is in no object of the repository, and stays aside", async (_, script) => {
    const stage = makeBringing(`${script}; echo x > x.txt`);
    const { saved } = await expectFailed(stage, "its commits hold .env");
    expect(isStored(stage.repo, SECRET)).toBe(false);
    expect(filesIn(stage.repo, saved[0])).toEqual(expect.arrayContaining(["kept.txt", "x.txt"]));
    expect(filesIn(stage.repo, saved[0])).not.toContain(".env");
    expect(quarantined(stage.repo)).toHaveLength(1);
    expect(stage.repo.git("for-each-ref", "refs/trailhand/running")).toBe("");
  });

  it.each([
    ["in the stash", "echo x > x.txt; git stash -aq; exit 1"],
    [
      "on another branch",
      "git checkout -q -b b; git add -f .env; git commit -qm leak; git checkout -q topic; exit 1",
    ],
  ])("is not saved %s of an attempt that failed, whose folder stays aside", async (_, script) => {
    const stage = makeBringing(script);
    await expectFailed(stage, "Exit 1");
    expect(isStored(stage.repo, SECRET)).toBe(false);
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it("may come with a merge of a trusted branch that tracks it", async () => {
    const stage = makeBringing("rm .env; git merge -q --no-edit tracked");
    const { repo } = stage;
    repo.git("checkout", "-q", "-b", "tracked", "main");
    repo.git("add", "-f", ".env");
    repo.git("commit", "-qm", "track it");
    repo.git("checkout", "-q", "main");
    writeFileSync(join(repo.dir, ".env"), `${SECRET}\n`);
    expect((await expectDone(stage)).files).toContain(".env");
  });
});
