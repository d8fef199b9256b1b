/** Submodules in an attempt: a response links only to commits that others have, and nothing inside is lost. */
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, filesIn, makeUpstream, runAttempt } from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";

interface SubmoduleStage extends Stage {
  /** The commit that the branch links to. */
  readonly linked: string;
  /** A later commit of the submodule's remote. */
  readonly later: string;
  /** A commit of the submodule that its remote lacks. */
  readonly unpushed: string;
}

const INIT = "git -c protocol.file.allow=always submodule --quiet update --init";

/** A stage whose branch `topic` has the submodule `vendor`; the branch `moved` links to a later commit. */
function makeSubmodule(script: string): SubmoduleStage {
  const { dir, clone } = makeUpstream();
  const linked = clone.git("rev-parse", "HEAD");
  clone.write("later.txt", "later\n");
  const later = clone.commit("later");
  clone.git("push", "-q", "origin", "HEAD:main");
  const unpushed = clone.commit("unpushed");
  const text = script
    .replaceAll("$LATER", later)
    .replaceAll("$UNPUSHED", unpushed)
    .replaceAll("$UPSTREAM", dir);
  const stage = makeStage(text.replaceAll("$CLONE", clone.dir));
  const { repo } = stage;
  repo.git("checkout", "-q", "topic");
  repo.write(".gitmodules", `[submodule "vendor"]\n\tpath = vendor\n\turl = ${dir}\n`);
  link(stage, linked);
  repo.git("commit", "-qm", "a submodule\n\nState: work\n");
  const request = repo.git("rev-parse", "HEAD");
  repo.git("checkout", "-q", "-b", "moved");
  link(stage, unpushed);
  repo.git("commit", "-qm", "move the submodule");
  repo.git("checkout", "-q", "main");
  return { ...stage, request, linked, later, unpushed };
}

function link({ repo }: Stage, commit: string): void {
  repo.git("add", ".gitmodules");
  repo.git("update-index", "--add", "--cacheinfo", `160000,${commit},vendor`);
}

const linkOf = ({ repo }: Stage, commit = "topic"): string => repo.git("rev-parse", `${commit}:vendor`);

