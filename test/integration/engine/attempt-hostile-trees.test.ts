/** Trees that hinder or mislead git: each attempt ends at once, and the files that can be saved are saved. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, filesIn, isStored, runAttempt } from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { makeStage } from "../../support/run-hostile-script.ts";

describe("a script that leaves", () => {
  it.each([
    ["a folder .GIT", "mkdir .GIT; echo x > .GIT/config"],
    ["a file git~1", "echo x > git~1"],
    ["a folder .git with a config", "mkdir -p sub/.git; echo '[core]' > sub/.git/config"],
    [
      "a .git file that names the runner's folder",
      'mkdir sub; echo "gitdir: $PWD/../" > sub/.git; echo x > sub/x',
    ],
    ["a folder that is a link to itself", "rm -r dir; ln -s dir dir"],
    ["a folder that is a link to the folder above", "rm -r dir; ln -s .. dir"],
    ["a folder that is a link out of the tree", "rm -r dir; ln -s $OUT dir"],
    ["a link to itself as .gitignore", "ln -s .gitignore .gitignore"],
    ["a link to itself as .gitattributes", "ln -s .gitattributes .gitattributes"],
    [
      "a folder as .gitignore and as .gitattributes",
      "mkdir .gitignore .gitattributes; echo x > .gitignore/x",
    ],
    ["a link to itself as .gitmodules", "ln -s .gitmodules .gitmodules"],
    ["a folder where a file was", "rm dir/file; mkdir dir/file; echo x > dir/file/x"],
    ["a file where a folder was", "rm -r dir; echo x > dir"],
    [
      "folders as deep as paths can be",
      'i=0; while [ $i -lt 90 ]; do mkdir -p ddddddddddddddddddddddddddddddddddddddddddddddddd && cd ddddddddddddddddddddddddddddddddddddddddddddddddd || break; i=$((i+1)); done; echo x > x; cd "$TRAILHAND_WORKTREE"',
    ],
    ["a file name that is not text", "printf x > \"$(printf 'bad\\377name')\""],
    ["an index that is a folder", "rm .git/index; mkdir .git/index"],
    ["a HEAD that names no commit", "echo 0000000000000000000000000000000000000001 > .git/HEAD"],
    [
      "a branch that names no commit",
      "echo 0000000000000000000000000000000000000001 > .git/refs/heads/topic",
    ],
    ["a branch that names a file", "git rev-parse HEAD:kept.txt > .git/refs/heads/topic"],
    ["a .git that is a file", 'mv .git ../moved; echo "gitdir: $PWD/../moved" > .git'],
    ["a .git that is a link", "mv .git ../moved; ln -s ../moved .git"],
    ["a config that cannot be read", "echo '[' > .git/config"],
    ["a config that includes itself", "git config include.path config"],
    ["alternates that lead to each other", "echo $PWD/.git/objects > .git/objects/info/alternates"],
    ["a worktree that is elsewhere", "git config core.worktree $OUT"],
    [
      "a sparse checkout of nothing",
      "echo '!/*' > .git/info/sparse-checkout; git config core.sparseCheckout true; git read-tree -mu HEAD 2>&1; echo work > work.txt",
    ],
  ])("%s is answered, in one attempt and without a fault", async (_, script) => {
    const stage = makeStage(`echo work > work.txt; ${script}`, { files: { "dir/file": "file\n" } });
    writeFileSync(join(stage.outside, "file"), "not of the tree\n");
    const { state, files, saved, message } = await runAttempt(stage);
    expect(["done", "failed"], message).toContain(state);
    expect(state === "done" ? files : filesIn(stage.repo, saved[0]), message).toContain("work.txt");
    expect(isStored(stage.repo, "not of the tree")).toBe(false);
    expect(readFileSync(join(stage.outside, "file"), "utf8")).toBe("not of the tree\n");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it.each([
    ["absolute", "/etc/hostname", "link"],
    ["relative", "../../outside", "dir/deep/link"],
    ["to the runner's folder", "../run.json", "link"],
  ])("a link out of the tree (%s) fails with its path, and names where it leads", async (_, target, path) => {
    const levels = path.includes("/") ? "../../.." : target;
    const stage = makeStage(
      `mkdir -p dir/deep; ln -s ${path.includes("/") ? levels : target} ${path}; echo work > work.txt`,
    );
    const { saved } = await expectFailed(stage, `${path} is a link to`);
    expect(filesIn(stage.repo, saved[0])).toContain("work.txt");
  });

  it("a link out of the tree in a commit fails with its path", async () => {
    const stage = makeStage("ln -s /etc/hostname link; git add link; git commit -qm link");
    await expectFailed(stage, "link is a link to /etc/hostname");
  });

  it.each([
    ["inside the tree", "ln -s kept.txt link"],
    ["up to a folder of the tree", "mkdir -p a/b; ln -s ../../kept.txt a/b/link"],
  ])("a link %s keeps it", async (_, script) => {
    const stage = makeStage(script);
    expect((await expectDone(stage)).files.some((file) => file.endsWith("link"))).toBe(true);
  });

  it("an ignored link out of the tree is done", async () => {
    const stage = makeStage("ln -s /etc/hostname link", { files: { ".gitignore": "link\n" } });
    expect((await expectDone(stage)).files).toEqual([".gitignore", "kept.txt"]);
  });

  it("a link that its branch had before is done", async () => {
    const stage = makeStage("echo x > x.txt");
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    symlinkSync("/etc/hostname", join(repo.dir, "old"));
    repo.commit("a link\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    const end = await runAttempt({ ...stage, request: repo.git("rev-parse", "topic") });
    expect(end.files).toEqual(["kept.txt", "old", "x.txt"]);
  });

  it("a link in the place of its worktree is not followed", async () => {
    const stage = makeStage('d=$PWD; cd ..; mv "$d" "$d.old"; ln -s $OUT "$d"');
    mkdirSync(join(stage.outside, ".git"));
    writeFileSync(join(stage.outside, "mine.txt"), "mine\n");
    const { saved } = await expectFailed(stage, "was deleted");
    expect(saved).toEqual([]);
    expect(readFileSync(join(stage.outside, "mine.txt"), "utf8")).toBe("mine\n");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("a link in the place of the folder for its output is not followed", async () => {
    const stage = makeStage('d=$(dirname "$TRAILHAND_OUTPUT"); rm -rf "$d"; ln -s $OUT "$d"; echo x > x.txt');
    writeFileSync(join(stage.outside, "mine.txt"), "mine\n");
    await runAttempt(stage);
    expect(existsSync(join(stage.outside, "mine.txt"))).toBe(true);
    expect(leftovers(stage.repo)).toEqual([]);
  });
});

describe("a folder of an attempt", () => {
  it("is removed although a script made its folders read-only", async () => {
    const stage = makeStage("mkdir -p a/b/c; echo x > a/b/c/x; chmod -R a-w .; exit 1");
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(filesIn(stage.repo, saved[0])).toContain("a/b/c/x");
    expect(leftovers(stage.repo)).toEqual([]);
  });
});
