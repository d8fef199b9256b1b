/** `trailhand hold`: stops all work without losing any, and lets it continue later. */
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { cli, cliIn, cliStart, introduce, listen } from "../../support/run-cli.ts";
import { ask, makeRemote, sideRefs, trailerOf } from "../../support/bare-remote.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

const ASK = "feat: a thing\n\nPlease.\n\nState: work\n";
const WORKFLOW = "states:\n  work: { next: done }\n";
/** A script that records its start, then runs until the file `end` exists. */
const patient = (out: string) =>
  `#!/bin/sh\necho half >half.txt\necho $$ >>${out}/began\nwhile [ ! -e ${out}/end ]; do sleep 0.2; done\n`;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

const began = (out: string): number =>
  existsSync(join(out, "began")) ? readFileSync(join(out, "began"), "utf8").trim().split("\n").length : 0;
const trailer = (repo: Repo, key: string, branch = "topic") =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, branch).trim();

test("hold stops and saves running work, starts nothing new, and uses no attempt", async () => {
  const out = temporaryDir();
  const repo = introduce(makeRepo({ "states/work": patient(out), "states/workflow.yml": WORKFLOW }));
  repo.git("switch", "-qc", "topic");
  repo.request(ASK);
  repo.git("switch", "-q", "main");
  const child = cliStart(repo, {}, "run", "--watch");
  started.push(child);
  const { said, exited } = listen(child);
  await until("the script", () => began(out) === 1);

  expect(cli(repo, "hold", "-m", "main is broken")).toMatchObject({ code: 0 });
  await until("the stop", () => said().includes("everything is held"));
  const salvage = repo.git("for-each-ref", "--format=%(refname)", "refs/trailhand/salvage");
  expect(repo.git("show", `${salvage}:half.txt`)).toBe("half");
  repo.git("switch", "-qc", "other", "main");
  // The message must differ: an identical commit in the same second has the same id.
  repo.request(ASK.replace("a thing", "another"));
  repo.git("switch", "-q", "main");
  expect(cli(repo, "run").err).not.toContain("work → done");
  expect(began(out)).toBe(1);
  expect(cli(repo, "status").out).toMatch(/other +work +person .*everything is held: main is broken/);
  expect(cli(repo, "doctor").out).toContain("everything is held by ann@example.com");

  expect(cli(repo, "hold", "--off")).toMatchObject({ code: 0, out: "Nothing is held any more.\n" });
  writeFileSync(join(out, "end"), "");
  await until("both answers", () => said().split("work → done").length === 3);
  expect(trailer(repo, "Attempt")).toBe("1/3");
  expect(trailer(repo, "Attempt", "other")).toBe("1/3");
  child.kill("SIGINT");
  await exited;
});

test("hold reports who holds and since when, and rejects a second hold", () => {
  const repo = introduce(makeRepo({ "states/work": "#!/bin/sh\n", "states/workflow.yml": WORKFLOW }));
  expect(cli(repo, "hold", "--off")).toMatchObject({ code: 3 });
  const first = cli(repo, "hold");
  expect(first).toMatchObject({ code: 0, out: "Everything is held: everything is stopped\n" });
  const ref = "refs/trailhand/hold";
  expect(repo.git("log", "-1", "--format=%an %ce %s%n%T", ref)).toBe(
    `Ann Author ann@example.com hold: everything is stopped\n${repo.git("hash-object", "-t", "tree", "/dev/null")}`,
  );
  repo.git("config", "user.email", "bob@example.com");
  expect(cli(repo, "hold").out).toMatch(/held by ann@example.com since \d{4}-.*: everything is stopped/);
  const json = JSON.parse(cli(repo, "hold", "--json").out) as object;
  expect(json).toMatchObject({ held: true, by: "ann@example.com", reason: "everything is stopped" });
  const second = cli(repo, "hold", "-m", "me too");
  expect(second.code).toBe(3);
  expect(second.err).toContain("ann@example.com has already put all work on hold: everything is stopped");
  expect(cli(repo, "hold", "--off", "-m", "x").code).toBe(2);
  expect(JSON.parse(cli(repo, "hold", "--off", "--json").out)).toEqual({ held: false });
  expect(repo.git("for-each-ref", ref)).toBe("");
});

test("hold requires a git identity", () => {
  const repo = makeRepo({ "states/work": "#!/bin/sh\n" });
  expect(cli(repo, "hold", "-m", "x")).toMatchObject({ code: 2 });
  expect(repo.git("for-each-ref", "refs/trailhand")).toBe("");
});

test("hold --remote stops every machine, and --off lets all of them continue", async () => {
  const stage = makeRemote({ "states/work": patient("$OUT"), "states/workflow.yml": WORKFLOW });
  introduce(stage.person);
  ask(stage, "topic", ASK);
  const env = (name: string) => ({ XDG_CACHE_HOME: stage.machine(name)["XDG_CACHE_HOME"] ?? "" });
  const child = cliStart(stage.person, env("one"), "run", "--watch", "--remote", "origin", "--ttl", "15s");
  started.push(child);
  const { said, exited } = listen(child);
  await until("the script", () => began(stage.outside) === 1);
  const hand = (...args: string[]) => cliIn(stage.person.dir, env("hand"), ...args, "--remote", "origin");
  expect(hand("hold", "-m", "wait").code).toBe(0);
  expect(hand("hold").out).toContain("held by ann@example.com");
  await until("the stop", () => said().includes("everything is held"));
  expect(sideRefs(stage, "salvage")).toHaveLength(1);
  expect(stage.person.git("for-each-ref", "refs/trailhand")).toBe("");
  expect(hand("run").err).not.toContain("work → done");
  writeFileSync(join(stage.outside, "end"), "");
  expect(hand("hold", "--off").code).toBe(0);
  await until("the answer", () => trailerOf(stage, "topic", "State") === "done");
  expect(trailerOf(stage, "topic", "Attempt")).toBe("1/3");
  child.kill("SIGINT");
  await exited;
});
