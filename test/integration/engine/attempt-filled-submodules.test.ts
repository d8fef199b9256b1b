/** Attempts whose submodules are filled: from the addresses of the trusted branch, and nothing inside is lost. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDone, expectFailed, filesIn, makeUpstream, runAttempt } from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { serveGit } from "../../support/git-http.ts";
import { makeStage, type Stage } from "../../support/run-hostile-script.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";

interface FilledStage extends Stage {
  readonly upstream: Repo;
  readonly linked: string;
  /** A later commit of the submodule's remote. */
  readonly later: string;
  /** A commit that the remote lacks. */
  readonly unpushed: string;
}

interface FilledOptions {
  /** The address on the trusted branch; default: the path of the upstream repository. */
  readonly address?: (dir: string) => string;
  readonly isOn?: boolean;
  /** Changes the branch before its request is written. */
  readonly change?: (repo: Repo, upstream: Repo) => void;
}

const moduleFile = (url: string, path = "vendor"): string =>
  `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`;

function link(repo: Repo, commit: string, path = "vendor"): void {
  repo.git("update-index", "--add", "--cacheinfo", `160000,${commit},${path}`);
}

/** A stage with the submodule `vendor` on `main` and on `topic`. */
function makeFilled(
  script: string,
  { address = (dir) => dir, isOn = true, change }: FilledOptions = {},
): FilledStage {
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
  const stage = makeStage(text.replaceAll("$CLONE", clone.dir), {
    workflow: `${isOn ? "submodules: true\n" : ""}states:\n  work: { next: done, retries: 0 }\n`,
  });
  const { repo } = stage;
  repo.write(".gitmodules", moduleFile(address(dir)));
  repo.git("add", ".gitmodules");
  link(repo, linked);
  repo.git("commit", "-qm", "add a submodule");
  repo.git("checkout", "-q", "-B", "topic");
  change?.(repo, repoAt(dir));
  const request = repo.request("feat: a thing\n\nState: work\n");
  repo.git("checkout", "-q", "main");
  return { ...stage, request, upstream: repoAt(dir), linked, later, unpushed };
}

const linkOf = ({ repo }: Stage, path = "vendor"): string => repo.git("rev-parse", `topic:${path}`);
const written = ({ outside }: Stage, name: string): string =>
  readFileSync(join(outside, name), "utf8").trim();

const IDENTITY = "-c user.name=x -c user.email=x";

