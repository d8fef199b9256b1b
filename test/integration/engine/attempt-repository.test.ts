/** What a script finds in the repository of its attempt: an ordinary clone, in each kind of repository. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectDone } from "../../support/attempt-stage.ts";
import { leftovers } from "../../support/crash-runner.ts";
import { ask, makeRemote, makeRunner, trailerOf } from "../../support/bare-remote.ts";
import { run } from "../../support/run-runner.ts";
import { answerOf, makeStage, type Stage } from "../../support/run-hostile-script.ts";
import { git, makeRepo, repoAt, temporaryDir, type Repo } from "../../support/temp-repo.ts";

/** Runs a script and returns what it wrote to `$OUT/seen`. */
async function seenBy(script: string, prepare: (stage: Stage) => void = () => undefined): Promise<string> {
  const stage = makeStage(`set -e\n{ ${script}\n} > $OUT/seen`);
  prepare(stage);
  await expectDone(stage);
  expect(leftovers(stage.repo)).toEqual([]);
  return readFileSync(join(stage.outside, "seen"), "utf8").trimEnd();
}

describe("a script sees", () => {
  it("the branch of its request at HEAD, whose commit is the request", async () => {
    const stage = makeStage("git symbolic-ref HEAD > $OUT/seen; git rev-parse HEAD >> $OUT/seen");
    await expectDone(stage);
    expect(readFileSync(join(stage.outside, "seen"), "utf8")).toBe(`refs/heads/topic\n${stage.request}\n`);
  });

  it("a clean worktree that is a repository of its own, outside the person's", async () => {
    const script = "git status --porcelain; git rev-parse --git-dir --git-common-dir; git stash list";
    expect(await seenBy(script)).toBe(".git\n.git");
  });

  it("an identity, with which it can commit without further settings", async () => {
    const script = "env -u GIT_AUTHOR_NAME -u GIT_AUTHOR_EMAIL -u GIT_COMMITTER_NAME -u GIT_COMMITTER_EMAIL";
    expect(await seenBy(`${script} git commit -q --allow-empty -m mine; git log -1 --format=%ae`)).not.toBe(
      "",
    );
  });

  it("a repository that git finds nothing wrong with", async () => {
    expect(await seenBy("git fsck --no-dangling --strict 2>&1")).toBe("");
  });

  it("the other branches, tags and notes of the repository", async () => {
    const script = `git branch --list --format='%(refname)'; git tag --list; git notes show HEAD; git describe`;
    const seen = await seenBy(script, ({ repo }) => {
      repo.git("branch", "other", "main");
      repo.git("tag", "-a", "-m", "first release", "v1", "main");
      repo.git("notes", "add", "-m", "a note", "topic");
    });
    expect(seen).toMatch(
      /^refs\/heads\/main\nrefs\/heads\/other\nrefs\/heads\/topic\nv1\na note\nv1-1-g[0-9a-f]+$/,
    );
  });

  it.each([
    ["the stash", "git stash list; git rev-parse --verify -q refs/stash || echo none", "none"],
    ["replaced commits", "git replace --list; git log -1 --format=%s main~1", "first commit"],
    ["leases of runners", "git for-each-ref refs/trailhand/leases; echo none", "none"],
    ["reflogs", "git reflog show main; echo none", "none"],
    ["hooks", "ls .git/hooks 2>/dev/null || echo none", "none"],
  ])("nothing of the person's %s", async (_, script, expected) => {
    const seen = await seenBy(script, ({ repo }) => {
      repo.write("kept.txt", "half done\n");
      repo.git("stash");
      repo.git("replace", "main~1", repo.git("commit-tree", "-m", "replaced", "main~1^{tree}"));
      repo.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n", 0o755);
    });
    expect(seen).toBe(expected);
  });

  it("no ignored or untracked files of the person", async () => {
    const seen = await seenBy("ls -A; git check-ignore private.txt", ({ repo }) => {
      repo.write(".git/info/exclude", "private.txt\n");
      repo.write("private.txt", "mine\n");
    });
    expect(seen).toBe(".git\nkept.txt\nstates\nprivate.txt");
  });

  it("the remote without its password, and its own branch's upstream", async () => {
    const script =
      "git config --get-all remote.origin.url; git rev-parse --abbrev-ref '@{u}'; git rev-parse '@{u}'";
    let id = "";
    const seen = await seenBy(script, ({ repo }) => {
      repo.git("remote", "add", "origin", "https://ann:hunter2@example.com/a.git?token=x");
      repo.git("update-ref", "refs/remotes/origin/topic", "topic");
      id = repo.git("rev-parse", "topic");
    });
    expect(seen).toBe(`https://example.com/a.git\norigin/topic\n${id}`);
  });

  it("no program, header or credential helper of the person's configuration", async () => {
    const seen = await seenBy("git config --local --list", ({ repo }) => {
      for (const key of ["core.sshCommand", "core.fsmonitor", "gpg.program", "filter.x.clean", "alias.x"])
        repo.git("config", key, "false secret");
      for (const key of ["http.extraHeader", "credential.helper", "url.https://secret@x/.insteadOf"])
        repo.git("config", key, "secret");
      repo.git("config", "--unset", "core.fsmonitor");
    });
    expect(seen).not.toMatch(/secret/);
  });
});

