/** Fixtures for complaint tests: requests, leases of other runners, and a runner that keeps running. */
import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";
import { NO_AMOUNTS } from "../../src/core/util/amounts.ts";
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import { formatLease, type Lease } from "../../src/core/protocol/lease.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import { thisHolder } from "../../src/process/process-identity.ts";
import type { RunnerEvent, Ports } from "../../src/engine/ports.ts";
import { Runner, type RunnerOptions } from "../../src/engine/runner.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { createRunner } from "../../src/app/create-runner.ts";
import type { Repo } from "./temp-repo.ts";
import { environmentOf, plainOptions } from "./run-runner.ts";

/** A process of this machine that no longer exists. */
export const DEAD = { ...thisHolder(), pid: 1, started: "1" };

export const leaseOf = (branch: string): string => refsOf(branchKey(branch as Branch)).lease;

/** Points a ref to a new commit without files; returns the commit. */
export function note(repo: Repo, ref: string, message: string): string {
  const commit = repo.gitIn(message, "commit-tree", "-F", "-", repo.gitIn("", "mktree"));
  repo.git("update-ref", ref, commit);
  return commit;
}

/** Creates the lease of another runner for a branch. */
export function leave(repo: Repo, branch: string, change: Partial<Lease>): void {
  const lease: Lease = {
    branch: branch as Branch,
    request: repo.git("rev-parse", branch) as Sha,
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
  note(repo, leaseOf(branch), formatLease(lease));
}

/** Creates a branch at `main` and commits this message on it; returns the commit. */
export function ask(repo: Repo, branch: string, message: string): string {
  repo.git("switch", "-q", "-c", branch, "main");
  const commit = repo.request(message);
  repo.git("switch", "-q", "main");
  return commit;
}

/** Adds a person's commit to a branch without a checkout; returns the commit. */
export function push(repo: Repo, branch: string, message: string, tree = `${branch}^{tree}`): string {
  const commit = repo.gitIn(message, "commit-tree", "-p", branch, "-F", "-", tree);
  repo.git("update-ref", `refs/heads/${branch}`, commit);
  return commit;
}

export const trailer = (repo: Repo, key: string, branch = "topic"): string =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, branch).trim();

export const message = (repo: Repo, branch = "topic"): string => repo.git("log", "-1", "--format=%B", branch);

/** The states that a branch went through since `main`, oldest first. */
export const states = (repo: Repo, branch = "topic"): string[] =>
  repo
    .git("log", "--reverse", "--format=%(trailers:key=State,valueonly,separator=%x2C)", `main..${branch}`)
    .split("\n")
    .filter(Boolean);

export interface Staying {
  readonly runner: Runner;
  readonly events: readonly RunnerEvent[];
  /** Stops the runner and waits until it has exited. */
  readonly end: () => Promise<void>;
}

/** Starts a runner that keeps running until the test ends. `change` may replace ports. */
export async function stay(
  repo: Repo,
  options: Partial<RunnerOptions> = {},
  change: (ports: Ports) => Ports = (ports) => ports,
): Promise<Staying> {
  const env = environmentOf(repo);
  const events: RunnerEvent[] = [];
  const site = await openWorkspace(repo.dir, env);
  const { ports, dispose } = createRunner(site, env, (event) => events.push(event));
  const rests = { shortestMs: 50, longestMs: 100 };
  const runner = new Runner(change(ports), { ...plainOptions, pollInterval: rests, watch: true, ...options });
  const over = runner.run();
  let ended: Promise<void> | undefined;
  const end = () => {
    runner.shutdown();
    ended ??= over.then(dispose);
    return ended;
  };
  onTestFinished(end);
  return { runner, events, end };
}
