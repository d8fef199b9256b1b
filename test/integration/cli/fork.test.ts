import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const STATES = {
  "states/build": '#!/bin/sh\necho built >>code.txt\necho "summary=It is built." >>"$TRAILHAND_OUTPUT"\n',
  "states/check": '#!/bin/sh\necho state=done >>"$TRAILHAND_OUTPUT"\n',
  "states/workflow.yml":
    "states:\n  build: { next: check }\n  check: { next: [done, look] }\n  look: { human: true, next: done }\n",
};

function story(): Repo {
  const repo = introduce(makeRepo(STATES));
  cli(
    repo,
    "request",
    "build",
    "--new",
    "feat/x",
    "-m",
    "feat: a line",
    "-m",
    "Write it.",
    "--trailer",
    "Refs: #7",
  );
  expect(cli(repo, "run").code).toBe(0);
  return repo;
}

test("fork requests the same state again on a new branch, where it runs", () => {
  const repo = story();
  const old = repo.git("rev-parse", "feat/x");
  const said = cli(repo, "fork", "feat/x~1", "feat/y", "-m", "feat: a line, otherwise", "-m", "Use a cache.");
  expect(said.code).toBe(0);
  expect(said.out).toContain("asks for check on feat/y");
  expect(repo.git("rev-parse", "feat/x")).toBe(old);
  expect(repo.git("rev-parse", "feat/y~1")).toBe(repo.git("rev-parse", "feat/x~1"));
  expect(repo.git("log", "-1", "--format=%B", "feat/y").trim()).toBe(`feat: a line, otherwise

Use a cache.

The work it is for:

feat: a line

Write it.

What was said last:

trailhand: build is done, check is next

It is built.

Refs: #7
Forked-From: ${repo.git("rev-parse", "feat/x~1")}
State: check
Branch: feat/y`);
  expect(cli(repo, "run").err).toContain("feat/y: check → done");
  expect(repo.git("rev-parse", "feat/x")).toBe(old);
});

test("without -m, fork uses the message of the first request", () => {
  const repo = story();
  const said = cli(repo, "fork", "feat/x~2", "feat/y", "--trailer", "Refs: #8", "--json");
  expect(JSON.parse(said.out)).toMatchObject({ branch: "feat/y", state: "build" });
  const message = repo.git("log", "-1", "--format=%B", "feat/y");
  expect(message).toContain("feat: a line\n\nWrite it.\n\nRefs: #8\n");
  expect(message).not.toContain("#7");
});

test("fork of a finished branch requests its last state, and --state requests another", () => {
  const repo = story();
  expect(cli(repo, "fork", "feat/x", "feat/y").out).toContain("asks for check on feat/y");
  expect(repo.git("rev-parse", "feat/y~1")).toBe(repo.git("rev-parse", "feat/x"));
  const look = cli(repo, "fork", "feat/x", "feat/z", "--state", "look");
  expect(look.out).toContain("asks for look on feat/z");
  expect(look.err).toContain("status --needs-me");
});

test("fork rejects existing branches, commits without a request, and invalid names", () => {
  const repo = story();
  const refs = repo.git("for-each-ref");
  expect(cli(repo, "fork", "feat/x", "feat/x").err).toContain("exists already");
  expect(cli(repo, "fork", "main", "feat/y").err).toContain("There is no request at");
  expect(cli(repo, "fork", "feat/x", "a..b").err).toContain("is not a valid branch name");
  expect(cli(repo, "fork", "nowhere", "feat/y").err).toContain("There is no commit");
  expect(cli(repo, "fork", "feat/x", "feat/y", "--state", "chekc").err).toContain('Did you mean "check"?');
  expect(cli(repo, "fork", "feat/x", "feat/y", "--state", "done").err).toContain("reserved");
  expect(cli(repo, "fork", "feat/x", "feat/y", "--trailer", "Hops: 3").err).toContain(
    "Trailhand writes it itself",
  );
  expect(cli(repo, "fork", "feat/x").code).toBe(2);
  expect(repo.git("for-each-ref")).toBe(refs);
});

test("fork accepts quotes in the source and target branch names", () => {
  const repo = introduce(makeRepo(STATES));
  const [from, to] = [`feat/it's`, `feat/$(echo)"x"`];
  cli(repo, "request", "build", "--new", from, "-m", "feat: a line");
  expect(cli(repo, "run").code).toBe(0);
  expect(cli(repo, "fork", from, to).code).toBe(0);
  expect(repo.git("log", "-1", "--format=%(trailers:key=Branch,valueonly)", to).trim()).toBe(to);
  expect(cli(repo, "run").err).toContain("check → done");
});