describe("a script may merge", () => {
  it.each([
    ["another branch", "git merge -q --no-edit other"],
    ["the target branch", "git merge -q --no-edit main"],
    ["a tag", "git merge -q --no-edit v1"],
  ])("%s, and its response has the merge commit", async (_, merge) => {
    const stage = makeStage(merge);
    const { repo } = stage;
    repo.write("theirs.txt", "theirs\n");
    repo.commit("their work");
    repo.git("branch", "other");
    repo.git("tag", "v1");
    const { files } = await expectDone(stage);
    expect(files).toEqual(["kept.txt", "theirs.txt"]);
    expect(repo.git("log", "-1", "--format=%p", "topic~1").split(" ")).toHaveLength(2);
  });
});

describe("at a remote, a script sees", () => {
  it("the branches of the remote as local and as remote branches, and may merge both", async () => {
    const stage = makeRemote({
      "states/workflow.yml": "states:\n  work: { next: done, retries: 0 }\n",
      "states/work": `#!/bin/sh
set -e
git for-each-ref --format='%(refname)' refs/heads refs/remotes > $OUT/seen
git rev-parse --abbrev-ref '@{u}' >> $OUT/seen
git status --porcelain --branch >> $OUT/seen
git merge -q --no-edit origin/main
`,
    });
    ask(stage, "topic", "feat: a thing\n\nPlease.\n\nState: work\n");
    stage.person.git("checkout", "-q", "main");
    stage.person.write("theirs.txt", "theirs\n");
    stage.person.commit("their work");
    stage.person.git("push", "-q", "origin", "main");
    const { run: runAll } = await makeRunner(stage, "a");
    const { events } = await runAll();
    expect(trailerOf(stage, "topic", "State"), JSON.stringify(events)).toBe("done");
    expect(readFileSync(join(stage.outside, "seen"), "utf8").trimEnd().split("\n")).toEqual([
      "refs/heads/main",
      "refs/heads/topic",
      "refs/remotes/origin/main",
      "refs/remotes/origin/topic",
      "origin/topic",
      "## topic...origin/topic",
    ]);
    expect(stage.remote.git("show", "topic:theirs.txt")).toBe("theirs");
  });
});

/** Runs a request whose script commits, in a changed copy of a repository. */
const KIND_SCRIPT =
  '#!/bin/sh\nset -e\n[ -z "$(git status --porcelain)" ]\ngit merge -q --no-edit other\ngit log --oneline main > log.txt\ngit add log.txt\ngit commit -qm mine\necho left > left.txt\n';

function makeKind(options: readonly string[] = []): Repo {
  const repo = options.length === 0 ? makeRepo({ "a/a.txt": "a\n" }) : makeOwn(options);
  repo.write("states/workflow.yml", "states:\n  work: { next: done, retries: 0 }\n");
  repo.write("states/work", KIND_SCRIPT, 0o755);
  repo.commit("add states");
  repo.git("checkout", "-q", "-b", "other");
  repo.write("b/b.txt", "b\n");
  repo.commit("their work");
  repo.git("checkout", "-q", "-b", "topic", "main");
  repo.request("feat: a thing\n\nPlease.\n\nState: work\n");
  repo.git("checkout", "-q", "main");
  return repo;
}

