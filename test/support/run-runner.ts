/** Runs a real runner in this process on a real repository, and hands back what it told. */
import type { Branch } from "../../src/core/protocol/ids.ts";
import type { Event, Ports } from "../../src/engine/ports.ts";
import { Runner, type Options, type Summary } from "../../src/engine/runner.ts";
import { openSite } from "../../src/app/open-workspace.ts";
import { wireRunner } from "../../src/app/create-runner.ts";
import type { Repo } from "./temp-repo.ts";

export interface Ran {
  readonly summary: Summary;
  readonly events: readonly Event[];
}

/** The environment of a runner of this repository. */
export const environmentOf = (repo: Repo): Record<string, string | undefined> => ({
  ...process.env,
  XDG_CACHE_HOME: repo.cache,
});

/** Options of a plain `trailhand run`. */
export const plainOptions: Options = {
  once: false,
  watch: false,
  branches: [] as readonly Branch[],
  concurrency: undefined,
  ttlMs: 60_000,
  shared: false,
  rests: { shortestMs: 1000, longestMs: 1000 },
  wakes: () => undefined,
};

/** `change` may replace ports, to make a part fail. */
export async function run(
  repo: Repo,
  options: Partial<Options> = {},
  change: (ports: Ports) => Ports = (ports) => ports,
): Promise<Ran> {
  const env = environmentOf(repo);
  const events: Event[] = [];
  const site = await openSite(repo.dir, env);
  const { ports, dispose } = wireRunner(site, env, (event) => events.push(event));
  const summary = await new Runner(change(ports), { ...plainOptions, ...options }).run();
  await dispose();
  return { summary, events };
}