describe("a submodule of the trusted branch", () => {
  it("is filled as by `git submodule update`, and stays as it is", async () => {
    const stage = makeFilled(
      "cat vendor/lib.txt > $OUT/lib; git submodule status > $OUT/status; git status --porcelain > $OUT/clean; git -C vendor log --format=%s origin/main > $OUT/log; echo x > x.txt",
    );
    await expectDone(stage);
    expect(written(stage, "lib")).toBe("lib");
    expect(written(stage, "status")).toMatch(new RegExp(`^${stage.linked} vendor`));
    expect(written(stage, "clean")).toBe("");
    expect(written(stage, "log").split("\n")).toEqual(["later", "add files", "first commit"]);
    expect(linkOf(stage)).toBe(stage.linked);
    expect(stage.repo.git("diff", "--name-only", stage.request, "topic")).toBe("x.txt");
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("starts empty without the key", async () => {
    const stage = makeFilled("ls -A vendor > $OUT/files", { isOn: false });
    await expectDone(stage);
    expect(written(stage, "files")).toBe("");
  });

  it("starts empty when only the worked branch has the key", async () => {
    const stage = makeFilled("ls -A vendor > $OUT/files", {
      isOn: false,
      change(repo) {
        repo.write("states/workflow.yml", "submodules: true\nstates:\n  work: { next: done }\n");
        repo.git("add", "states");
        repo.git("commit", "-qm", "fill them");
      },
    });
    await expectDone(stage);
    expect(written(stage, "files")).toBe("");
  });

  it("is filled with the commit that the worked branch links to", async () => {
    const stage = makeFilled("git -C vendor rev-parse HEAD > $OUT/head", {
      change(repo, upstream) {
        link(repo, upstream.git("rev-parse", "main"));
        repo.git("commit", "-qm", "move the link");
      },
    });
    await expectDone(stage);
    expect(written(stage, "head")).toBe(stage.later);
  });

  it("is fetched from the trusted address, whatever the worked branch says", async () => {
    const evil = makeRepo({ "lib.txt": "evil\n" });
    const stage = makeFilled("cat vendor/lib.txt > $OUT/lib; git config submodule.vendor.url > $OUT/url", {
      change(repo) {
        repo.write(".gitmodules", moduleFile(evil.dir));
        repo.git("add", ".gitmodules");
        repo.git("commit", "-qm", "another address");
      },
    });
    await expectDone(stage);
    expect(written(stage, "lib")).toBe("lib");
    expect(written(stage, "url")).toBe(stage.upstream.dir);
  });

  it.each([
    ["that only the worked branch has", "other"],
    ["whose folder is a part of the git directory", "../.git/hooks"],
  ])("starts empty %s", async (_, path) => {
    const evil = makeRepo({ "lib.txt": "evil\n" });
    const stage = makeFilled("ls -A other > $OUT/files", {
      change(repo) {
        repo.write(".gitmodules", moduleFile(evil.dir, path));
        repo.git("add", ".gitmodules");
        link(repo, evil.git("rev-parse", "HEAD"), "other");
        repo.git("commit", "-qm", "another submodule");
      },
    });
    await expectDone(stage);
    expect(written(stage, "files")).toBe("");
  });

  it("may have an address that is relative to the repository", async () => {
    const stage = makeFilled("cat vendor/lib.txt > $OUT/lib", { address: () => "../lib.git" });
    stage.repo.git("remote", "add", "origin", join(dirname(stage.upstream.dir), "super.git"));
    await expectDone(stage);
    expect(written(stage, "lib")).toBe("lib");
  });

  it("may run no program by its address", async () => {
    const stage = makeFilled("touch $OUT/started", { address: () => "ext::sh -c touch% $OUT/pwned" });
    await expectFailed(stage, "is not an address of a repository");
    expect(existsSync(join(stage.outside, "started"))).toBe(false);
  });

  it.each([
    ["does not exist", () => join(temporaryDir(), "none.git"), /'.*none\.git' does not/],
    ["lacks the commit", () => makeUpstream().dir, "does not send the commit"],
  ])(
    "fails the attempt with the words of git and the next command when its remote %s",
    async (_, address, words) => {
      let dir = "";
      const stage = makeFilled("touch $OUT/started", {
        address: () => (dir = address()),
        change(repo, upstream) {
          link(repo, upstream.git("rev-parse", "main"));
          repo.git("commit", "-qm", "move the link");
        },
      });
      const { message } = await expectFailed(stage, "the submodule vendor could not be filled");
      expect(message.replaceAll("\n", " ")).toMatch(words);
      expect(message).toContain(`git ls-remote ${dir}`);
      expect(existsSync(join(stage.outside, "started"))).toBe(false);
    },
  );
});

describe("a private submodule", () => {
  const rewrite = (to: string) => ["url." + to + ".insteadOf", "http://private.invalid/"] as const;

  async function makePrivate(script: string, credentials: string | undefined): Promise<FilledStage> {
    const stage = makeFilled(script, { address: () => "http://private.invalid/lib.git" });
    const server = await serveGit(dirname(stage.upstream.dir), "ann:secret");
    stage.repo.git("config", ...rewrite(server.url("", credentials)));
    return stage;
  }

  it("is fetched with the credentials of the person, which the script does not see", async () => {
    const stage = await makePrivate(
      "cat vendor/lib.txt > $OUT/lib; grep -r secret .git && touch $OUT/seen; git -C vendor checkout -q $LATER; git add vendor",
      "ann:secret",
    );
    await expectDone(stage);
    expect(written(stage, "lib")).toBe("lib");
    expect(existsSync(join(stage.outside, "seen"))).toBe(false);
    // Its remote was asked for the new commit with the same credentials.
    expect(linkOf(stage)).toBe(stage.later);
  });

  it("fails the attempt with the words of git without them", async () => {
    const stage = await makePrivate("touch $OUT/started", undefined);
    const { message } = await expectFailed(stage, "the submodule vendor could not be filled");
    expect(message.replaceAll("\n", " ")).toContain("could not read Username");
    expect(message).toContain("git ls-remote http://private.invalid/lib.git");
  });
});

describe("work inside a filled submodule", () => {
  it.each([
    [
      "a commit",
      `echo in > vendor/new.txt; git -C vendor add .; git -C vendor ${IDENTITY} commit -qm in`,
      "is at",
    ],
    [
      "a commit that is recorded",
      `echo in > vendor/new.txt; git -C vendor add .; git -C vendor ${IDENTITY} commit -qm in; git add vendor; git commit -qm link`,
      "is at",
    ],
    ["an edit", "echo in > vendor/new.txt", "has changes"],
  ])("fails the attempt and is saved, when it is %s", async (_, script, why) => {
    const stage = makeFilled(`${script}; echo x > x.txt`);
    const { saved } = await expectFailed(stage, `the submodule vendor ${why}`);
    expect(filesIn(stage.repo, saved[0])).toEqual(expect.arrayContaining(["vendor/new.txt", "x.txt"]));
    expect(leftovers(stage.repo)).toEqual([]);
  });

  it("may move the link to a commit that its remote has", async () => {
    const stage = makeFilled("git -C vendor checkout -q $LATER; git commit -qam move");
    await expectDone(stage);
    expect(linkOf(stage)).toBe(stage.later);
  });

  it("may not move the link to a commit that its remote lacks", async () => {
    const stage = makeFilled("git -C vendor fetch -q $CLONE HEAD; git -C vendor checkout -q FETCH_HEAD");
    const { message } = await expectFailed(stage, "the submodule vendor is at");
    expect(message).toContain(stage.unpushed);
  });

  it("never changes the copy that other attempts start from", async () => {
    const stage = makeFilled(
      "git -C vendor update-ref -d refs/remotes/origin/main; rm -rf vendor/* vendor/.git .git/modules/vendor/objects/*; mkdir -p vendor",
    );
    await expectDone(stage);
    const again = stage.repo;
    again.git("checkout", "-q", "-B", "second", "main");
    again.request("feat: again\n\nState: work\n");
    again.git("checkout", "-q", "main");
    await expectDone(stage);
    expect(again.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "second").trim()).toBe("done");
  });
});

describe("a program that a script plants in a filled submodule", () => {
  const PROGRAM = "printf '#!/bin/sh\\ntouch $OUT/pwned; cat\\n' > $OUT/program; chmod +x $OUT/program";
  const plant = (at: string) =>
    `git ${at} config core.fsmonitor $OUT/program; git ${at} config filter.x.clean $OUT/program; git ${at} config core.sshCommand $OUT/program; d=$(git ${at} rev-parse --absolute-git-dir); mkdir -p $d/hooks $d/info; cp $OUT/program $d/hooks/post-index-change; echo '* filter=x' > $d/info/attributes`;

  it.each([
    ["in its git directory", `${plant("-C vendor")}; touch vendor/lib.txt`],
    [
      "in a git directory elsewhere",
      `cp -r .git/modules/vendor $OUT/elsewhere; git --git-dir=$OUT/elsewhere config core.worktree $PWD/vendor; echo "gitdir: $OUT/elsewhere" > vendor/.git; ${plant("--git-dir=$OUT/elsewhere")}`,
    ],
    [
      "in a repository below a folder that git ignores",
      `mkdir -p vendor/deep; git init -q vendor/deep; echo deep >> $(git -C vendor rev-parse --absolute-git-dir)/info/exclude; ${plant("-C vendor/deep")}`,
    ],
  ])("never runs, when it is %s", async (_, script) => {
    const stage = makeFilled(`${PROGRAM}; ${script}; rm -f $OUT/pwned; echo x > x.txt`);
    await runAttempt(stage);
    expect(existsSync(join(stage.outside, "program"))).toBe(true);
    expect(existsSync(join(stage.outside, "pwned"))).toBe(false);
  });
});

describe("a submodule inside a submodule", () => {
  /** An upstream with the nested submodule `deep`, whose address is given. */
  function makeNested(address: string, id: string): Repo {
    const outer = makeRepo({ "outer.txt": "outer\n", ".gitmodules": moduleFile(address, "deep") });
    link(outer, id, "deep");
    outer.git("commit", "-qm", "deep");
    return outer;
  }

  const useOuter = (stage: Stage, outer: Repo) => {
    const { repo } = stage;
    for (const branch of ["main", "topic"]) {
      repo.git("checkout", "-q", branch);
      repo.write(".gitmodules", moduleFile(outer.dir));
      repo.git("add", ".gitmodules");
      link(repo, outer.git("rev-parse", "HEAD"));
      repo.git("commit", "-qm", "the outer one\n\nState: work");
    }
    const request = repo.git("rev-parse", "HEAD");
    repo.git("checkout", "-q", "main");
    return { ...stage, request };
  };

  it("is filled too", async () => {
    const inner = makeRepo({ "inner.txt": "inner\n" });
    const outer = makeNested(inner.dir, inner.git("rev-parse", "HEAD"));
    const stage = makeFilled(
      "cat vendor/deep/inner.txt > $OUT/inner; git submodule status --recursive > $OUT/status; echo x > x.txt",
    );
    await expectDone(useOuter(stage, outer));
    expect(written(stage, "inner")).toBe("inner");
    expect(written(stage, "status").split("\n")).toHaveLength(2);
  });

  it("that leads back to the outer one ends", async () => {
    const outer = makeRepo({ "outer.txt": "outer\n" });
    outer.write(".gitmodules", moduleFile(outer.dir, "deep"));
    outer.git("add", ".gitmodules");
    link(outer, outer.git("rev-parse", "HEAD"), "deep");
    outer.git("commit", "-qm", "one");
    for (const name of ["two", "three", "four", "five", "six", "seven"]) {
      link(outer, outer.git("rev-parse", "HEAD"), "deep");
      outer.git("commit", "-qm", name);
    }
    const stage = makeFilled("find vendor -name outer.txt | wc -l > $OUT/count; echo x > x.txt");
    await expectDone(useOuter(stage, outer));
    expect(Number(written(stage, "count"))).toBe(5);
  });

  it("starts empty when the trusted branch does not have it", async () => {
    const evil = makeRepo({ "evil.txt": "evil\n" });
    const stage = makeFilled("ls -A vendor/deep > $OUT/files; echo x > x.txt", {
      change(repo, upstream) {
        const clone = repoAt(join(temporaryDir(), "clone"));
        git(temporaryDir(), ["clone", "-q", upstream.dir, clone.dir]);
        clone.write(".gitmodules", moduleFile(evil.dir, "deep"));
        clone.git("add", ".gitmodules");
        link(clone, evil.git("rev-parse", "HEAD"), "deep");
        clone.git("commit", "-qm", "deep");
        clone.git("push", "-q", "origin", "HEAD:refs/heads/evil");
        link(repo, clone.git("rev-parse", "HEAD"));
        repo.git("commit", "-qm", "move the link");
      },
    });
    await expectDone(stage);
    expect(written(stage, "files")).toBe("");
  });
});
