/** Complaints about ownership: dead owners, double claims, owners that only seem alive. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Ports, Repository } from "../../../src/engine/ports.ts";
import { parseLease } from "../../../src/core/protocol/lease.ts";
import { usePrograms } from "../../support/pack-fixture.ts";
import { buildCrashRunner, leftovers, processesWith, startCrashRunner } from "../../support/crash-runner.ts";
import { answersTo, ask as askAt, makeRemote, makeRunner, sideRefs } from "../../support/bare-remote.ts";
import { makeRepo, repoAt, temporaryDir } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage, salvages } from "../../support/run-hostile-script.ts";
import { ask, DEAD, leaseOf, leave, states, stay, trailer } from "../../support/complaint-fixture.ts";
import { LONG_TTL_MS, quick, withQuickRenewals } from "../../support/quick-clock.ts";
import { until } from "../../support/until.ts";

let program = "";
beforeAll(async () => {
  program = await buildCrashRunner();
});

const HELLO = "feat: a thing\n\nPlease.\n\nState: work\n";

/** Ports whose repository awaits `first` before each swap whose reason starts with `why`. */
function before(ports: Ports, why: string, first: () => Promise<void>): Ports {
  const repository = new Proxy(ports.repository, {
    get(target, name) {
      if (name === "swap") {
        const swap: Repository["swap"] = async (updates, reason) => {
          if (reason.startsWith(why)) await first();
          return target.swap(updates, reason);
        };
        return swap;
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
  return { ...ports, repository };
}

describe("dead-owner", () => {
  test("the lease of a dead process on the same machine is taken over at once", async () => {
    const one = makeStage("true", { workflow: "states:\n  work: { retries: 1 }\n" });
    leave(one.repo, "topic", { holder: DEAD });
    await runStage(one);
    expect(answerOf(one)).toMatchObject({ state: "done", answers: one.request });
    expect(trailer(one.repo, "Attempt")).toBe("2/2");
  });

  test("the lease of a runner on another machine is taken over only after its lease time", async () => {
    const one = makeStage("true", { workflow: "states:\n  work: { retries: 1 }\n" });
    leave(one.repo, "topic", { ttlMs: 20_000 });
    const heads: [number, string][] = [];
    const rests = { shortestMs: 1000, longestMs: 1000 };
    const { end } = await stay(one.repo, { pollInterval: rests }, (ports) => {
      // After the claim the clock runs in real time, for the script and for the lease.
      let isClaimed = false;
      const clock = quick(ports.clock, () => !isClaimed);
      const contract: Ports["trustedConfig"] = (...args) => {
        heads.push([clock.waited(), one.repo.git("rev-parse", "topic")]);
        return ports.trustedConfig(...args);
      };
      const tell: Ports["report"] = (event) => {
        isClaimed ||= event.kind === "claimed";
        ports.report(event);
      };
      return { ...ports, clock, trustedConfig: contract, report: tell };
    });
    await until("the answer", () => answerOf(one).state === "done");
    await end();
    const early = heads.filter(([at]) => at < 20_000);
    expect(early.length).toBeGreaterThan(10);
    expect(new Set(early.map(([, head]) => head))).toEqual(new Set([one.request]));
    expect(leftovers(one.repo)).toEqual([]);
  });
});

describe("double-claim", () => {
  test("if two runners claim at the same moment, only one runs the script", async () => {
    const stage = makeRemote({
      "states/work": '#!/bin/sh\necho x >> $OUT/starts\necho state=done >> "$TRAILHAND_OUTPUT"\n',
    });
    const request = askAt(stage, "topic", HELLO);
    let waiting = 0;
    const together = async () => {
      waiting++;
      await until("the other", () => waiting >= 2);
    };
    const runners = await Promise.all(
      ["one", "two"].map((name) => makeRunner(stage, name, {}, (ports) => before(ports, "claim", together))),
    );
    await Promise.all(runners.map((one) => one.run()));
    expect(readFileSync(join(stage.outside, "starts"), "utf8")).toBe("x\n");
    expect(answersTo(stage, request)).toBe(1);
    expect(sideRefs(stage)).toEqual([]);
  });

  test("a runner that lost its lease writes no answer and saves its work", async () => {
    const one = makeStage("echo mine > mine.txt");
    const { events } = await runStage(one, {
      change: (ports) => before(ports, "answered", async () => leave(one.repo, "topic", {})),
    });
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "another runner took over" });
    expect(one.repo.git("rev-parse", "topic")).toBe(one.request);
    expect(one.repo.git("show", `${salvages(one)[0]}:mine.txt`)).toBe("mine");
  });
});

describe("lying-liveness", () => {
  test("a run that outlasts its lease time keeps the lease without help from the script", async () => {
    const one = makeStage("echo x >> $OUT/starts; while [ ! -e $OUT/end ]; do sleep 0.2; done");
    // The first runner renews its lease without waiting. The second runner reads the same clock.
    let clock: ReturnType<typeof quick> | undefined;
    const working = runStage(one, {
      options: { ttlMs: LONG_TTL_MS },
      change: (ports) => ({ ...ports, clock: (clock = withQuickRenewals(ports.clock)) }),
    });
    await until("the start", () => existsSync(join(one.outside, "starts")));
    const begin = clock?.mono() ?? 0;
    const watching = await stay(one.repo, { ttlMs: LONG_TTL_MS }, (ports) => ({
      ...ports,
      clock: { ...ports.clock, mono: () => clock?.mono() ?? 0 },
    }));
    await until(
      "three times as long as the lease lasts",
      () => (clock?.mono() ?? 0) > begin + 3 * LONG_TTL_MS,
    );
    writeFileSync(join(one.outside, "end"), "");
    await working;
    await watching.end();
    expect(readFileSync(join(one.outside, "starts"), "utf8")).toBe("x\n");
    expect(states(one.repo)).toEqual(["work", "done"]);
    expect(watching.events).toEqual([]);
  });

  const STALLS = "states:\n  work: { next: done, retries: 0, stall: 1600ms, timeout: 10m }\n";

  test("a script without output or changed files is stopped although its process is alive", async () => {
    const one = makeStage("echo begun; echo half > half.txt; sleep 600", { workflow: STALLS });
    await runStage(one);
    const { state, message } = answerOf(one);
    expect(state).toBe("failed");
    expect(message).toContain("Stopped after 1.6s without output or a changed file");
    expect(message).toContain("    begun");
    expect(one.repo.git("show", `${salvages(one)[0]}:half.txt`)).toBe("half");
    expect(leftovers(one.repo)).toEqual([]);
  });

  /** The scripts below run longer than this stall time. Their pauses are fifty times shorter. */
  const PATIENT = STALLS.replace("1600ms", "5s");
  const often = (what: string) => `for n in $(seq 65); do ${what}; sleep 0.1; done`;

  // These tests mostly wait, so they run concurrently.
  test.concurrent.each([
    ["prints", often("echo $n")],
    ["prints to standard error", often("echo $n >&2")],
    ["changes a file", `mkdir -p a/b; ${often("echo $n > a/b/f")}`],
    ["writes files with an old timestamp", `: > a; ${often("echo $n > a; touch -d 2001-01-01 a")}`],
    ["writes to TRAILHAND_OUTPUT", often('echo "summary=$n" > "$TRAILHAND_OUTPUT"')],
  ])("a script that %s all the time is not stopped", async (_, script) => {
    const one = makeStage(script, { workflow: PATIENT });
    await runStage(one);
    expect(answerOf(one).state, answerOf(one).message).toBe("done");
  });
});

describe("contradictory-state", () => {
  test("a request with two states does not run, and the reason names both", async () => {
    const one = makeStage("touch $OUT/ran", { trailers: "State: other\n" });
    const { summary } = await runStage(one);
    expect(summary.idle.find(({ head }) => head.branch === "topic")).toMatchObject({
      kind: "park",
      why: { code: "two-states", detail: "work, other" },
    });
    expect(existsSync(join(one.outside, "ran"))).toBe(false);
  });

  test("only the trailer of the head sets the state, not side refs, tags or other branches", async () => {
    const one = makeStage("true");
    leave(one.repo, "topic", {
      attempt: 1,
      request: one.repo.git("rev-parse", "main") as never,
      holder: DEAD,
    });
    one.repo.git("tag", "done", "topic");
    one.repo.git("branch", "done/topic", "main");
    await runStage(one);
    expect(states(one.repo)).toEqual(["work", "done"]);
    const { summary } = await runStage(one);
    expect(summary).toMatchObject({ startedCount: 0 });
    expect(summary.idle.find(({ head }) => head.branch === "topic")?.why).toEqual({
      code: "ended",
      detail: "done",
    });
  });
});

test("second-database: work continues from refs alone, in another clone without a cache", async () => {
  const one = makeStage('[ "$TRAILHAND_ATTEMPT" = 2 ] && echo "$TRAILHAND_PREVIOUS" > why.txt', {
    workflow: "states:\n  work: { next: done, retries: 2, backoff: 20ms }\n",
  });
  await runStage(one, { options: { once: true } });
  expect(parseLease(one.repo.git("for-each-ref", "--format=%(contents)", leaseOf("topic")))).toMatchObject({
    attempt: 1,
  });
  rmSync(one.repo.cache, { recursive: true, force: true });
  const dir = join(temporaryDir(), "copy");
  one.repo.git("clone", "-q", "--mirror", one.repo.dir, join(dir, ".git"));
  rmSync(one.repo.dir, { recursive: true, force: true });
  const copy = repoAt(dir);
  copy.git("config", "core.bare", "false");
  await run(copy);
  expect([trailer(copy, "State"), trailer(copy, "Attempt")]).toEqual(["done", "2/3"]);
  expect(copy.git("show", "topic:why.txt")).toBe("exit 1");
  expect(leftovers(copy)).toEqual([]);
});

describe("leaked-process", () => {
  const strays: number[] = [];
  afterEach(() => {
    for (const pid of strays.splice(0)) process.kill(pid, "SIGKILL");
  });

  const SPREAD = `sleep 611 & setsid sleep 612 & (setsid sh -c 'trap "" TERM HUP; sleep 613; :' &)
touch $OUT/ready`;
  const commands = (pids: readonly number[]) =>
    pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim());

  /** Starts an unrelated process with an identical command line. */
  function bystander(): number {
    const { pid = 0 } = spawn("sleep", ["611"], { stdio: "ignore" });
    strays.push(pid);
    return pid;
  }

  test("all processes of a run end with the run, and unrelated processes survive", async () => {
    const pid = bystander();
    const one = makeStage(`${SPREAD}; sleep 0.2`);
    await runStage(one);
    expect(answerOf(one).state).toBe("done");
    expect(commands(processesWith(one.repo.cache))).toEqual([]);
    expect(commands([pid])).toEqual(["sleep 611"]);
  });

  test("the next runner ends the orphaned processes of a killed runner and no others", async () => {
    const pid = bystander();
    const one = makeStage(`[ "$TRAILHAND_ATTEMPT" = 2 ] && exit 0; ${SPREAD}; sleep 614`, {
      workflow: "states:\n  work: { next: done, retries: 1 }\n",
    });
    const first = startCrashRunner(program, one.repo);
    await until("the script", () => existsSync(join(one.outside, "ready")));
    first.child.kill("SIGKILL");
    await first.ended;
    expect(processesWith(one.repo.cache).length).toBeGreaterThan(3);
    await runStage(one);
    expect(answerOf(one).state).toBe("done");
    expect(commands(processesWith(one.repo.cache))).toEqual([]);
    expect(commands([pid])).toEqual(["sleep 611"]);
  });
});

test("git-lock-race: attempts need no linked worktree, and a person's worktree is not affected", async () => {
  const notes = join(temporaryDir(), "notes");
  mkdirSync(notes);
  const repo = makeRepo({
    "states/work":
      '#!/bin/sh\n[ "$(git symbolic-ref HEAD)" = "refs/heads/$TRAILHAND_BRANCH" ] || exit 1\necho state=done >> "$TRAILHAND_OUTPUT"\n',
  });
  for (let at = 0; at < 6; at++) ask(repo, `work/${at}`, `feat: number ${at}\n\nState: work\n`);
  const own = join(temporaryDir(), "own");
  repo.git("worktree", "add", "-q", "-b", "mine", own, "main");
  const real = process.env["PATH"] ?? "";
  usePrograms({
    git: `PATH='${real}'
case " $* " in *" worktree "*) touch "${notes}/used" ;; esac
exec git "$@"`,
  });
  const { summary, events } = await run(repo, { concurrency: 6 });
  expect(readdirSync(notes)).toEqual([]);
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
  for (let at = 0; at < 6; at++) expect(trailer(repo, "State", `work/${at}`)).toBe("done");
  expect(existsSync(own)).toBe(true);
  expect(leftovers(repo)).toEqual([]);
});
