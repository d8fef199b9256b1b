/** Limits of attempts, hops, back-off and lanes. */
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { NO_AMOUNTS } from "../../../src/core/util/amounts.ts";
import type { Branch, Ref, RunId, Sha } from "../../../src/core/protocol/ids.ts";
import { formatLease, parseLease, type Lease } from "../../../src/core/protocol/lease.ts";
import { refsOf } from "../../../src/core/protocol/refs.ts";
import { branchKey } from "../../../src/git/swap-refs.ts";
import { thisHolder } from "../../../src/process/process-identity.ts";
import { makeRepo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage, type Stage } from "../../support/run-hostile-script.ts";

const TOPIC = "topic" as Branch;
const LEASE: Ref = refsOf(branchKey(TOPIC)).lease;
/** A process of this machine that has ended. */
const dead = { ...thisHolder(), pid: 1, started: "1" };

/** Writes a lease of another runner on `topic`. */
function writeLease(stage: Stage, change: Partial<Lease>): void {
  const lease: Lease = {
    branch: TOPIC,
    request: stage.request as Sha,
    run: randomUUID() as string as RunId,
    runner: "somebody@elsewhere",
    attempt: 1,
    ttlMs: 60_000,
    nonce: "0".repeat(32),
    lanes: ["default"],
    slots: [],
    spent: NO_AMOUNTS,
    ...change,
  };
  const { repo } = stage;
  const tree = repo.gitIn("", "mktree");
  repo.git("update-ref", LEASE, repo.gitIn(formatLease(lease), "commit-tree", "-F", "-", tree));
}

const THREE = "states:\n  work: { next: done, retries: 2, backoff: 30ms }\n";

describe("attempts", () => {
  it("are counted across a takeover", async () => {
    const stage = makeStage('echo "$TRAILHAND_ATTEMPT/$TRAILHAND_ATTEMPTS" > attempt.txt', {
      workflow: THREE,
    });
    writeLease(stage, { attempt: 2, holder: dead });
    await runStage(stage);
    expect(answerOf(stage).state).toBe("done");
    expect(stage.repo.git("show", "topic:attempt.txt")).toBe("3/3");
  });

  it("that all ended with the death of a runner park the request without another run", async () => {
    const stage = makeStage("touch $OUT/ran; exit 1", { workflow: THREE });
    writeLease(stage, { attempt: 3, holder: dead });
    await runStage(stage);
    const { state, answers, message } = answerOf(stage);
    expect(state).toBe("parked");
    expect(answers).toBe(stage.request);
    expect(message).toContain("3 attempts ended without an answer, and the limit is 3");
    expect(message).not.toContain("Script: -");
  });

  it("receive why the previous one failed", async () => {
    const script = '[ "$TRAILHAND_ATTEMPT" = 1 ] && exit 3; echo "$TRAILHAND_PREVIOUS" > why.txt';
    const stage = makeStage(script, { workflow: THREE });
    await runStage(stage);
    expect(stage.repo.git("show", "topic:why.txt")).toBe("exit 3");
  });

  it("of an older request do not count for a newer one", async () => {
    const stage = makeStage('echo "$TRAILHAND_ATTEMPT" > attempt.txt', { workflow: THREE });
    writeLease(stage, { attempt: 3, holder: dead, request: stage.repo.git("rev-parse", "main") as Sha });
    await runStage(stage);
    expect(stage.repo.git("show", "topic:attempt.txt")).toBe("1");
  });

  it("of a runner elsewhere are left alone", async () => {
    const stage = makeStage("exit 0");
    writeLease(stage, {});
    const before = stage.repo.git("rev-parse", LEASE);
    const { summary, events } = await runStage(stage);
    expect(events).toEqual([]);
    expect(summary.idle.find(({ head }) => head.branch === TOPIC)?.why).toMatchObject({
      code: "running",
      attempt: 1,
    });
    expect(stage.repo.git("rev-parse", LEASE)).toBe(before);
  });

  it("wait in back-off, longer each time", async () => {
    const stage = makeStage('[ "$TRAILHAND_ATTEMPT" = 3 ] || exit 1', { workflow: THREE });
    const { events } = await runStage(stage, { options: { once: true } });
    expect(events.at(-1)).toMatchObject({ kind: "resting", ms: 30, why: "exit 1" });
    const lease = parseLease(stage.repo.git("for-each-ref", "--format=%(contents)", LEASE));
    expect(lease).toMatchObject({ attempt: 1, backoff: { ms: 30, why: "exit 1" } });
    const again = await runStage(stage);
    expect(again.events.filter(({ kind }) => kind === "resting")).toMatchObject([{ ms: 60 }]);
    expect(answerOf(stage)).toMatchObject({
      state: "done",
      message: expect.stringContaining("Attempt: 3/3") as string,
    });
  });

  it("wait in back-off across a restart of the runner", async () => {
    const stage = makeStage("exit 0");
    writeLease(stage, { attempt: 0, holder: dead, backoff: { ms: 400, why: "a limit" } });
    const began = performance.now();
    await runStage(stage);
    expect(performance.now() - began).toBeGreaterThan(400);
    expect(answerOf(stage).state).toBe("done");
  });
});

