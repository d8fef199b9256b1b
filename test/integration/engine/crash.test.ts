/** A runner that is killed at any step: the next one answers at once, only once, and nothing is lost or left behind. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  buildCrashRunner,
  eachStep,
  leftovers,
  processesWith,
  startCrashRunner,
} from "../../support/crash-runner.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { until } from "../../support/until.ts";
import { stride } from "../../support/scale.ts";

/** Leaves an uncommitted and an untracked file, a commit, and child processes that write forever. */
const script = (outside: string, wait: string) => `#!/bin/sh
set -e
cp "$TRAILHAND_REQUEST" "${outside}/request-$TRAILHAND_RUN"
writer='while :; do echo x >> "${outside}/ticks"; sleep 0.2; done'
sh -c "$writer" &
setsid sh -c "$writer" &
echo changed >> notes.txt
echo new > untracked.txt
echo done > committed.txt
git add committed.txt
git commit -q -m "script: one commit"
echo state=done >> "$TRAILHAND_OUTPUT"
touch "${outside}/ready-$TRAILHAND_RUN"
${wait}
`;

/** Steps between two crashes; `npm run test:all` crashes at each. */
const STRIDE = stride(6);

interface CrashCase {
  readonly repo: Repo;
  readonly outside: string;
  readonly request: string;
  readonly checkedOut: boolean;
}

function makeCase(checkedOut: boolean, wait = ""): CrashCase {
  const outside = join(temporaryDir(), "outside");
  mkdirSync(outside);
  const repo = makeRepo({ "states/implement": script(outside, wait), "notes.txt": "first\n" });
  repo.git("checkout", "-q", "-b", "work");
  const request = repo.request("feat: a thing\n\nPlease.\n\nState: implement\n");
  if (!checkedOut) repo.git("checkout", "-q", "main");
  return { repo, outside, request, checkedOut };
}

const ticks = (crashCase: CrashCase): number =>
  existsSync(join(crashCase.outside, "ticks")) ? statSync(join(crashCase.outside, "ticks")).size : 0;

/** The runs whose script wrote this file. */
const runsOf = (crashCase: CrashCase, file: "request" | "ready"): string[] =>
  readdirSync(crashCase.outside).flatMap((name) =>
    name.startsWith(`${file}-`) ? [name.slice(file.length + 1)] : [],
  );

const answersOn = (crashCase: CrashCase): string[] =>
  crashCase.repo
    .git("log", "--format=%H %(trailers:key=Answers,valueonly,separator=%x2C)", "work")
    .split("\n")
    .filter((line) => line.endsWith(crashCase.request));

/** Invariants after a crash at any time and one more run. */
async function expectRecovered(crashCase: CrashCase, where: string): Promise<void> {
  const before = { runs: runsOf(crashCase, "ready"), answered: answersOn(crashCase).length > 0 };
  // The lease of the dead runner lasts an hour, so a runner that waited for it would not answer.
  const { events, summary } = await run(crashCase.repo);
  expect(summary.faultCount, `${where}: ${JSON.stringify(events)}`).toBe(0);
  expect(answersOn(crashCase), `${where}: exactly one answer\n${JSON.stringify(events)}`).toHaveLength(1);
  const { repo } = crashCase;
  expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "work").trim(), where).toBe(
    "done",
  );
  expect(repo.git("show", "work:untracked.txt"), where).toBe("new");
  expect(repo.git("show", "work:notes.txt"), where).toBe("first\nchanged");
  expect(leftovers(repo), where).toEqual([]);
  if (crashCase.checkedOut) {
    expect(repo.git("status", "--porcelain"), where).toBe("");
    expect(readFileSync(join(repo.dir, "untracked.txt"), "utf8"), where).toBe("new\n");
  }
  expectSalvaged(crashCase, before, where);
  const size = ticks(crashCase);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(ticks(crashCase), `${where}: the background writers have stopped`).toBe(size);
  expect(processesWith(crashCase.repo.cache), `${where}: no process is left`).toEqual([]);
}

/** Changes of a dead attempt are under a salvage ref that the next attempt gets. An answered attempt has none. */
function expectSalvaged(
  crashCase: CrashCase,
  before: { runs: string[]; answered: boolean },
  where: string,
): void {
  const { repo, outside } = crashCase;
  const saved = repo
    .git("for-each-ref", "--format=%(refname)", "refs/trailhand/salvage")
    .split("\n")
    .filter(Boolean);
  const [dead] = before.runs;
  if (dead === undefined || before.answered) return expect(saved, `${where}: nothing to save`).toEqual([]);
  const ref = `refs/trailhand/salvage/work/${dead}`;
  expect(saved, where).toEqual([ref]);
  expect(repo.git("show", `${ref}:untracked.txt`), where).toBe("new");
  expect(repo.git("show", `${ref}:committed.txt`), where).toBe("done");
  const next = runsOf(crashCase, "request").find((id) => id !== dead);
  const passed = JSON.parse(readFileSync(join(outside, `request-${next}`), "utf8")) as {
    salvage: string[];
    attempt: number;
  };
  expect(passed.salvage, where).toEqual([ref]);
  expect(passed.attempt, where).toBe(2);
}

describe("a runner that is killed", () => {
  let program = "";
  beforeAll(async () => {
    program = await buildCrashRunner();
  });

  it.each([
    { checkedOut: true, first: 1 },
    { checkedOut: false, first: 1 + Math.floor(STRIDE / 2) },
  ])(`at every step of ${STRIDE}, checked out: $checkedOut`, async ({ checkedOut, first }) => {
    const steps = await eachStep(3, async (count) => {
      const step = first + (count - 1) * STRIDE;
      const crashCase = makeCase(checkedOut);
      const crash = startCrashRunner(program, crashCase.repo, step);
      const { code, signal } = await crash.ended;
      if (signal === null) {
        expect(code, crash.stderr()).toBe(0);
        expect(answersOn(crashCase)).toHaveLength(1);
        return false;
      }
      await expectRecovered(crashCase, `killed at step ${step}`);
      return true;
    });
    expect(steps * STRIDE).toBeGreaterThan(40);
  });

  it("while its script runs", async () => {
    for (const checkedOut of [true, false]) {
      const crashCase = makeCase(checkedOut, '[ "$TRAILHAND_ATTEMPT" = 2 ] || sleep 600');
      const crash = startCrashRunner(program, crashCase.repo);
      await until("the script", () => runsOf(crashCase, "ready").length === 1);
      crash.child.kill("SIGKILL");
      await crash.ended;
      const size = ticks(crashCase);
      await until("the orphans to go on", () => ticks(crashCase) > size);
      await expectRecovered(crashCase, "killed while the script runs");
    }
  });
});
