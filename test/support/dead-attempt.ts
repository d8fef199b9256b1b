/** Attempts of runners that were killed while their script ran. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { startCrashRunner } from "./crash-runner.ts";
import { makeStage, type Stage, type StageOptions } from "./run-hostile-script.ts";
import { until } from "./until.ts";

const TWO_TRIES = "states:\n  work: { next: done, retries: 1, backoff: 10ms }\n";

/** A stage whose first attempt runs this script and then waits, until its runner was killed. */
export async function makeDead(program: string, script: string, options: StageOptions = {}): Promise<Stage> {
  const stage = makeStage(
    `[ -e $OUT/ready ] && { echo again > again.txt; exit 0; }\n${script}\ntouch $OUT/ready; sleep 600`,
    { ...options, workflow: `${options.workflow ?? ""}${TWO_TRIES}` },
  );
  const crash = startCrashRunner(program, stage.repo);
  await until("the script", () => existsSync(join(stage.outside, "ready")));
  crash.child.kill("SIGKILL");
  await crash.ended;
  return stage;
}

/** The caches of the repositories that runners with this cache worked on. */
export function cachesOf({ repo }: Pick<Stage, "repo">): string[] {
  const base = join(repo.cache, "trailhand");
  return readdirSync(base).map((name) => join(base, name));
}

/** The folders of all runners. */
export const runnerFolders = (stage: Stage): string[] =>
  cachesOf(stage).flatMap((cache) =>
    readdirSync(join(cache, "runs")).map((name) => join(cache, "runs", name)),
  );

/** The folders of attempts of all runners. */
export const attemptFolders = (stage: Stage): string[] =>
  runnerFolders(stage).flatMap((runner) =>
    readdirSync(runner)
      .filter((name) => !name.endsWith(".json"))
      .map((name) => join(runner, name)),
  );
