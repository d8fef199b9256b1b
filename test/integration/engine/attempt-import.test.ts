/** What a script commits, stages and leaves becomes the response or the salvage: whole, or not at all. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  expectDone,
  expectFailed,
  filesIn,
  isStored,
  objectsOf,
  quarantined,
} from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { makeStage } from "../../support/run-hostile-script.ts";

const IGNORE = { ".gitignore": "*.log\nbuild/\n" };

describe("a response has", () => {
  it("each commit of the script, in order and with its author", async () => {
    const stage = makeStage(
      "for i in 1 2 3; do echo $i > $i.txt; git add .; git commit -qm \"commit $i\" --author 'Eve <eve@example.com>'; done",
    );
    const { files } = await expectDone(stage);
    expect(files).toEqual(["1.txt", "2.txt", "3.txt", "kept.txt"]);
    expect(stage.repo.git("log", "--format=%s by %an", "topic~4..topic^")).toBe(
      "commit 3 by Eve\ncommit 2 by Eve\ncommit 1 by Eve",
    );
  });

  it("merge commits with their parents, of which each is imported", async () => {
    const stage = makeStage(
      "git checkout -q -b side; echo s > s; git add s; git commit -qm side; git checkout -q topic; echo t > t; git add t; git commit -qm own; git merge -q --no-ff -m merged side",
    );
    const { files } = await expectDone(stage);
    expect(files).toEqual(["kept.txt", "s", "t"]);
    expect(stage.repo.git("log", "--format=%s", "topic^^2", "-1")).toBe("side");
    stage.repo.git("fsck", "--no-dangling");
  });

  it.each([
    [
      "an ignored file that the script committed",
      "echo x > a.log; git add -f a.log; git commit -qm a",
      ["a.log"],
    ],
    [
      "an ignored file that the script committed and then changed",
      "echo x > a.log; git add -f a.log; git commit -qm a; echo y > a.log",
      ["a.log"],
    ],
    ["an ignored file that the script staged", "echo x > a.log; git add -f a.log", ["a.log"]],
    [
      "a staged ignored file in an ignored folder",
      "mkdir build; echo x > build/a; echo y > build/b; git add -f build/a",
      ["build/a"],
    ],
    ["a file that the script marked with intent to add", "echo x > new.txt; git add -N new.txt", ["new.txt"]],
    [
      "an edit of a skip-worktree file",
      "git update-index --skip-worktree kept.txt; echo x > new; echo edit > kept.txt",
      ["new"],
    ],
    ["a file that the script unstaged and left", "git rm -q --cached kept.txt", []],
    ["an executable file", "echo x > tool; chmod +x tool", ["tool"]],
    [
      "a file that is staged with other content than it has",
      "echo staged > new; git add new; echo left > new",
      ["new"],
    ],
  ])("%s", async (_, script, expected) => {
    const stage = makeStage(script, { files: IGNORE });
    const { files } = await expectDone(stage);
    expect(files.toSorted()).toEqual([".gitignore", "kept.txt", ...expected].toSorted());
    if (script.includes("y > a.log")) expect(stage.repo.git("show", "topic:a.log")).toBe("y");
    if (script.includes("left > new")) expect(stage.repo.git("show", "topic:new")).toBe("left");
    if (script.includes("chmod")) expect(stage.repo.git("ls-tree", "topic", "tool")).toMatch(/^100755/);
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it.each([
    ["skip-worktree", "git update-index --skip-worktree kept.txt"],
    ["assume-unchanged", "git update-index --assume-unchanged kept.txt"],
    ["a sparse checkout", "git sparse-checkout set --no-cone /states"],
    [
      "a changed configuration",
      "git config core.trustctime false; git config core.checkStat minimal; git config core.ignoreStat true",
    ],
  ])("an edit that %s hides from the script's own git", async (_, script) => {
    const stage = makeStage(`${script}; echo edit > kept.txt`);
    await expectDone(stage);
    expect(stage.repo.git("show", "topic:kept.txt")).toBe("edit");
  });

  it.each([
    ["", "printf 'tpek\\n' > kept.txt"],
    [", after its git looked at the file", "git status > /dev/null; printf 'tpek\\n' > kept.txt"],
    [
      " and the same times",
      "touch -r kept.txt $OUT/times; printf 'tpek\\n' > kept.txt; touch -r $OUT/times kept.txt",
    ],
    [", after a commit", "echo x > x; git add x; git commit -qm x; printf 'tpek\\n' > kept.txt"],
  ])("an edit of the same size right after the checkout%s", async (_, script) => {
    const stage = makeStage(script);
    await expectDone(stage);
    expect(stage.repo.git("show", "topic:kept.txt")).toBe("tpek");
  });

  it("no file that is ignored and that the script took out of its index", async () => {
    const stage = makeStage("git rm -q --cached old.log", { files: IGNORE });
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    repo.write("old.log", "old\n");
    repo.git("add", "-f", "old.log");
    repo.git("commit", "-qm", "a log\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    const { files } = await expectDone({ ...stage, request: repo.git("rev-parse", "topic") });
    expect(files).toEqual([".gitignore", "kept.txt"]);
  });

  it("none of the ignored files that the script left", async () => {
    const stage = makeStage("echo private > a.log; mkdir build; echo private > build/a; echo x > x", {
      files: IGNORE,
    });
    expect((await expectDone(stage)).files).toEqual([".gitignore", "kept.txt", "x"]);
    expect(isStored(stage.repo, "private")).toBe(false);
  });
});

describe("the salvage of an attempt that failed has", () => {
  it.each([
    [
      "a commit on another branch",
      "git checkout -q -b aside; echo lost > lost; git add lost; git commit -qm aside; git checkout -q topic; exit 1",
    ],
    [
      "a commit on another branch, besides own ones",
      "git checkout -q -b aside; echo lost > lost; git add lost; git commit -qm aside; git checkout -q topic; echo o > o; git add o; git commit -qm own; echo p > p; exit 1",
    ],
    ["the stash", "echo lost > lost; git add lost; git stash -q; exit 1"],
    [
      "an unrelated branch",
      "git checkout -q --orphan aside; echo lost > lost; git add lost; git commit -qm aside; git checkout -q topic; exit 1",
    ],
    [
      "commits that a reset took back",
      "echo lost > lost; git add lost; git commit -qm mine; git reset -q --hard HEAD~1; exit 1",
    ],
    [
      "commits of a rebase that stopped",
      "echo lost > lost; git add lost; git commit -qm mine; git checkout -q -b b HEAD~1; echo b > lost; git add lost; git commit -qm theirs; git checkout -q topic; git rebase b >/dev/null 2>&1; exit 1",
    ],
    [
      "commits on a detached HEAD",
      "git checkout -q --detach; echo lost > lost; git add lost; git commit -qm mine; exit 1",
    ],
  ])("%s", async (_, script) => {
    const stage = makeStage(script);
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(saved).toHaveLength(1);
    const commits = stage.repo.git("rev-list", saved[0] ?? "", `^${stage.request}`).split("\n");
    expect(commits.some((commit) => filesIn(stage.repo, commit).includes("lost"))).toBe(true);
    stage.repo.git("fsck", "--no-dangling");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("only one parent when all commits are below HEAD", async () => {
    const stage = makeStage(
      "echo x > x; git add x; git commit -qm x; git branch same; git branch older HEAD~1; echo y > y; exit 1",
    );
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(stage.repo.git("log", "-1", "--format=%P", saved[0] ?? "").split(" ")).toHaveLength(1);
  });

  it("nothing of an attempt that changed nothing", async () => {
    expect((await expectFailed(makeStage("git branch other; git tag v1; exit 1"), "Exit 1")).saved).toEqual(
      [],
    );
  });
});

describe("commits are refused, and none of their objects appears in the person's repository,", () => {
  const commitOf = (tree: string) => `git update-ref HEAD $(git commit-tree -p HEAD -m forged ${tree})`;

  it.each([
    ["when they lack a blob", commitOf("$(printf '100644 blob %040d\\tgone\\n' 7 | git mktree --missing)")],
    ["when they lack a tree", commitOf("$(printf '040000 tree %040d\\tgone\\n' 7 | git mktree --missing)")],
    [
      "when an object file is broken",
      "echo forged > f; git add f; git commit -qm forged; id=$(git rev-parse HEAD:f); file=.git/objects/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-); chmod u+w $file; echo broken > $file; rm f",
    ],
    [
      "when an object file has other content than its id",
      "echo forged > f; git add f; git commit -qm forged; a=$(git rev-parse HEAD:f); b=$(echo other | git hash-object -w --stdin); p() { echo .git/objects/$(echo $1 | cut -c1-2)/$(echo $1 | cut -c3-); }; chmod u+w $(p $a); cp $(p $b) $(p $a); rm f",
    ],
    [
      "when a tree holds .git",
      commitOf(
        "$(printf '100644 blob %s\\t.git\\n' $(echo forged | git hash-object -w --stdin) | git mktree)",
      ),
    ],
    [
      "when a tree holds ..",
      commitOf("$(printf '100644 blob %s\\t..\\n' $(echo forged | git hash-object -w --stdin) | git mktree)"),
    ],
    [
      "when a commit is malformed",
      "id=$(printf 'tree %s\\nparent %s\\nauthor forged\\n\\nx\\n' $(git rev-parse HEAD^{tree}) $(git rev-parse HEAD) | git hash-object -t commit --literally -w --stdin); git update-ref HEAD $id",
    ],
    [
      "when .gitmodules runs a program",
      commitOf(
        "$({ git ls-tree HEAD; printf '100644 blob %s\\t.gitmodules\\n' $(printf '[submodule \"x\"]\\n path = x\\n url = -forged\\n' | git hash-object -w --stdin); } | git mktree)",
      ),
    ],
    ["when they rewrite the request", "git commit -q --amend --allow-empty -m 'forged'"],
    [
      "when they lead to the request only through a second parent",
      "git checkout -q --orphan aside; git commit -qm forged; git merge -q --allow-unrelated-histories -s ours --no-edit topic",
    ],
  ])("%s", async (name, script) => {
    const stage = makeStage(`${script} >/dev/null 2>&1; exit 0`);
    const { repo } = stage;
    const known = new Set(objectsOf(repo));
    const { saved } = await expectFailed(stage, /never rewritten|could not be read/);
    // Rewritten history is whole, so it is saved like any other work.
    if (!/rewrite|second parent/.test(name)) {
      expect(saved).toEqual([]);
      expect(
        objectsOf(repo).filter((id) => !known.has(id) && repo.git("cat-file", "-t", id) === "blob"),
      ).toEqual([]);
      // The commits stay in the folder of the attempt.
      expect(quarantined(repo)).toHaveLength(1);
      return;
    }
    repo.git("fsck", "--no-dangling", "--strict");
    expect(leftovers(repo)).toEqual([]);
  });

  it("and the files of the script are saved", async () => {
    const stage = makeStage(
      `echo work > work.txt; git update-ref HEAD $(git commit-tree -p HEAD -m x $(printf '100644 blob %040d\\tgone\\n' 7 | git mktree --missing))`,
    );
    const { saved } = await expectFailed(stage, "never rewritten");
    expect(filesIn(stage.repo, saved[0])).toEqual(["kept.txt", "work.txt"]);
  });
});

describe("a lock or a temporary file of the script's git", () => {
  it.each(["HEAD.lock", "index.lock", "config.lock", "packed-refs.lock", "refs/heads/topic.lock"])(
    "%s does not hinder the response",
    async (lock) => {
      const stage = makeStage(`echo x > x; git add x; git commit -qm x; touch .git/${lock}; echo y > y`);
      expect((await expectDone(stage)).files).toEqual(["kept.txt", "x", "y"]);
      expect(existsSync(join(stage.repo.dir, ".git", lock))).toBe(false);
    },
  );
});
