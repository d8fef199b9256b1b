/** Settings in the git configuration of a person, and the environment of the runner. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { leftovers } from "../../support/crash-runner.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { environmentOf, run } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage } from "../../support/run-hostile-script.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";

const FILES = {
  "states/workflow.yml": "states:\n  first: { next: second }\n  second: { next: done }\n",
  "states/first": "#!/bin/sh\nprintf 'one\\r\\ntwo\\n' > 'ä \"new\"\nfile'\n",
  "states/second":
    "#!/bin/sh\necho two > two.txt\ngit -c core.safecrlf=false add two.txt\ngit commit -q -m 'by hand'\necho three > three.txt\n",
};

const BARE = ["-c", "core.commentChar=#", "-c", "trailer.separators=:", "-c", "log.showSignature=false"];

async function expectAnswered(repo: Repo): Promise<void> {
  const { events, summary } = await run(repo);
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
  const states = repo.git(
    ...BARE,
    "log",
    "--format=%(trailers:key=State,valueonly,separator=%x2C)",
    "-4",
    "topic",
  );
  expect(states.split("\n")).toEqual(["done", "", "second", "first"]);
  expect(repo.git("-c", "core.quotePath=false", "ls-tree", "-z", "--name-only", "topic").split("\0")).toEqual(
    expect.arrayContaining(['ä "new"\nfile', "two.txt", "three.txt"]),
  );
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(leftovers(repo)).toEqual([]);
}

const makeAsked = (): Repo => {
  const repo = makeRepo(FILES);
  repo.git("switch", "-q", "-c", "topic");
  repo.request("feat: größer\n\nState: first\n");
  return repo;
};

describe("a hand-off with the setting", () => {
  it.each([
    ["core.autocrlf=true"],
    ["core.autocrlf=true", "core.safecrlf=true"],
    ["core.autocrlf=input", "core.safecrlf=true", "core.eol=crlf"],
    ["core.quotePath=true", "color.ui=always", "status.relativePaths=true", "status.short=true"],
    ["status.showUntrackedFiles=no"],
    ["status.branch=true", "status.showStash=true", "status.renames=copies", "status.aheadBehind=false"],
    ["core.untrackedCache=true", "core.splitIndex=true", "feature.manyFiles=true", "index.version=4"],
    ["core.ignoreCase=true", "core.precomposeUnicode=true"],
    ["core.fileMode=false", "core.symlinks=false"],
    ["tag.gpgSign=true", "user.signingKey=none", "gpg.program=false"],
    ["commit.template=/nowhere", "commit.cleanup=scissors", "commit.verbose=true", "core.commentChar=;"],
    ["core.commentChar=S", "trailer.separators=%", "trailer.ifexists=replace"],
    ["log.showSignature=true", "log.date=relative", "log.decorate=full", "format.pretty=oneline"],
    ["diff.noprefix=true", "diff.renames=copies", "diff.external=false", "diff.mnemonicPrefix=true"],
    ["user.useConfigOnly=true"],
    ["core.logAllRefUpdates=always"],
    ["core.logAllRefUpdates=false"],
    ["i18n.logOutputEncoding=latin1", "i18n.commitEncoding=UTF-8"],
    ["worktree.guessRemote=true", "checkout.defaultRemote=origin", "checkout.guess=false"],
    ["core.excludesFile=/nowhere", "core.attributesFile=/nowhere", "core.bigFileThreshold=1"],
    ["submodule.recurse=true", "push.recurseSubmodules=check", "fetch.recurseSubmodules=true"],
    ["gc.worktreePruneExpire=now", "gc.pruneExpire=now", "gc.auto=1"],
    ["index.sparse=true", "core.preloadIndex=false", "core.checkStat=minimal", "index.threads=1"],
  ])("%s %s %s %s", async (...settings) => {
    const repo = makeAsked();
    for (const setting of settings.filter((stage) => typeof stage === "string")) {
      const [key = "", value = ""] = setting.split("=");
      repo.git("config", key, value);
    }
    await expectAnswered(repo);
  });

  it("core.sparseCheckout gives scripts the whole tree and keeps the person's checkout sparse", async () => {
    const stage = makeStage("cat deep/far/file > copy.txt; echo new > deep/far/new; echo x > outside.txt", {
      files: { "deep/far/file": "far\n", "near/file": "near\n" },
    });
    const { repo } = stage;
    repo.git("switch", "-q", "topic");
    repo.git("sparse-checkout", "set", "near");
    expect(existsSync(join(repo.dir, "deep"))).toBe(false);
    const { events, summary } = await runStage(stage);
    expect(summary.faultCount, JSON.stringify(events)).toBe(0);
    expect(answerOf(stage).files).toEqual(
      expect.arrayContaining(["copy.txt", "deep/far/file", "deep/far/new", "near/file"]),
    );
    expect(repo.git("show", "topic:copy.txt")).toBe("far");
    expect(existsSync(join(repo.dir, "deep"))).toBe(false);
    expect(repo.git("status", "--porcelain")).toBe("");
    expect(leftovers(repo)).toEqual([]);
  });

  it("core.sparseCheckout lets a script add and commit files outside the cone", async () => {
    const stage = makeStage("echo new > deep/far/new && git add deep && git commit -q -m deep", {
      files: { "deep/far/file": "far\n", "near/file": "near\n" },
    });
    stage.repo.git("sparse-checkout", "set", "near");
    await runStage(stage);
    expect(answerOf(stage).files).toContain("deep/far/new");
  });

  it("i18n.logOutputEncoding passes scripts the history as it was written", async () => {
    const stage = makeStage('cp "$TRAILHAND_REQUEST" $OUT/request.json');
    stage.repo.git("switch", "-q", "topic");
    stage.repo.request("feat: größer\n\nState: work\n");
    stage.repo.git("switch", "-q", "main");
    stage.repo.git("config", "i18n.logOutputEncoding", "latin1");
    await runStage(stage);
    const { trail } = JSON.parse(readFileSync(join(stage.outside, "request.json"), "utf8")) as {
      trail: { header: string }[];
    };
    expect(trail[0]?.header).toBe("feat: größer");
  });
});

describe("started with", () => {
  it("the variables of a hook, works on the given repository", async () => {
    const repo = makeAsked();
    const other = makeRepo();
    const before = other.git("for-each-ref");
    const env = {
      GIT_DIR: join(other.dir, ".git"),
      GIT_INDEX_FILE: join(other.dir, ".git/index"),
      GIT_WORK_TREE: other.dir,
      GIT_CONFIG_PARAMETERS: "'core.bare'='true'",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.bare",
      GIT_CONFIG_VALUE_0: "true",
      GIT_OBJECT_DIRECTORY: join(other.dir, ".git/objects"),
    };
    const saved = { ...process.env };
    Object.assign(process.env, env);
    try {
      await run(repo);
    } finally {
      for (const name of Object.keys(env)) delete process.env[name];
      Object.assign(process.env, saved);
    }
    expect(other.git("for-each-ref")).toBe(before);
    expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim()).toBe("done");
  });

  it.each(["", "relative/cache"])(
    "XDG_CACHE_HOME=%j, keeps its files out of the repository",
    async (value) => {
      const repo = makeAsked();
      const home = `${repo.dir}-home`;
      const site = await openWorkspace(repo.dir, {
        ...environmentOf(repo),
        XDG_CACHE_HOME: value,
        HOME: home,
      });
      for (const place of Object.values(site.cache)) expect(place).toMatch(`${home}/.cache/trailhand/`);
    },
  );
});

describe("the folder of worktrees", () => {
  it("of a runner that died while creating it delays no other runner", async () => {
    const repo = makeAsked();
    const { cache } = await openWorkspace(repo.dir, environmentOf(repo));
    const usualBegin = performance.now();
    await run(makeAsked());
    const usualMs = performance.now() - usualBegin;
    mkdirSync(join(cache.worktrees, ".runner-0123abcd"), { recursive: true });
    const begun = performance.now();
    await run(repo);
    expect(performance.now() - begun).toBeLessThan(usualMs + 4000);
    writeFileSync(join(cache.worktrees, ".runner-0123abcd/owner.json"), "{");
    await run(repo);
    expect(readdirSync(cache.worktrees)).toEqual([".runner-0123abcd"]);
  });
});
