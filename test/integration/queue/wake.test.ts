/** Events that wake up a runner whose poll interval is one hour. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { RunnerOptions } from "../../../src/engine/runner.ts";
import { RefWatch } from "../../../src/queue/ref-watch.ts";
import { WakeListener } from "../../../src/queue/wake-listener.ts";
import { stay, trailer } from "../../support/complaint-fixture.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

const REQUEST = "feat: a thing\n\nPlease.\n\nState: work\n";
const HOURLY = { shortestMs: 3_600_000, longestMs: 3_600_000 };

/** Starts a runner and waits until it is idle. */
async function startIdle(repo: Repo, onWake: RunnerOptions["onWake"]): Promise<void> {
  let waits = 0;
  await stay(repo, { pollInterval: HOURLY, onWake }, (ports) => ({
    ...ports,
    clock: {
      ...ports.clock,
      sleep(ms, until) {
        waits++;
        return ports.clock.sleep(ms, until);
      },
    },
  }));
  await until("the first wait", () => waits > 0);
}

test("a commit wakes up the runner, even on a nested new branch or after refs were packed", async () => {
  const repo = makeRepo({ "states/work": "#!/bin/sh\n" });
  const watch = new RefWatch(join(repo.dir, ".git"));
  onTestFinished(() => watch.close());
  await startIdle(repo, (wake) => watch.start(wake));
  repo.git("switch", "-qc", "feat/deep/er");
  for (const title of ["first", "second", "third"]) {
    const request = repo.request(REQUEST.replace("a thing", title));
    await until("the answer", () => trailer(repo, "Answers", "feat/deep/er") === request);
    repo.git("pack-refs", "--all");
    repo.git("reset", "-q", "--hard");
  }
});

test("a byte in a named pipe wakes up the runner", async () => {
  const repo = makeRepo({ "states/work": "#!/bin/sh\n" });
  const pipe = join(temporaryDir(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const listener = new WakeListener(pipe);
  onTestFinished(() => listener.close());
  let wake = (): void => undefined;
  await startIdle(repo, (ring) => (wake = ring));
  await listener.start(() => wake());
  repo.git("switch", "-qc", "topic");
  const request = repo.request(REQUEST);
  expect(trailer(repo, "Answers")).toBe("");
  writeFileSync(pipe, "x");
  await until("the answer", () => trailer(repo, "Answers") === request);
});
