/** The built CLI at a remote: signals, wake-ups, takeovers, and the commands for people. */
import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { cliIn, cliStart, introduce, listen } from "../../support/run-cli.ts";
import type { CommandEnd } from "../../support/warm-program.ts";
import { type Stage, answersTo, ask, makeRemote, sideRefs, trailerOf } from "../../support/bare-remote.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { isAlive, until } from "../../support/until.ts";

const PLEASE = "feat: a thing\n\nPlease.\n\nState: work\n";
const QUICK = {
  "states/workflow.yml": "states:\n  work: { next: done }\n",
  "states/work": "#!/bin/sh\ntrue\n",
};
/** A script that records its start, then runs until the file `end` exists. */
const PATIENT =
  "#!/bin/sh\necho $$ >> $OUT/began\necho half > half.txt\nwhile [ ! -e $OUT/end ]; do sleep 0.2; done\n";
const LONG = { ...QUICK, "states/work": PATIENT };

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function start(stage: Stage, machine: string, ...args: string[]) {
  const { XDG_CACHE_HOME = "" } = stage.machine(machine);
  const child = cliStart(stage.person, { XDG_CACHE_HOME }, "run", "--remote", "origin", "--watch", ...args);
  started.push(child);
  return listen(child);
}

const cli = (stage: Stage, ...args: string[]): CommandEnd =>
  cliIn(stage.person.dir, { XDG_CACHE_HOME: stage.machine("hand")["XDG_CACHE_HOME"] ?? "" }, ...args);

const began = ({ outside }: Stage): string[] =>
  existsSync(join(outside, "began")) ? readFileSync(join(outside, "began"), "utf8").trim().split("\n") : [];
const end = ({ outside }: Stage) => writeFileSync(join(outside, "end"), "");
const leases = (stage: Stage) => sideRefs(stage, "leases");

describe("shutdown", () => {
  test("SIGTERM lets a script finish within the grace time", async () => {
    const stage = makeRemote(LONG);
    ask(stage, "topic", PLEASE);
    const one = start(stage, "one", "--grace", "1h");
    await until("the script", () => began(stage).length === 1);
    one.child.kill("SIGTERM");
    await until("the stopping message", () => one.said().includes("stopping"));
    ask(stage, "later", PLEASE);
    end(stage);
    expect(await one.exited).toBe(143);
    expect(trailerOf(stage, "topic", "State")).toBe("done");
    expect(trailerOf(stage, "later", "State")).toBe("work");
    expect(sideRefs(stage)).toEqual([]);
  });

  test("SIGTERM releases an unfinished request, saves its work and uses no attempt", async () => {
    const stage = makeRemote(LONG);
    ask(stage, "topic", PLEASE);
    const one = start(stage, "one", "--grace", "100ms");
    await until("the script", () => began(stage).length === 1);
    one.child.kill("SIGTERM");
    expect(await one.exited).toBe(143);
    const [salvage = ""] = sideRefs(stage, "salvage");
    expect(stage.remote.git("show", `${salvage}:half.txt`)).toBe("half");
    end(stage);
    const said = cli(stage, "run", "--remote", "origin");
    expect(said.err).toContain("topic: work → done");
    expect(trailerOf(stage, "topic", "Attempt")).toBe("1/3");
  });

  test("a second signal kills the script, and the next runner continues at once", async () => {
    const stage = makeRemote(LONG);
    ask(stage, "topic", PLEASE);
    const one = start(stage, "one", "--grace", "1h");
    await until("the script", () => began(stage).length === 1);
    one.child.kill("SIGTERM");
    await until("the stopping message", () => one.said().includes("stopping"));
    // A signal that a wrapper forwards at once does not count as a second signal.
    one.child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(one.child.exitCode).toBeNull();
    one.child.kill("SIGTERM");
    expect(await one.exited).toBe(143);
    await until("the end of the script", () => !isAlive(Number(began(stage)[0])));
    expect(leases(stage)).toHaveLength(1);
    end(stage);
    const { XDG_CACHE_HOME = "" } = stage.machine("one");
    const next = cliIn(stage.person.dir, { XDG_CACHE_HOME }, "run", "--remote", "origin");
    expect(next.err).toContain("topic: work → done");
    expect(trailerOf(stage, "topic", "Attempt")).toBe("2/3");
    const [salvage = ""] = sideRefs(stage, "salvage");
    expect(stage.remote.git("show", `${salvage}:half.txt`)).toBe("half");
    expect(leases(stage)).toEqual([]);
  });
});

test("the next runner saves the work of a runner that died before a reboot", async () => {
  const stage = makeRemote(LONG);
  ask(stage, "topic", PLEASE);
  const one = start(stage, "one", "--grace", "1h");
  await until("the script", () => began(stage).length === 1);
  one.child.kill("SIGKILL");
  await one.exited;
  const { XDG_CACHE_HOME = "" } = stage.machine("one");
  const files = readdirSync(XDG_CACHE_HOME, { recursive: true, encoding: "utf8" });
  const owner = files.find((path) => path.endsWith("owner.json")) ?? "";
  const written = JSON.parse(readFileSync(join(XDG_CACHE_HOME, owner), "utf8")) as object;
  writeFileSync(join(XDG_CACHE_HOME, owner), JSON.stringify({ ...written, boot: "before/1" }));
  end(stage);
  cliIn(stage.person.dir, { XDG_CACHE_HOME }, "run", "--remote", "origin");
  const [salvage = ""] = sideRefs(stage, "salvage");
  expect(stage.remote.git("show", `${salvage}:half.txt`)).toBe("half");
  expect(trailerOf(stage, "topic", "State")).toBe("done");
});