function makeOwn(options: readonly string[]): Repo {
  const dir = join(temporaryDir(), "repo");
  git(temporaryDir(), ["init", "-q", "-b", "main", ...options, dir]);
  return repoAt(dir);
}

const cloneOf = (repo: Repo, name: string, ...options: string[]): Repo => {
  const dir = join(temporaryDir(), name);
  git(repo.dir, ["clone", "-q", ...options, repo.dir, dir]);
  const clone = repoAt(dir);
  for (const branch of ["topic", "other"]) clone.git("branch", "-q", "--force", branch, `origin/${branch}`);
  return clone;
};

const KINDS: readonly (readonly [name: string, make: () => Repo])[] = [
  ["with sha256 object names", () => makeKind(["--object-format=sha256"])],
  ["that borrows objects", () => cloneOf(makeKind(), "shared", "--shared")],
  [
    "that borrows objects from one that borrows them",
    () => cloneOf(cloneOf(makeKind(), "first", "--shared"), "second", "--shared"),
  ],
  [
    "that borrows objects through a relative path",
    () => {
      const source = makeKind();
      const clone = cloneOf(source, "relative", "--shared");
      const path = join("../../../..", source.dir.split("/").slice(-2).join("/"), ".git/objects");
      writeFileSync(join(clone.dir, ".git/objects/info/alternates"), `${path}\n`);
      return clone;
    },
  ],
  [
    "with a split index",
    () => {
      const repo = makeKind();
      repo.git("config", "core.splitIndex", "true");
      repo.git("update-index", "--split-index");
      return repo;
    },
  ],
  [
    "with a sparse checkout and a sparse index",
    () => {
      const repo = makeKind();
      repo.git("sparse-checkout", "init", "--cone", "--sparse-index");
      repo.git("sparse-checkout", "set", "states");
      return repo;
    },
  ],
  [
    "that is a bare clone inside a .bare folder",
    () => {
      const dir = join(temporaryDir(), "project");
      git(temporaryDir(), ["clone", "-q", "--bare", makeKind().dir, join(dir, ".bare")]);
      writeFileSync(join(dir, ".git"), "gitdir: ./.bare\n");
      return repoAt(dir);
    },
  ],
  [
    "that is a submodule of another one",
    () => {
      const outer = makeRepo();
      const source = makeKind();
      outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", source.dir, "inner");
      const inner = { ...repoAt(join(outer.dir, "inner")), cache: outer.cache };
      for (const branch of ["topic", "other"]) inner.git("branch", "-q", branch, `origin/${branch}`);
      return inner;
    },
  ],
  [
    "that lacks the blobs of old commits",
    () => {
      const source = makeKind();
      source.git("config", "uploadpack.allowFilter", "true");
      source.git("config", "uploadpack.allowAnySHA1InWant", "true");
      const dir = join(temporaryDir(), "partial");
      git(source.dir, ["clone", "-q", "--filter=blob:none", `file://${source.dir}`, dir]);
      const repo = repoAt(dir);
      for (const branch of ["topic", "other"]) repo.git("branch", "-q", branch, `origin/${branch}`);
      // A partial clone fetches on demand; the script itself cannot, so it gets what the merge needs.
      repo.git("checkout", "-q", "other");
      repo.git("checkout", "-q", "main");
      return repo;
    },
  ],
];

describe("an attempt works in a repository", () => {
  it.each(KINDS)("%s", async (_, make) => {
    const repo = make();
    const before = {
      status: repo.git("--no-optional-locks", "for-each-ref", "refs/heads/main"),
      config: readConfig(repo),
    };
    const { events, summary } = await run(repo);
    expect(summary.faultCount, JSON.stringify(events)).toBe(0);
    const stage = { repo, outside: "", logs: "", request: "" };
    const { state, message, files } = answerOf(stage);
    expect(state, message).toBe("done");
    expect(files).toEqual(expect.arrayContaining(["b/b.txt", "left.txt", "log.txt"]));
    repo.git("fsck", "--connectivity-only", "topic");
    expect(repo.git("for-each-ref", "refs/heads/main")).toBe(before.status);
    expect(readConfig(repo)).toBe(before.config);
    expect(leftovers(repo)).toEqual([]);
  });
});

const readConfig = (repo: Repo): string => repo.git("config", "--local", "--list");
