/** What a script does to its own repository stays there: neither the person's nor the runner's git obeys it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { expectDone, filesIn, runAttempt } from "../../support/attempt-stage.ts";
import { ask, makeRemote, makeRunner, trailerOf } from "../../support/bare-remote.ts";
import { makeStage, runStage, answerOf } from "../../support/run-hostile-script.ts";
import type { Repo } from "../../support/temp-repo.ts";

const PROGRAM = fileURLToPath(new URL("../../../dist/trailhand.js", import.meta.url));

/** Everything of the person's repository that a script must not change. */
function personalState(repo: Repo): object {
  return {
    config: readFileSync(join(repo.dir, ".git/config"), "utf8"),
    hooks: readdirSync(join(repo.dir, ".git/hooks")),
    info: readdirSync(join(repo.dir, ".git/info")),
    stash: repo.git("stash", "list", "--format=%H %gs"),
    status: repo.git("status", "--porcelain"),
    refs: repo
      .git("for-each-ref", "--format=%(refname) %(objectname)")
      .split("\n")
      .filter((line) => !/refs\/heads\/topic |refs\/trailhand\//.test(line)),
  };
}

describe("a script cannot change the person's repository", () => {
  it.each([
    [
      "a branch, a tag and a remote branch",
      "for r in heads/main heads/new tags/v1 remotes/origin/main; do git update-ref refs/$r HEAD; done",
    ],
    ["the stash", "echo x >> kept.txt; git stash -q; git stash pop -q"],
    ["the stash that it drops", "git stash drop -q; git stash clear"],
    ["a replacement", "git replace HEAD main"],
    ["notes", "git notes add -m forged main"],
    ["where addresses lead", "git config url.https://evil.example/.insteadOf https://github.com/"],
    [
      "how git connects",
      "git config core.sshCommand 'touch $OUT/pwned'; git config credential.helper '!touch $OUT/pwned'",
    ],
    [
      "who proves signatures",
      "git config gpg.program 'touch $OUT/pwned'; git config gpg.ssh.program 'touch $OUT/pwned'",
    ],
    ["the kind of the repository", "git config core.bare true"],
    ["a file monitor", "git config core.fsmonitor 'touch $OUT/pwned'"],
    [
      "hooks",
      "for h in pre-commit post-checkout reference-transaction; do mkdir -p .git/hooks; printf '#!/bin/sh\\ntouch $OUT/pwned\\n' > .git/hooks/$h; chmod +x .git/hooks/$h; done; git config core.hooksPath .git/hooks",
    ],
    ["the trusted branch", "git config trailhand.target topic"],
    ["a remote", "git remote add evil https://evil.example/; git config remote.pushDefault evil"],
    ["the identity", "git config user.name Evil; git config user.email evil@example.com"],
    [
      "ignored files and attributes",
      "echo '*' >> .git/info/exclude; echo '* filter=evil' >> .git/info/attributes",
    ],
    ["its objects", "git gc -q --prune=now; git prune; git repack -adq"],
  ])("%s", async (_, script) => {
    const stage = makeStage(
      `${script} >/dev/null 2>&1; git rev-parse -q --verify HEAD > $OUT/ran; rm -f $OUT/pwned; exit 0`,
    );
    const { repo } = stage;
    repo.write("kept.txt", "the person's edit\n");
    repo.git("stash", "-q");
    const before = personalState(repo);
    const { files } = await expectDone(stage);
    expect(existsSync(join(stage.outside, "ran"))).toBe(true);
    expect(files).toEqual(["kept.txt"]);
    expect(personalState(repo)).toEqual(before);
    expect(repo.git("log", "--format=%an", "-1", "topic")).not.toBe("Evil");
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
    repo.git("fsck", "--no-dangling");
  });

  it("its working files, when the branch of the request is checked out", async () => {
    const stage = makeStage("git checkout -q -b aside; git branch -f main; echo x > x.txt");
    stage.repo.git("checkout", "-q", "topic");
    await expectDone(stage);
    expect(stage.repo.git("symbolic-ref", "HEAD")).toBe("refs/heads/topic");
    expect(stage.repo.git("status", "--porcelain")).toBe("");
    expect(readFileSync(join(stage.repo.dir, "x.txt"), "utf8")).toBe("x\n");
  });
});

describe("a script cannot change what is trusted", () => {
  const workflow = "states:\n  work: { next: [review], retries: 0 }\n  review: { human: true, next: done }\n";

  it.each([
    ["in its branch", ""],
    ["and moves the target branch to them", "git update-ref refs/heads/main HEAD"],
    ["and names its branch as the target", "git config trailhand.target topic"],
    ["and replaces the trusted commit by them", "git replace main HEAD"],
  ])("by states of its own %s", async (_, then) => {
    const stage = makeStage(
      `printf 'states:\\n  work: { next: [review] }\\n  review: { next: done }\\n' > states/workflow.yml
       printf '#!/bin/sh\\ntouch $OUT/pwned\\n' > states/review; chmod +x states/review
       git add -A; git commit -qm 'own states'; ${then}`,
      { workflow },
    );
    const main = stage.repo.git("rev-parse", "main");
    const { state } = await runAttempt(stage);
    expect(state).toBe("review");
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
    expect(stage.repo.git("rev-parse", "main")).toBe(main);
  });

  it("by new content of the script that it runs from", async () => {
    const evil = "printf '#!/bin/sh\\ntouch $OUT/pwned\\n'";
    const stage = makeStage(
      `for file in "$TRAILHAND_STATES/states/work" "$0"; do
         chmod u+w "$file" "$(dirname "$file")"; rm -f "$file"; ${evil} > "$file"; chmod +x "$file"
       done; echo $TRAILHAND_BRANCH > made.txt`,
    );
    const { repo } = stage;
    for (const branch of ["topic-2", "topic-3"]) {
      repo.git("checkout", "-q", "-b", branch, "main");
      repo.request(`feat: a thing on ${branch}\n\nState: work\n`);
    }
    repo.git("checkout", "-q", "main");
    const { events } = await runStage(stage, { options: { concurrency: 1 } });
    for (const branch of ["topic", "topic-2", "topic-3"])
      expect(filesIn(repo, branch), JSON.stringify(events)).toContain("made.txt");
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
  });

  it("of later runs by objects that it overwrites in its own repository", async () => {
    const stage = makeStage(
      `blob=$(git rev-parse main:states/work); mkdir -p .git/objects/\${blob%??????????????????????????????????????}
       printf broken > .git/objects/\${blob%??????????????????????????????????????}/\${blob#??}`,
    );
    await expectDone(stage);
    stage.repo.git("fsck", "--no-dangling");
  });
});

describe("the runner's own git executes nothing that a script planted", () => {
  const plant = (repository: string): string => `(cd ${repository}
    git config core.fsmonitor 'touch $OUT/pwned; false'; git config core.hooksPath $OUT/hooks
    git config diff.external 'touch $OUT/pwned'; git config core.sshCommand 'touch $OUT/pwned'
    git config core.pager 'touch $OUT/pwned'; git config core.editor 'touch $OUT/pwned'
    git config gpg.program 'touch $OUT/pwned'; git config commit.gpgSign true
    git config uploadpack.packObjectsHook 'touch $OUT/pwned'; git config core.alternateRefsCommand 'touch $OUT/pwned'
    for part in clean smudge process; do git config filter.evil.$part 'touch $OUT/pwned'; git config filter.a=b.$part 'touch $OUT/pwned'; done
    printf '* filter=evil diff=evil\\n*.b filter=a=b\\n' > .gitattributes; git config diff.evil.textconv 'touch $OUT/pwned'
    mkdir -p $OUT/hooks; for h in post-index-change reference-transaction pre-commit post-checkout; do
      printf '#!/bin/sh\\ntouch $OUT/pwned\\n' > $OUT/hooks/$h; chmod +x $OUT/hooks/$h; done
    echo tpek > kept.txt; echo new > new.b)`;

  it.each([
    ["its own repository", plant("."), "exit 0"],
    ["its own repository, before it fails", plant("."), "exit 1"],
    [
      "its own repository, after a commit",
      `echo a > a; git add a; git commit -qm a; ${plant(".")}`,
      "exit 0",
    ],
    [
      "its own repository, with another branch and a stash",
      `git branch b; echo s > kept.txt; git stash -q; ${plant(".")}`,
      "exit 1",
    ],
    [
      "its own repository, which claims to fetch what it lacks",
      `${plant(".")}; git config remote.evil.promisor true; git config remote.evil.url /tmp; git config remote.evil.uploadpack 'touch $OUT/pwned'; git config extensions.partialClone evil; git config core.repositoryFormatVersion 1
      tree=$(printf '100644 blob %040d\tgone\n' 7 | git mktree --missing); git update-ref HEAD $(git commit-tree -p HEAD -m incomplete $tree)`,
      "exit 0",
    ],
    [
      "a nested repository",
      `git init -q nested; echo kept > nested/kept.txt; git -C nested add .; git -C nested commit -qm x; ${plant("nested")}`,
      "exit 0",
    ],
    [
      "a staged nested repository",
      `git init -q n; git -C n commit -q --allow-empty -m n; git add n 2>&1; ${plant("n")}`,
      "exit 0",
    ],
    [
      "a repository at the path of a submodule",
      `rm -rf vendor; git init -q vendor; echo kept > vendor/kept.txt; git -C vendor add .; git -C vendor commit -qm x; ${plant("vendor")}`,
      "exit 0",
    ],
    [
      "a repository below the one at the path of a submodule",
      `rm -rf vendor; git init -q vendor; git init -q vendor/deep; echo kept > vendor/deep/kept.txt; git -C vendor/deep add .; git -C vendor/deep commit -qm x; git -C vendor add deep 2>&1; git -C vendor commit -qm x; ${plant("vendor/deep")}`,
      "exit 0",
    ],
    [
      "a .git file at the path of a submodule",
      `git init -q $OUT/elsewhere; echo "gitdir: $OUT/elsewhere/.git" > vendor/.git; git config -f $OUT/elsewhere/.git/config core.worktree $PWD/vendor; ${plant("vendor")}`,
      "exit 1",
    ],
  ])("in %s", async (_, script, end) => {
    const stage = makeStage(`${script}\nrm -f $OUT/pwned\n${end}`);
    const { repo } = stage;
    // The link needs no commit that exists: nothing fills the folder.
    repo.git("checkout", "-q", "topic");
    repo.git("update-index", "--add", "--cacheinfo", `160000,${repo.git("rev-parse", "main")},vendor`);
    repo.git("commit", "-qm", "a link\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    await runAttempt({ ...stage, request: repo.git("rev-parse", "topic") });
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
  });

  it("in its branch's attributes, when the person has a driver of this name", async () => {
    const stage = makeStage("echo x > new.txt; rm -f $OUT/pwned");
    const { repo } = stage;
    repo.git("checkout", "-q", "topic");
    repo.write(".gitattributes", "* filter=a=b\n");
    repo.commit("attributes\n\nState: work\n");
    repo.git("checkout", "-q", "main");
    for (const part of ["clean", "smudge", "process"])
      repo.git("config", `filter.a=b.${part}`, `touch ${stage.outside}/pwned; cat`);
    await runAttempt({ ...stage, request: repo.git("rev-parse", "topic") });
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
  });
});

describe("at a remote", () => {
  it("a script cannot change where the runner's next fetch goes, nor which program it starts", async () => {
    const stage = makeRemote({
      "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
      "states/work": `#!/bin/sh
git config url.$OUT/evil.insteadOf "$(git config remote.origin.url)"
git config core.sshCommand 'touch $OUT/pwned'; git config remote.origin.uploadpack 'touch $OUT/pwned'
git config remote.origin.url $OUT/evil; git config credential.helper '!touch $OUT/pwned'
git update-ref refs/heads/main HEAD; echo x > x.txt
`,
    });
    for (const branch of ["one", "two"]) ask(stage, branch, "feat: a thing\n\nPlease.\n\nState: work\n");
    const { run } = await makeRunner(stage, "a", { concurrency: 1 });
    await run();
    for (const branch of ["one", "two"]) expect(trailerOf(stage, branch, "State")).toBe("done");
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
  });
});

describe("a command that is typed in a script's worktree", () => {
  it.each([
    ["approve topic"],
    ["approve review"],
    ["cancel topic -m no"],
    ["request work -m 'feat: forged'"],
    ["request --branch forged work -m 'feat: forged'"],
    ["hold -m wait"],
    ["run --once"],
  ])("trailhand %s is refused with exit 3, and changes nothing", async (command) => {
    const stage = makeStage(
      `${process.execPath} ${PROGRAM} ${command} > $OUT/said 2>&1; echo $? > $OUT/code; git for-each-ref > $OUT/refs-after`,
      {
        workflow:
          "start: [work, review]\nstates:\n  work: { next: done, retries: 0 }\n  review: { human: true, next: done }\n",
      },
    );
    const { repo } = stage;
    repo.git("checkout", "-q", "-b", "review", "main");
    repo.request("feat: for a person\n\nState: review\n");
    repo.git("checkout", "-q", "main");
    const refs = () =>
      repo
        .git("for-each-ref", "--format=%(refname) %(objectname)")
        .split("\n")
        .filter((line) => !line.includes("topic") && !line.startsWith("refs/trailhand/journal"));
    const before = refs();
    await expectDone(stage);
    const said = readFileSync(join(stage.outside, "said"), "utf8");
    expect(readFileSync(join(stage.outside, "code"), "utf8"), said).toBe("3\n");
    expect(said).toContain("does not work inside an attempt");
    expect(refs()).toEqual(before);
    expect(answerOf(stage).files).toEqual(["kept.txt"]);
  });

  it("trailhand log works, because it only reads", async () => {
    const stage = makeStage(`${process.execPath} ${PROGRAM} log topic > $OUT/said 2>&1; echo $? > $OUT/code`);
    await expectDone(stage);
    expect(readFileSync(join(stage.outside, "code"), "utf8")).toBe("0\n");
  });
});