describe("a submodule stays as it is", () => {
  it.each([
    ["when the script ignores it", ""],
    ["when the script fills it", INIT],
    ["when the script removes its content", `${INIT}; rm -rf vendor; mkdir vendor`],
    [
      "when the script makes ignored files in it",
      `${INIT}; echo '*.o' >> $(git -C vendor rev-parse --git-dir)/info/exclude; echo x > vendor/a.o`,
    ],
    [
      "when the script looks at another commit and returns",
      `${INIT}; git -C vendor checkout -q $LATER 2>/dev/null; git -C vendor checkout -q -`,
    ],
    ["when the script only touches its files", `${INIT}; touch vendor/lib.txt`],
  ])("%s", async (_, script) => {
    const stage = makeSubmodule(`set -e\n${script}\necho x > x.txt`);
    const { files } = await expectDone(stage);
    expect(files).toEqual([".gitmodules", "kept.txt", "vendor", "x.txt"]);
    expect(linkOf(stage)).toBe(stage.linked);
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("with the tree of the request, when nothing else changed either", async () => {
    const stage = makeSubmodule(INIT);
    await expectDone(stage);
    expect(stage.repo.git("rev-parse", "topic^{tree}")).toBe(
      stage.repo.git("rev-parse", `${stage.request}^{tree}`),
    );
  });
});

describe("an attempt fails, and its salvage has the files inside the submodule,", () => {
  const commit = "git -C vendor -c user.name=x -c user.email=x commit -qm inside";

  it.each([
    [
      "after a commit inside",
      `${INIT}; echo in > vendor/new.txt; git -C vendor add .; ${commit}`,
      "the submodule vendor is at",
    ],
    [
      "after a commit inside that it records",
      `${INIT}; echo in > vendor/new.txt; git -C vendor add .; ${commit}; git add vendor; git commit -qm link`,
      "the submodule vendor is at",
    ],
    [
      "after a commit inside that it stages",
      `${INIT}; echo in > vendor/new.txt; git -C vendor add .; ${commit}; git add vendor`,
      "the submodule vendor is at",
    ],
    [
      "after an edit inside",
      `${INIT}; echo in > vendor/new.txt; echo edit >> vendor/lib.txt`,
      "the submodule vendor has changes",
    ],
    [
      "after an edit of the same size inside",
      `${INIT}; printf 'bil\\n' > vendor/lib.txt; echo in > vendor/new.txt; git -C vendor update-index --add new.txt`,
      "the submodule vendor has changes",
    ],
    [
      "after an edit that another driver's clean program undoes",
      `${INIT}; git -C vendor config filter.x.clean 'echo lib'; echo '* filter=x' > $(git -C vendor rev-parse --git-dir)/info/attributes; printf 'in\\n' > vendor/new.txt; cp vendor/new.txt vendor/lib.txt`,
      "the submodule vendor has changes",
    ],
    [
      "after a commit and an edit inside",
      `${INIT}; git -C vendor commit -q --allow-empty -m x; echo in > vendor/new.txt`,
      "the submodule vendor has changes",
    ],
    [
      "when it puts a repository of its own there",
      "git init -q vendor; echo in > vendor/new.txt; git -C vendor add .; git -C vendor commit -qm own",
      "the submodule vendor is at",
    ],
  ])("%s", async (_, script, why) => {
    const stage = makeSubmodule(`${script}\necho x > x.txt`);
    const { saved } = await expectFailed(stage, why);
    expect(saved).toHaveLength(1);
    expect(filesIn(stage.repo, saved[0])).toEqual(
      expect.arrayContaining(["vendor/new.txt", "x.txt", "kept.txt"]),
    );
    expect(stage.repo.git("show", `${saved[0]}:vendor/new.txt`)).toBe("in");
    expect(leftovers(stage.repo)).toEqual([]);
  });
});

describe("a link of a submodule", () => {
  const move = (id: string) => `git update-index --cacheinfo 160000,${id},vendor`;

  it.each([
    ["committed", `${move("$LATER")}; git commit -qm move`],
    ["staged", move("$LATER")],
    ["checked out", `${INIT}; git -C vendor checkout -q $LATER`],
    ["checked out and committed", `${INIT}; git -C vendor checkout -q $LATER; git commit -qam move`],
  ])("may move to a commit that its remote has, when it is %s", async (_, script) => {
    const stage = makeSubmodule(`${script}\necho x > x.txt`);
    await expectDone(stage);
    expect(linkOf(stage)).toBe(stage.later);
  });

  it.each([
    ["committed", `${move("$UNPUSHED")}; git commit -qm move`],
    ["staged", move("$UNPUSHED")],
    [
      "fetched from elsewhere",
      `${INIT}; git -C vendor fetch -q $CLONE HEAD; git -C vendor checkout -q FETCH_HEAD`,
    ],
  ])("may not move to a commit that its remote lacks, when it is %s", async (_, script) => {
    const stage = makeSubmodule(`${script}\necho x > x.txt`);
    const { message, saved } = await expectFailed(stage, "the submodule vendor is at");
    expect(message).toContain(stage.unpushed);
    expect(filesIn(stage.repo, saved[0])).toContain("x.txt");
  });

  it.each([
    ["only this repository has", "git update-index --cacheinfo 160000,$(git rev-parse HEAD),vendor"],
    [
      "its remote lacks, and that a later commit replaces",
      `${move("$UNPUSHED")}; git commit -qm there; ${move("$LATER")}; git commit -qm back`,
    ],
    [
      "its remote lacks, and that a merge of the script brings",
      `git switch -qc own; ${move("$UNPUSHED")}; git commit -qm there; git switch -q topic; git merge -q --no-ff --no-edit own`,
    ],
  ])("may not move to a commit that %s", async (_, script) => {
    const stage = makeSubmodule(`${script}\necho x > x.txt`);
    const { saved } = await expectFailed(stage, "the submodule vendor is at");
    expect(filesIn(stage.repo, saved[0])).toContain("x.txt");
  });

  it("may move by a merge of a branch that moved it, because others have that branch", async () => {
    const stage = makeSubmodule("git merge -q --no-ff --no-edit moved");
    await expectDone(stage);
    expect(linkOf(stage)).toBe(stage.unpushed);
  });

  it.each([
    ["git rm", "git rm -q vendor"],
    ["git rm and a commit", "git rm -q vendor; git commit -qm gone"],
    [
      "removing its folder",
      "rm -rf vendor; git rm -q --cached vendor; git config -f .gitmodules --remove-section submodule.vendor",
    ],
  ])("is removed by %s", async (_, script) => {
    const stage = makeSubmodule(`${script}\necho x > x.txt`);
    const { files } = await expectDone(stage);
    expect(files.filter((file) => file === "vendor")).toEqual([]);
    expect(files).toContain("x.txt");
  });

  it("is removed when a file takes its place", async () => {
    const stage = makeSubmodule("rmdir vendor; echo x > vendor");
    await expectDone(stage);
    expect(stage.repo.git("show", "topic:vendor")).toBe("x");
  });

  it.each([
    ["that is an option", "--upload-pack=touch $OUT/pwned"],
    ["that runs a program", "ext::sh -c touch% $OUT/pwned"],
    ["over ssh", "ssh://-oProxyCommand=touch/x"],
  ])("may not move when its address is one %s", async (_, address) => {
    const stage = makeSubmodule(
      `git config -f .gitmodules submodule.vendor.url '${address}'\n${move("$LATER")}`,
    );
    await expectFailed(stage, "the submodule vendor is at");
  });

  it("is judged in an attempt in which a path on the way to it became a link", async () => {
    const stage = makeSubmodule("rmdir vendor; ln -s $CLONE vendor; echo x > x.txt");
    const { saved } = await expectFailed(stage, "vendor is a link to");
    expect(filesIn(stage.repo, saved[0])).toContain("x.txt");
  });
});

describe("a submodule inside a submodule", () => {
  it("fails the attempt with the path of the outer one, when it has an edit", async () => {
    const stage = makeSubmodule(
      `${INIT}; git -C vendor -c protocol.file.allow=always submodule --quiet add $UPSTREAM deep; git -C vendor commit -qm deep; echo in > vendor/deep/new.txt; echo x > x.txt`,
    );
    const { saved } = await expectFailed(stage, "the submodule vendor has changes");
    expect(filesIn(stage.repo, saved[0])).toEqual(expect.arrayContaining(["vendor/deep/new.txt", "x.txt"]));
  });

  it("is not followed through links that lead back to the outer one", async () => {
    const stage = makeSubmodule(
      `${INIT}; cd vendor; id=$(git rev-parse HEAD)
       for name in a b c d e f g h; do
         ln -s .. $name; echo /$name >> $(git rev-parse --git-dir)/info/exclude
         git update-index --add --cacheinfo 160000,$id,$name/vendor
       done; git commit -qm loops; cd ..; echo x > x.txt`,
    );
    const { saved } = await expectFailed(stage, "the submodule vendor has changes");
    expect(filesIn(stage.repo, saved[0])).toContain("x.txt");
  });

  it("stays, when it is only filled", async () => {
    const stage = makeSubmodule(`${INIT} --recursive; echo x > x.txt`);
    expect((await runAttempt(stage)).files).toContain("x.txt");
  });
});
