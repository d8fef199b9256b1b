/** Complaints about cost: restart storms, limits without effect, starving requests. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { buildCrashRunner, leftovers, startCrashRunner } from "../../support/crash-runner.ts";
import { makeRepo, temporaryDir } from "../../support/temp-repo.ts";
import { environmentOf, plainOptions, run } from "../../support/run-runner.ts";
import { answerOf, makeStage, runStage } from "../../support/run-hostile-script.ts";
import { Runner } from "../../../src/engine/runner.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { createRunner } from "../../../src/app/create-runner.ts";
import { ask, leaseOf, message, push, states, trailer } from "../../support/complaint-fixture.ts";

const lines = (file: string): number => readFileSync(file, "utf8").trim().split("\n").length;

describe("respawn-storm", () => {
  test("a request that kills its runner is parked after its last attempt, however many runners start", async () => {
    const program = await buildCrashRunner();
    const one = makeStage("echo x >> $OUT/starts; kill -9 $PPID; sleep 600", {
      workflow: "states:\n  work: { next: done, retries: 2 }\n",
    });
    for (let start = 0; start < 7; start++) await startCrashRunner(program, one.repo).ended;
    expect(lines(join(one.outside, "starts"))).toBe(3);
    expect(answerOf(one)).toMatchObject({ state: "parked", answers: one.request });
    expect(message(one.repo)).toContain("3 attempts ended without an answer, and the limit is 3");
    expect(leftovers(one.repo)).toEqual([]);
  });

  test("a script that always fails runs as many times as `retries` allows, then ends as failed", async () => {
    const one = makeStage("echo x >> $OUT/starts; exit 1", {
      workflow: "states:\n  work: { next: done, retries: 2, backoff: 20ms }\n",
    });
    for (let start = 0; start < 4; start++) await runStage(one);
    expect(lines(join(one.outside, "starts"))).toBe(3);
    expect(states(one.repo)).toEqual(["work", "failed"]);
  });
});

test("rate-limit-as-crash: a rate limit uses no attempt and closes the lane for all requests until it ends", async () => {
  const one = makeStage(
    'echo x >> $OUT/starts; [ -e $OUT/open ] && exit 0; echo retry-after=1h >> "$TRAILHAND_OUTPUT"; exit 75',
    {
      workflow: "lanes: { api: { closes: true } }\nstates:\n  work: { next: done, retries: 0, lane: api }\n",
    },
  );
  const { repo } = one;
  ask(repo, "other", "feat: another\n\nState: work\n");
  for (let start = 0; start < 3; start++) {
    const { summary } = await runStage(one, { options: { concurrency: 1, once: start === 0 } });
    expect(summary.idle.map(({ why }) => why.code).toSorted()).toContain(
      start === 0 ? "no-room" : "lane-closed",
    );
  }
  expect(lines(join(one.outside, "starts"))).toBe(1);
  const rests = repo.git("for-each-ref", "--format=%(contents)", "refs/trailhand/leases");
  expect(rests).toMatch(/^Attempt: 0$/m);
  writeFileSync(join(one.outside, "open"), "");
  await runStage(one, {
    change: (ports) => ({ ...ports, clock: { ...ports.clock, wall: () => Date.now() + 7_200_000 } }),
  });
  for (const branch of ["topic", "other"]) {
    expect([trailer(repo, "State", branch), trailer(repo, "Attempt", branch)]).toEqual(["done", "1/1"]);
  }
});

describe("idle-burn", () => {
  const IDLE = `start: [work, review]
states:
  work: { next: [review, done, parked] }
  review: { human: true, next: [work, done] }
`;

  /** Branches without runnable work, and an agent that records whether it is called. */
  function quiet(): { repo: ReturnType<typeof makeRepo>; asked: string } {
    const asked = join(temporaryDir(), "asked");
    const agent = join(temporaryDir(), "agent");
    writeFileSync(agent, `#!/bin/sh\ntouch ${asked}\n`);
    chmodSync(agent, 0o755);
    process.env["TRAILHAND_AGENT"] = agent;
    const repo = makeRepo({
      "states/workflow.yml": IDLE,
      "states/work.md": "Do it.\n",
      "states/review.md": "Look.\n",
    });
    for (const state of ["review", "done", "parked", "failed", "cancelled"])
      ask(repo, state, `feat: ${state}\n\nState: ${state}\n`);
    ask(repo, "plain", "feat: nothing is asked for\n");
    ask(repo, "later", "feat: later\n\nState: work\nNot-Before: 2999-01-01\n");
    return { repo, asked };
  }

  test("without runnable work, no model is called and nothing is written", async () => {
    const { repo, asked } = quiet();
    const all = () => [repo.git("for-each-ref"), repo.git("count-objects", "-v")];
    const found = all();
    const { summary, events } = await run(repo);
    expect([summary.startedCount, events]).toEqual([0, []]);
    expect(existsSync(asked)).toBe(false);
    expect(all()).toEqual(found);
    expect(leftovers(repo)).toEqual([]);
  });

  test("an idle runner polls less and less often", async () => {
    const { repo } = quiet();
    const env = environmentOf(repo);
    const site = await openWorkspace(repo.dir, env);
    const { ports, dispose } = createRunner(site, env, () => undefined);
    let passed = 0;
    let looks = 0;
    const clock = {
      ...ports.clock,
      mono: () => passed,
      async sleep(ms: number) {
        looks++;
        passed += ms;
        if (passed > 3_600_000) runner.shutdown();
      },
    };
    const rests = { shortestMs: 1000, longestMs: 300_000 };
    const runner = new Runner({ ...ports, clock }, { ...plainOptions, watch: true, pollInterval: rests });
    await runner.run();
    await dispose();
    expect(looks).toBeGreaterThan(5);
    expect(looks).toBeLessThan(60);
  });
});

