/** Complaints about who works on what: dead owners, two owners, owners that only seem to live. */
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

/** Ports whose repository does something before some swaps. */
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
  test("whose process is gone from this machine keeps nobody waiting", async () => {
    const one = makeStage("true", { workflow: "states:\n  work: { retries: 1 }\n" });
    leave(one.repo, "topic", { holder: DEAD });
    await runStage(one);
    expect(answerOf(one)).toMatchObject({ state: "done", answers: one.request });
    expect(trailer(one.repo, "Attempt")).toBe("2/2");
  });

  test("elsewhere has its time, and then another goes on: nothing but the lease says that it works", async () => {
    const one = makeStage("true", { workflow: "states:\n  work: { retries: 1 }\n" });
    leave(one.repo, "topic", { ttlMs: 20_000 });
    const heads: [number, string][] = [];
    const rests = { shortestMs: 1000, longestMs: 1000 };
    const { end } = await stay(one.repo, { pollInterval: rests }, (ports) => {
      // From the claim on it is the real time that counts: that of a script and of a lease.
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
  test("of two who claim at one moment, one runs", async () => {
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

  test("who lost the work to another writes nothing, and keeps what it made", async () => {
    const one = makeStage("echo mine > mine.txt");
    const { events } = await runStage(one, {
      change: (ports) => before(ports, "work answered", async () => leave(one.repo, "topic", {})),
    });
    expect(events.at(-1)).toMatchObject({ kind: "stopped", why: "another runner took over" });
    expect(one.repo.git("rev-parse", "topic")).toBe(one.request);
    expect(one.repo.git("show", `${salvages(one)[0]}:mine.txt`)).toBe("mine");
  });
});

describe("lying-liveness", () => {
  test("who works longer than its lease lasts keeps it, by no word of the script", async () => {
    const one = makeStage("echo x >> $OUT/starts; while [ ! -e $OUT/end ]; do sleep 0.05; done");
    // Renewals come at once on the clock of the one, and the other reads the same clock.
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

  test("a script that prints nothing and changes nothing is ended, though its process lives", async () => {
    const one = makeStage("echo begun; echo half > half.txt; sleep 600", { workflow: STALLS });
    await runStage(one);
    const { state, message } = answerOf(one);
    expect(state).toBe("failed");
    expect(message).toContain("Stopped after 1.6s without output or a changed file");
    expect(message).toContain("    begun");
    expect(one.repo.git("show", `${salvages(one)[0]}:half.txt`)).toBe("half");
    expect(leftovers(one.repo)).toEqual([]);
  });

  /** Longer than it may stall: the pauses in between are fifty times as short. */
  const PATIENT = STALLS.replace("1600ms", "5s");
  const often = (what: string) => `for n in $(seq 65); do ${what}; sleep 0.1; done`;

  // They wait most of the time, so all of them wait together.
  test.concurrent.each([
    ["prints", often("echo $n")],
    ["prints to standard error", often("echo $n >&2")],
    ["changes a file", `mkdir -p a/b; ${often("echo $n > a/b/f")}`],
    ["writes what looks old", `: > a; ${often("echo $n > a; touch -d 2001-01-01 a")}`],
    ["says more to the runner", often('echo "summary=$n" > "$TRAILHAND_OUTPUT"')],
  ])("a script that %s all the time is left alone", async (_, script) => {
    const one = makeStage(script, { workflow: PATIENT });
    await runStage(one);
    expect(answerOf(one).state, answerOf(one).message).toBe("done");
  });
});

describe("contradictory-state", () => {
  test("two states are not guessed between: nothing runs, and the reason names both", async () => {
    const one = makeStage("touch $OUT/ran", { trailers: "State: other\n" });
    const { summary } = await runStage(one);
    expect(summary.idle.find(({ head }) => head.branch === "topic")).toMatchObject({
      kind: "park",
      why: { code: "two-states", detail: "work, other" },
    });
    expect(existsSync(join(one.outside, "ran"))).toBe(false);
  });

  test("what side refs and other branches say is no state: the trailer of the head alone counts", async () => {
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

test("second-database: with refs alone, in another clone without any cache, the same goes on", async () => {
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

  /** Somebody else's, that looks the same. */
  function bystander(): number {
    const { pid = 0 } = spawn("sleep", ["611"], { stdio: "ignore" });
    strays.push(pid);
    return pid;
  }

  test("when a run ends all its processes do, and nobody else's", async () => {
    const pid = bystander();
    const one = makeStage(`${SPREAD}; sleep 0.2`);
    await runStage(one);
    expect(answerOf(one).state).toBe("done");
    expect(commands(processesWith(one.repo.cache))).toEqual([]);
    expect(commands([pid])).toEqual(["sleep 611"]);
  });

  test("when a runner is killed, the next one ends what it left, and nobody else's", async () => {
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

test("git-lock-race: worktrees are made one at a time, detached, and those of people are no matter", async () => {
  const notes = join(temporaryDir(), "notes");
  mkdirSync(notes);
  const real = process.env["PATH"] ?? "";
  // Two at a time would be noticed here, as some versions of git notice them.
  usePrograms({
    git: `PATH='${real}'
case " $* " in *" worktree add "*)
  mkdir "${notes}/lock" 2>/dev/null || { touch "${notes}/together"; echo "fatal: could not lock" >&2; exit 128; }
  sleep 0.1; git "$@"; code=$?; rmdir "${notes}/lock"; exit $code ;;
esac
exec git "$@"`,
  });
  const repo = makeRepo({
    "states/work":
      '#!/bin/sh\ngit symbolic-ref -q HEAD && exit 1\nsleep 0.3; echo state=done >> "$TRAILHAND_OUTPUT"\n',
  });
  for (let at = 0; at < 6; at++) ask(repo, `work/${at}`, `feat: number ${at}\n\nState: work\n`);
  const own = join(temporaryDir(), "own");
  repo.git("worktree", "add", "-q", "-b", "mine", own, "main");
  const { summary, events } = await run(repo, { concurrency: 6 });
  expect(readdirSync(notes)).toEqual([]);
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
  for (let at = 0; at < 6; at++) expect(trailer(repo, "State", `work/${at}`)).toBe("done");
  expect(existsSync(own)).toBe(true);
  expect(leftovers(repo)).toEqual([]);
});