test("a runner that was paused beyond its lease time is fenced when it wakes", async () => {
  const stage = makeRemote(LONG);
  const request = ask(stage, "topic", PLEASE);
  const one = start(stage, "one", "--ttl", "5s");
  await until("the script", () => began(stage).length === 1);
  one.child.kill("SIGSTOP");
  const two = start(stage, "two", "--ttl", "5s");
  await until("the takeover", () => began(stage).length === 2);
  end(stage);
  await until("the answer", () => answersTo(stage, request) === 1);
  one.child.kill("SIGCONT");
  await until("the stop", () => one.said().includes("stopped") || one.said().includes("■"));
  expect(one.said()).not.toContain("work → done");
  await until("the salvage", () => sideRefs(stage, "salvage").length === 1);
  one.child.kill("SIGINT");
  two.child.kill("SIGINT");
  await Promise.all([one.exited, two.exited]);
  expect(answersTo(stage, request)).toBe(1);
  expect(trailerOf(stage, "topic", "Attempt")).toBe("2/3");
  expect(leases(stage)).toEqual([]);
});

test("a write to the named pipe wakes an idle runner", async () => {
  const stage = makeRemote(QUICK);
  const pipe = join(stage.outside, "pipe");
  execFileSync("mkfifo", [pipe]);
  const one = start(stage, "one", "--wake", pipe);
  ask(stage, "topic", PLEASE);
  // A byte that is written before the runner listens stays in the pipe.
  const writer = openSync(pipe, constants.O_RDWR);
  writeSync(writer, "x");
  await until("the answer", () => one.said().includes("topic: work → done"));
  closeSync(writer);
  one.child.kill("SIGINT");
  expect(await one.exited).toBe(130);
});

describe("commands for people", () => {
  test("run with a remote URL needs no local repository", async () => {
    const stage = makeRemote(QUICK);
    ask(stage, "topic", PLEASE);
    const empty = temporaryDir();
    const env = { XDG_CACHE_HOME: join(empty, "cache") };
    const said = cliIn(empty, env, "run", "--remote", stage.remote.dir);
    expect(said.err).toContain("topic: work → done");
    expect(said.code).toBe(0);
  });

  test("all commands work at the remote and leave the local clone unchanged", () => {
    const stage = makeRemote({
      ...QUICK,
      "states/workflow.yml": "states:\n  work: { next: ok }\n  ok: { human: true }\n",
    });
    introduce(stage.person);
    const before = stage.person.git("for-each-ref");
    const at = ["--remote", "origin"] as const;
    expect(cli(stage, "request", "work", "--new", "topic", "-m", "feat: it", ...at).code).toBe(0);
    expect(cli(stage, "run", ...at).err).toContain("topic: work → ok");
    const [row] = JSON.parse(cli(stage, "status", "--json", ...at).out).branches;
    expect(row).toMatchObject({ branch: "topic", state: "ok", turn: "person" });
    expect(cli(stage, "request", "done", "--branch", "topic", ...at).code).toBe(0);
    expect(trailerOf(stage, "topic", "State")).toBe("done");
    expect(cli(stage, "log", "topic", ...at).out).toContain("work → ok");
    expect(cli(stage, "request", "work", "--new", "other", ...at).code).toBe(0);
    expect(cli(stage, "cancel", "other", ...at).out).toContain("other is cancelled");
    expect(cli(stage, "retry", "other", ...at).code).toBe(0);
    expect(cli(stage, "doctor", ...at).out).toContain("atomic pushes and leases");
    expect(cli(stage, "gc", "--prune", ...at).code).toBe(0);
    expect(stage.person.git("for-each-ref")).toBe(before);
    expect(sideRefs(stage)).toEqual([]);
  });

  test.each([
    [["--remote", "orgin"], 2, /There is no remote "orgin"\. Known: origin/],
    [["--remote", "/nowhere/at/all.git"], 75, /cannot be reached/],
    [["--remote", "origin", "--ttl", "soon"], 2, /--ttl needs a duration/],
    [["--remote", "origin", "--wake", "/nowhere"], 2, /is not a named pipe/],
  ])("run reports what is wrong with %s", (args, code, words) => {
    const said = cli(makeRemote(QUICK), "run", ...args);
    expect(said.err).toMatch(words);
    expect(said.err).toMatch(/^next: /m);
    expect(said.code).toBe(code);
  });

  test("run reports that the cache cannot be written", () => {
    const stage = makeRemote(QUICK);
    mkdirSync(join(stage.outside, "x"));
    const inTheWay = join(stage.outside, "x/file");
    writeFileSync(inTheWay, "");
    const said = cliIn(stage.person.dir, { XDG_CACHE_HOME: inTheWay }, "run", "--remote", "origin");
    expect(said.err).toMatch(/^trailhand: Cannot write to .*file/);
    expect(said.code).toBe(1);
  });
});