describe("cap-without-teeth", () => {
  const loop = (limits: string, state = "") =>
    `limits: ${limits}\nstates:\n  work: { next: [work, done], retries: 0${state} }\n`;
  const say = (text: string) => `echo x >> $OUT/starts; printf 'state=work\\n${text}' >> "$TRAILHAND_OUTPUT"`;
  const raise = (amount: string) => `trailhand resume topic --trailer "Budget: ${amount}"`;

  test.each([
    [
      "cost",
      loop("{ cost: 1 }"),
      say("cost=0.6\\n"),
      2,
      `1.2 USD of 1 are spent; to continue: ${raise("2 USD")}`,
    ],
    ["tokens", loop("{ tokens: 900 }"), say("tokens=500\\n"), 2, "1000 of 900 tokens are used"],
    ["turns", loop("{ turns: 5 }"), say("turns=2\\n"), 3, "6 of 5 turns are used"],
    ["time", loop("{ time: 900ms }"), `${say("")}; sleep 600`, 1, "its attempts took"],
    ["hops", loop("{ hops: 3 }"), say(""), 3, "3 hand-offs without a person, and the limit is 3"],
    ["max", loop("{ hops: 40 }", ", max: 2"), say(""), 3, "work was requested 2 times, and the limit is 2"],
    ["same", loop("{ hops: 40, same: 4 }"), say(""), 3, "no progress"],
  ])(
    "the limit %s parks the work when it is used up, and the message gives the reason",
    async (_, workflow, script, runs, why) => {
      const one = makeStage(script, { workflow });
      for (let start = 0; start < 2; start++) await runStage(one);
      expect(answerOf(one).state).toBe("parked");
      expect(message(one.repo).toLowerCase()).toContain(why.toLowerCase());
      expect(lines(join(one.outside, "starts"))).toBe(runs);
    },
  );

  test("a failed attempt counts against the cost limit too", async () => {
    const one = makeStage('echo x >> $OUT/starts; echo cost=0.6 >> "$TRAILHAND_OUTPUT"; exit 1', {
      workflow: "limits: { cost: 1 }\nstates:\n  work: { next: done, retries: 9, backoff: 20ms }\n",
    });
    await runStage(one);
    expect(lines(join(one.outside, "starts"))).toBe(2);
    expect(answerOf(one).state).toBe("parked");
  });

  test("a person can raise the budget, but a script cannot, neither by a trailer nor by a commit", async () => {
    const own = "git commit -q --allow-empty -m 'wip\n\nBudget: 100 USD\nSpent: 0 USD'";
    const one = makeStage(`${own}; ${say("cost=0.6\\n")}`, { workflow: loop("{ cost: 1 }") });
    const { repo } = one;
    await runStage(one);
    expect(lines(join(one.outside, "starts"))).toBe(2);
    push(repo, "topic", "chore: go on\n\nState: work\nBudget: 2 USD\n");
    await runStage(one);
    expect(lines(join(one.outside, "starts"))).toBe(4);
    expect(message(repo)).toContain("2.4 USD of 2 are spent");
    for (const key of ["Budget: 9 USD", "Spent: 0 USD"]) {
      const other = makeStage(say(`trailers=${key}\\n`), { workflow: loop("{ cost: 1 }") });
      await runStage(other);
      expect(answerOf(other).state).toBe("failed");
      expect(answerOf(other).message).toContain(`"${key.split(":")[0]}" is `);
    }
  });

  test.each([
    ["limits: { costs: 1 }\nstates:\n  work: { next: done }\n", "costs"],
    ["states:\n  work: { next: done, budget: 5 }\n", "budget"],
    ["budget: 5\nstates:\n  work: { next: done }\n", "budget"],
    ["states:\n  work: { next: done, timeout: 5m, stall: 1h }\n", "stall"],
    ["lanes: { narrow: 1 }\nstates:\n  work: { next: done, lane: narow }\n", "narow"],
  ])("a workflow with an invalid or contradictory key runs nothing: %j", async (workflow, key) => {
    const one = makeStage("touch $OUT/ran", { workflow });
    await expect(runStage(one)).rejects.toThrow(key);
    expect(existsSync(join(one.outside, "ran"))).toBe(false);
    expect(one.repo.git("rev-parse", "topic")).toBe(one.request);
  });
});

