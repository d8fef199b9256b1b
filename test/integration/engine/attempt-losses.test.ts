/** Ways in which work could get lost in silence, or a hostile tree could hold up the runner. */
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, filesIn, quarantined } from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";

const FILES = { "src/a": "a\n", "docs/b": "b\n", "lib/c": "c\n" };

describe("a script that ends well", () => {
  it("keeps the files that its sparse checkout left out of the tree", async () => {
    const stage = makeStage("git sparse-checkout set src; echo x > src/work.txt", { files: FILES });
    const { files } = await expectDone(stage);
    expect(files).toEqual(["docs/b", "kept.txt", "lib/c", "src/a", "src/work.txt"]);
  });

  it.each([
    ["a file in the place of a folder", "rm -r docs; echo x > docs", "docs"],
    ["a folder in the place of a file", "rm kept.txt; mkdir kept.txt; echo x > kept.txt/in", "kept.txt/in"],
  ])("may leave %s", async (_, script, path) => {
    expect((await expectDone(makeStage(script, { files: FILES }))).files).toContain(path);
  });

  it("keeps the mode that only its index holds, where the disk has none", async () => {
    const stage = makeStage("git update-index --chmod=+x kept.txt; echo x > work.txt");
    stage.repo.git("config", "core.fileMode", "false");
    await expectDone(stage);
    expect(stage.repo.git("ls-tree", "topic", "kept.txt")).toMatch(/^100755 /);
  });
});

describe("a link to a commit that only the attempt has", () => {
  const INIT = "git init -q lib; echo 1 > lib/l; git -C lib add l; git -C lib commit -qm l";
  const modules = (url: string, more = "") =>
    `printf '[submodule "lib"]\\n path = lib\\n url = ${url}\\n${more}' > .gitmodules; git add .gitmodules lib`;

  it.each([
    ["that .gitmodules hides", `${INIT}; ${modules("/nowhere", " ignore = all\\n")}; git commit -qm lib`],
    [
      "whose address is in the attempt",
      `${INIT}; git -C lib config uploadpack.allowAnySHA1InWant true; ${modules("'\"$PWD\"'/lib")}; git commit -qm lib`,
    ],
  ])("%s fails, and its files are saved", async (_, script) => {
    const stage = makeStage(script);
    const { saved } = await expectFailed(stage, "the submodule lib");
    expect(filesIn(stage.repo, saved[0])).toContain("lib/l");
  });
});

describe("the salvage of an attempt that failed", () => {
  it("has one parent for each branch, however many commits that has", async () => {
    const stage = makeStage(
      "git switch -qc other; for n in 1 2 3 4 5; do git commit -q --allow-empty -m $n; done; git switch -q topic; echo x > work.txt; exit 1",
    );
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(stage.repo.git("log", "-1", "--format=%P", saved[0] ?? "").split(" ")).toHaveLength(2);
    expect(stage.repo.git("log", "-1", "--format=%s", `${saved[0]}^2`)).toBe("5");
  });

  it("has every stash and tagged commit", async () => {
    const stage = makeStage(
      "echo one > kept.txt; git stash -q; echo two > kept.txt; git stash -q; git commit -q --allow-empty -m tagged; git tag t; git reset -q --hard HEAD~1; exit 1",
    );
    const { saved } = await expectFailed(stage, "Exit 1");
    const parents = stage.repo.git("log", "-1", "--format=%P", saved[0] ?? "").split(" ");
    const contents = parents.map((id) => stage.repo.git("show", `${id}:kept.txt`));
    expect(contents).toEqual(expect.arrayContaining(["one", "two"]));
    expect(parents.map((id) => stage.repo.git("log", "-1", "--format=%s", id))).toContain("tagged");
  });

  it("leaves the folder aside when HEAD was destroyed, because its commits cannot be read", async () => {
    const stage = makeStage(
      "echo a > a; git add a; git commit -qm a; git rm -q a; git commit -qm b; : > .git/HEAD; exit 1",
    );
    await expectFailed(stage, "Exit 1");
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it("holds no plain content of files that are stored through a filter", async () => {
    const stage = makeStage(
      "echo '*.odd working-tree-encoding=UTF-16' >> .gitattributes; printf abc > work.odd; echo secret > s.key; exit 1",
      { files: { ".gitattributes": "*.key filter=crypt\n", "s.key": "encrypted\n" } },
    );
    stage.repo.git("config", "filter.crypt.clean", "false");
    const { saved } = await expectFailed(stage, "Exit 1");
    expect(stage.repo.git("show", `${saved[0]}:s.key`)).toBe("encrypted");
    expect(stage.repo.git("show", `${saved[0]}:work.odd`)).toBe("abc");
    expect(quarantined(stage.repo)).toHaveLength(1);
  });

  it("does not wait for packed commits that nothing reads", async () => {
    const stage = makeStage(
      `head -c 3000000 /dev/urandom > big; git add big; git commit -qm big
       id=$(printf 'tree %s\\nparent %s\\nauthor broken\\n\\nx\\n' $(git rev-parse HEAD^{tree}) $(git rev-parse HEAD) | git hash-object -t commit --literally -w --stdin)
       git update-ref HEAD $id`,
    );
    const begun = performance.now();
    await expectFailed(stage, "never rewritten");
    expect(performance.now() - begun).toBeLessThan(120_000);
  });
});

describe("a request", () => {
  it("whose files cannot be checked out fails, and uses up its attempts", async () => {
    const stage = makeStage("true");
    const { repo } = stage;
    const blob = repo.git("rev-parse", "main:kept.txt");
    const tree = repo.gitIn(`100644 blob ${blob}\t${"x".repeat(300)}\n`, "mktree");
    const request = repo.gitIn("do it\n\nState: work\n", "commit-tree", "-p", "topic", "-F", "-", tree);
    repo.git("update-ref", "refs/heads/topic", request);
    const { summary } = await runStage(stage);
    expect(summary.faultCount).toBe(0);
    expect(answerOf(stage).state).toBe("failed");
    expect(answerOf(stage).message).toContain("could not be checked out");
    expect(stage.repo.git("for-each-ref", "refs/trailhand/running")).toBe("");
    expect(salvages(stage)).toEqual([]);
    expect(leftovers(repo)).toEqual([]);
  });

  it("with a link in the place of a brought file gets no copy of it", async () => {
    const stage = makeStage("echo x > work.txt", {
      workflow: "bring: [.env]\nstates:\n  work: { next: done, retries: 0 }\n",
      files: { "public.txt": "public\n" },
    });
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    symlinkSync("new.txt", join(repo.dir, ".env"));
    repo.git("add", "-f", ".env");
    repo.git("commit", "-qm", "link");
    repo.request("again\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    writeFileSync(join(repo.dir, ".env"), "SECRET=1\n");
    const { files } = await expectDone({ ...stage, request: repo.git("rev-parse", "topic") });
    expect(files).not.toContain("new.txt");
  });
});

describe("a named pipe", () => {
  it.each([".gitignore", ".gitattributes", ".gitmodules", ".git/HEAD", ".git/config", ".git/index"])(
    "in the place of %s fails the attempt at once, and the other files are saved",
    async (path) => {
      const stage = makeStage(`echo x > work.txt; rm -f ${path}; mkfifo ${path}`);
      const { saved } = await expectFailed(stage, `${path} is not a file`);
      expect(filesIn(stage.repo, saved[0])).toEqual(expect.arrayContaining(["kept.txt", "work.txt"]));
    },
  );
});
