/** The commands of people and `doctor` where the workflow says `sign: true`. */
import { renameSync } from "node:fs";
import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { isVerified, useSshKey } from "../../support/signing-keys.ts";
import { makeRepo } from "../../support/temp-repo.ts";

const WORKFLOW = `sign: true
people: { leads: [ann@example.com] }
start: [work, look]
states:
  work: { next: done, wait: approvals 1, deadline: 30d, otherwise: failed }
  look: { human: true, next: [work, done] }
`;

function prepare() {
  const repo = introduce(makeRepo({ "states/work": "#!/bin/sh\ntrue\n", "states/workflow.yml": WORKFLOW }));
  return { repo, key: useSshKey(repo) };
}

test("the commits of a person's commands are signed with the person's key", () => {
  const { repo } = prepare();
  for (const args of [
    ["request", "work", "--new", "topic"],
    ["approve", "topic"],
    ["cancel", "topic"],
    ["retry", "topic"],
    ["request", "look", "--branch", "topic"],
  ]) {
    const before = repo.git("for-each-ref", "--format=%(objectname)", "refs/heads/topic");
    const { code, err } = cli(repo, ...args);
    expect(code, err).toBe(0);
    expect(repo.git("rev-parse", "topic"), args.join(" ")).not.toBe(before);
    expect(isVerified(repo, "topic"), args.join(" ")).toBe(true);
    expect(repo.git("log", "-1", "--format=%an", "topic")).toBe("Ann Author");
  }
});

test("a command whose commit cannot be signed writes nothing, and says what git said", () => {
  const { repo, key } = prepare();
  cli(repo, "request", "work", "--new", "topic");
  renameSync(key.file, `${key.file}-away`);
  const refs = repo.git("for-each-ref");
  for (const args of [
    ["request", "work", "--new", "other"],
    ["approve", "topic"],
    ["cancel", "topic"],
  ]) {
    const { code, err } = cli(repo, ...args);
    expect(code, args.join(" ")).toBe(1);
    expect(err).toMatch(/A commit could not be signed: .*key/);
  }
  expect(cli(repo, "run").err).toMatch(/A commit could not be signed: .*key/);
  expect(repo.git("for-each-ref")).toBe(refs);
});

test("doctor tries the key", () => {
  const { repo, key } = prepare();
  expect(cli(repo, "doctor").out).toMatch(/signing: the key in git's configuration signs/);
  renameSync(key.file, `${key.file}-away`);
  const broken = cli(repo, "doctor");
  expect(broken.code).toBe(1);
  expect(broken.out).toMatch(/signing: A commit could not be signed: .*key/);
  repo.git("config", "--unset", "user.signingKey");
  expect(cli(repo, "doctor").out).toContain("git config user.signingKey names no key");
  const plain = introduce(makeRepo({ "states/work": "#!/bin/sh\ntrue\n" }));
  expect(cli(plain, "doctor").out).not.toContain("signing");
});
