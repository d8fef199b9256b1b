/** Runs a real runner in this process on a real repository, and returns its events. */
import type { Branch } from "../../src/core/protocol/ids.ts";
import type { RunnerEvent, Ports } from "../../src/engine/ports.ts";
import { Runner, type RunnerOptions, type RunSummary } from "../../src/engine/runner.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { createRunner } from "../../src/app/create-runner.ts";
import type { Repo } from "./temp-repo.ts";

export interface Ran {
  readonly summary: RunSummary;
  readonly events: readonly RunnerEvent[];
}

/** The environment of a runner of this repository. */
export const environmentOf = (repo: Repo): Record<string, string | undefined> => ({
  ...process.env,
  XDG_CACHE_HOME: repo.cache,
});

/** Options of a plain `trailhand run`. */
export const plainOptions: RunnerOptions = {
  once: false,
  watch: false,
  branches: [] as readonly Branch[],
  concurrency: undefined,
  ttlMs: 60_000,
  shared: false,
  pollInterval: { shortestMs: 1000, longestMs: 1000 },
  onWake: () => undefined,
};

/** Runs until nothing is runnable. `change` may replace ports, for example to inject a fault. */
export async function run(
  repo: Repo,
  options: Partial<RunnerOptions> = {},
  change: (ports: Ports) => Ports = (ports) => ports,
): Promise<Ran> {
  const env = environmentOf(repo);
  const events: RunnerEvent[] = [];
  const site = await openWorkspace(repo.dir, env);
  const { ports, dispose } = createRunner(site, env, (event) => events.push(event));
  const summary = await new Runner(change(ports), { ...plainOptions, ...options }).run();
  await dispose();
  return { summary, events };
}