describe("hops", () => {
  const LOOP = "limits: { hops: 3 }\nstates:\n  work: { next: work }\n";

  it("park the request at the limit", async () => {
    const stage = makeStage("exit 0", { workflow: LOOP });
    await runStage(stage);
    const { state, message } = answerOf(stage);
    expect(state).toBe("parked");
    expect(message).toContain("3 hand-offs without a person, and the limit is 3");
    expect(stage.repo.git("rev-list", "--count", `${stage.request}..topic`)).toBe("4");
    const { events } = await runStage(stage);
    expect(events).toEqual([]);
  });
});

describe("lanes", () => {
  /** Branches in this order, one second apart, each with a priority and a state. */
  function makeQueue(workflow: string, wanted: readonly (readonly [string, number, string?])[]) {
    const script = "#!/bin/sh\nsleep 0.1\n";
    const repo = makeRepo({ "states/workflow.yml": workflow, "states/work": script, "states/heavy": script });
    wanted.forEach(([branch, priority, state = "work"], at) => {
      repo.git("checkout", "-q", "-b", branch, "main");
      process.env["GIT_COMMITTER_DATE"] = `${1_700_000_000 + at} +0000`;
      repo.request(`feat: ${branch}\n\nState: ${state}\nPriority: ${priority}\n`);
      delete process.env["GIT_COMMITTER_DATE"];
    });
    repo.git("checkout", "-q", "main");
    return repo;
  }

  it("run the higher priority first, then the older request", async () => {
    const workflow = "states:\n  work: { next: done }\n  heavy: { next: done }\nstart: [work, heavy]\n";
    const repo = makeQueue(workflow, [
      ["z-oldest", 0],
      ["a-young", 0],
      ["low", -1],
      ["urgent", 5],
      ["youngest", 0],
    ]);
    const { events } = await run(repo, { concurrency: 1 });
    const order = events.flatMap((event) => (event.kind === "claimed" ? [event.branch] : []));
    expect(order).toEqual(["urgent", "z-oldest", "a-young", "youngest", "low"]);
  });

  it("hold up their own branches only", async () => {
    const workflow =
      "start: [work, heavy]\nlanes: { narrow: 1, wide: 8 }\nstates:\n  work: { next: done, lane: wide }\n  heavy: { next: done, lane: narrow }\n";
    const repo = makeQueue(workflow, [
      ["h1", 9, "heavy"],
      ["h2", 9, "heavy"],
      ["h3", 9, "heavy"],
      ["w1", 0],
      ["w2", 0],
    ]);
    const { events } = await run(repo, { concurrency: 3 });
    let heavy = 0;
    for (const event of events) {
      if (event.kind === "claimed" && event.state === "heavy") heavy++;
      if (event.kind === "answered" && event.state === "heavy") heavy--;
      expect(heavy).toBeLessThan(2);
    }
    const claimed = events.flatMap((event) => (event.kind === "claimed" ? [event.branch] : []));
    expect(claimed.slice(0, 3).toSorted()).toEqual(["h1", "w1", "w2"]);
    expect(events.filter(({ kind }) => kind === "answered")).toHaveLength(5);
  });
});

describe("a run without --watch", () => {
  it("ends when a script asks to be retried again and again", async () => {
    const stage = makeStage('echo x >> $OUT/runs\necho retry-after=25s >> "$TRAILHAND_OUTPUT"; exit 75');
    let now = 0;
    const { events, summary } = await run(
      stage.repo,
      { pollInterval: { shortestMs: 3_600_000, longestMs: 3_600_000 } },
      (ports) => ({
        ...ports,
        clock: {
          ...ports.clock,
          mono: () => now,
          // Simulated time, so that minutes of back-off take no time here.
          async sleep(ms, until) {
            if (ms > 20_000 && ms < 30_000) now += ms;
            else await ports.clock.sleep(Math.min(ms, 50), until);
          },
        },
      }),
    );
    const rests = events.filter(({ kind }) => kind === "resting").length;
    expect(rests).toBeGreaterThan(1);
    expect(rests).toBeLessThan(5);
    expect(summary.idle).toContainEqual(
      expect.objectContaining({ why: expect.objectContaining({ code: "resting" }) as unknown }),
    );
  });
});
