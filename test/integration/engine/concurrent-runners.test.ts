/** Several runner processes on one repository: one response for each request, and nothing left behind. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildCrashRunner, leftovers, startCrashRunner } from "../../support/crash-runner.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { until } from "../../support/until.ts";

const BRANCHES = 10;
const workflow = `
states:
  plan: { next: build }
  build: { next: check }
  check: { next: done }
`;

/** Each start of a script creates a file named by its request. */
const script = (outside: string) => `#!/bin/sh
touch "${outside}/$TRAILHAND_COMMIT.$TRAILHAND_RUN"
echo "$TRAILHAND_STATE" >> work.txt
sleep 0.2
`;

function makeCase(): { repo: Repo; outside: string } {
  const outside = join(temporaryDir(), "outside");
  mkdirSync(outside);
  const text = script(outside);
  const repo = makeRepo({
    "states/workflow.yml": workflow,
    "states/plan": text,
    "states/build": text,
    "states/check": text,
  });
  for (let at = 0; at < BRANCHES; at++) {
    repo.git("checkout", "-q", "-b", `work/${at}`, "main");
    repo.request(`feat: number ${at}\n\nState: plan\n`);
  }
  repo.git("checkout", "-q", "main");
  return { repo, outside };
}

function expectAllAnswered(repo: Repo): void {
  for (let at = 0; at < BRANCHES; at++) {
    const log = repo
      .git("log", "--reverse", "--format=%(trailers:key=State,valueonly,separator=%x2C)", `main..work/${at}`)
      .split("\n");
    expect(log).toEqual(["plan", "build", "check", "done"]);
    expect(repo.git("show", `work/${at}:work.txt`)).toBe("plan\nbuild\ncheck");
  }
}

describe("concurrent runners", () => {
  let program = "";
  beforeAll(async () => {
    program = await buildCrashRunner();
  });

  it("answer each request once", async () => {
    const { repo, outside } = makeCase();
    const runners = Array.from({ length: 4 }, () => startCrashRunner(program, repo));
    for (const runner of runners)
      expect(await runner.ended, runner.stderr()).toEqual({ code: 0, signal: null });
    const output = runners.map((runner) => runner.stdout()).join("");
    expect(output).not.toContain('"fault"');
    const ended = runners.map(
      (runner) => JSON.parse(runner.stdout().trim().split("\n").at(-1) ?? "{}") as object,
    );
    for (const end of ended) expect(end).toMatchObject({ kind: "end" });
    expectAllAnswered(repo);
    expect(readdirSync(outside)).toHaveLength(BRANCHES * 3);
    expect(leftovers(repo)).toEqual([]);
    expect(repo.git("for-each-ref", "refs/trailhand/salvage", "refs/trailhand/parked")).toBe("");
  });

  it("answer all requests although some of them are killed", async () => {
    const { repo, outside } = makeCase();
    const first = Array.from({ length: 3 }, () => startCrashRunner(program, repo));
    await until("some scripts", () => readdirSync(outside).length >= 4);
    for (const { child } of first.slice(0, 2)) child.kill("SIGKILL");
    const second = Array.from({ length: 2 }, () => startCrashRunner(program, repo));
    for (const runner of [first[2], ...second])
      expect(await runner?.ended, runner?.stderr()).toEqual({ code: 0, signal: null });
    for (const runner of [...first, ...second]) expect(runner.stdout()).not.toContain('"fault"');
    expect([...first, ...second].map((runner) => runner.stdout()).join("")).not.toContain('"fault"');
    // Runners that ended early saw the requests claimed by others. The next runner finishes the rest.
    const { summary } = await run(repo);
    expect(summary.faultCount).toBe(0);
    expectAllAnswered(repo);
    expect(leftovers(repo)).toEqual([]);
  });
});
