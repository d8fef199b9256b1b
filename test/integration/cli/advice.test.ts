/** The commands that messages suggest work as printed. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { shellWord } from "../../../src/core/messages/messages.ts";
import { cli, introduce } from "../../support/run-cli.ts";
import { git, makeRepo, repoAt, temporaryDir } from "../../support/temp-repo.ts";

const STATE = '#!/bin/sh\necho ok >>"$TRAILHAND_OUTPUT.note"\n';
const WORKFLOW = "states:\n  work: { next: look }\n  look: { human: true, next: [done, work] }\n";
const ready = (workflow = WORKFLOW) =>
  introduce(makeRepo({ "states/work": STATE, "states/workflow.yml": workflow }));

/** Splits a suggested command as a shell does, without the leading `trailhand`. */
function wordsOf(line: string): string[] {
  const out = execFileSync("sh", ["-c", `for a in ${line}; do printf '%s\\n' "$a"; done`], {
    encoding: "utf8",
  });
  return out.trimEnd().split("\n").slice(1);
}

const nextOf = (repo: ReturnType<typeof ready>): string => {
  const { branches } = JSON.parse(cli(repo, "status", "--json").out) as {
    branches: { next: string }[];
  };
  return branches[0]?.next ?? "";
};

test("status lists the states that a person can choose and the command that continues", () => {
  const repo = ready();
  expect(cli(repo, "request", "work", "--new", "it's;here").code).toBe(0);
  expect(cli(repo, "run").code).toBe(0);
  expect(cli(repo, "status").out).toContain("waits for a person: done or work");
  const next = nextOf(repo);
  expect(next).toBe(`trailhand approve 'it'\\''s;here'`);
  const said = cli(repo, ...wordsOf(next));
  expect(said).toMatchObject({ code: 0 });
  expect(said.err).toContain("next: trailhand log");
  expect(cli(repo, "status").out).toContain("finished");
});

test("a person can request done only if their state allows it", () => {
  const repo = ready(WORKFLOW.replace("[done, work]", "work"));
  cli(repo, "request", "look", "--new", "feat/x");
  expect(cli(repo, "request", "done", "--branch", "feat/x")).toMatchObject({ code: 2 });
  expect(cli(repo, "request", "done", "--new", "feat/y")).toMatchObject({ code: 2 });
});

test("request of a human state suggests status --needs-me, not run", () => {
  expect(cli(ready(), "request", "look", "--new", "feat/x").err).toContain("status --needs-me");
});

test("status reports a broken workflow instead of a missing state", () => {
  const repo = ready();
  cli(repo, "request", "work", "--new", "feat/x");
  repo.git("switch", "-q", "main");
  repo.write("states/workflow.yml", "states: [");
  repo.git("commit", "-qam", "break it");
  expect(cli(repo, "status").out).toContain("the workflow on main cannot be used  (trailhand doctor)");
});

test("contradictory options are rejected", () => {
  const repo = ready();
  const both = cli(repo, "request", "work", "--new", "a", "--branch", "b");
  expect(both).toMatchObject({ code: 2 });
  expect(both.err).toContain("--branch and --new");
  expect(cli(repo, "run", "--once", "--watch").code).toBe(2);
});

test.each([
  [["run", "-j"], "The option --concurrency needs a value"],
  [["gc", "--keep-days", "-1"], "The option --keep-days needs a value"],
  [["status", "--json=yes"], "The option --json does not take a value"],
  [["--verson"], "Did you mean --version?\nnext: trailhand help\n"],
  [["request", "work", "--trailer", "Priority 3"], 'it has no ":"'],
  [["request", "work", "--trailer", "State: work"], "is reserved: Trailhand writes it itself"],
])("%j gets a plain error message and a next command", (line, what) => {
  const said = cli(ready(), ...line);
  expect(said.code).toBe(2);
  expect(said.err).toContain(what);
  expect(said.err).toContain("next: ");
});

test("gc prints the command that removes exactly the listed items", () => {
  const repo = ready();
  cli(repo, "request", "work", "--new", "feat/x");
  cli(repo, "run");
  const said = cli(repo, "gc", "--keep-days", "0");
  const next = /next: (.*)/.exec(said.err)?.[1] ?? "";
  expect(next).toBe("trailhand gc --prune --keep-days 0");
  expect(cli(repo, ...wordsOf(next)).err).not.toMatch(/^0 removed/m);
});

test("init suggests setting trailhand.target if the default branch is not main", () => {
  const dir = join(temporaryDir(), "trunk");
  git(temporaryDir(), ["init", "-q", "-b", "trunk", dir]);
  const repo = introduce(repoAt(dir));
  const steps = cli(repo, "init").err;
  expect(steps).toContain("git config trailhand.target trunk");
  repo.git("config", "trailhand.target", "trunk");
  repo.git("add", "states");
  repo.git("commit", "-qm", "states");
  expect(cli(repo, "request", "check", "--new", "try-it").code).toBe(0);
  expect(cli(repo, "run").code).toBe(0);
});

test("init on a feature branch says to commit the states on the trusted branch", () => {
  const repo = introduce(makeRepo());
  repo.git("switch", "-qc", "feat/x");
  const steps = cli(repo, "init").err;
  expect(steps).toContain("git switch main\n");
  expect(steps).toContain("# on main, the trusted branch");
});

test("names are quoted only if a shell would misread them", () => {
  expect(shellWord("feat/login")).toBe("feat/login");
  expect(shellWord("a b")).toBe("'a b'");
  expect(shellWord("$(x)")).toBe("'$(x)'");
});

test("status of failed work suggests the retry command", () => {
  const repo = introduce(makeRepo({ "states/work": "#!/bin/sh\nexit 1\n" }));
  repo.write("states/workflow.yml", "states: { work: { retries: 0 } }");
  repo.git("add", "states");
  repo.git("commit", "-qm", "no retries");
  cli(repo, "request", "work", "--new", "feat/x");
  expect(cli(repo, "run").code).toBe(1);
  expect(cli(repo, "status").out).toContain("ended as failed  (trailhand retry feat/x)");
  expect(cli(repo, "retry", "feat/x").code).toBe(0);
});

test("packages that the first check installs are not committed", () => {
  const repo = introduce(makeRepo());
  const scripts = { test: "test -d node_modules/dep" };
  repo.write("package.json", JSON.stringify({ name: "x", scripts, dependencies: { dep: "file:./dep" } }));
  repo.write("dep/package.json", JSON.stringify({ name: "dep", version: "1.0.0" }));
  cli(repo, "init");
  repo.git("add", "--all");
  repo.git("commit", "-qm", "a node project");
  cli(repo, "request", "check", "--new", "feat/x");
  expect(cli(repo, "run").code).toBe(0);
  expect(repo.git("ls-tree", "--name-only", "feat/x")).not.toContain("node_modules");
});