describe("queue-starvation", () => {
  /** Requests with the given priorities, dated the given number of hours ago. */
  function queue(wanted: Readonly<Record<string, readonly [priority: number, hours: number]>>) {
    const repo = makeRepo({ "states/work": '#!/bin/sh\necho state=done >> "$TRAILHAND_OUTPUT"\n' });
    for (const [branch, [priority, hours]] of Object.entries(wanted)) {
      process.env["GIT_COMMITTER_DATE"] = `${Math.floor(Date.now() / 1000) - hours * 3600} +0000`;
      ask(repo, branch, `feat: ${branch}\n\nState: work\nPriority: ${priority}\n`);
      delete process.env["GIT_COMMITTER_DATE"];
    }
    return repo;
  }

  test("higher priority runs first, then older requests, and waiting raises the priority", async () => {
    const repo = queue({ newest: [0, 0], urgent: [5, 0], starved: [0, 44], older: [0, 0.5], asked: [3, 0] });
    const { events } = await run(repo, { concurrency: 1 });
    const order = events.flatMap((event) => (event.kind === "claimed" ? [event.branch] : []));
    expect(order).toEqual(["starved", "urgent", "asked", "older", "newest"]);
  });

  test("status shows how long a request has waited", () => {
    const repo = introduce(queue({ starved: [0, 44] }));
    expect(cli(repo, "status").out).toMatch(/starved\s+work\s+runner\s+1d 20h/);
    expect(repo.git("for-each-ref", leaseOf("starved"))).toBe("");
  });
});
