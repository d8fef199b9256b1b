/**
 * How long the engine waits, how often it tries again, and how far back it reads history.
 *
 * Invariants:
 * - A time ends in `Ms` and is in milliseconds. A factor or share is of the lease time.
 * - A run gives its lease up before another runner may take it over: `giveUpShare` is below 1, and
 *   `takeOverFactor` (core/protocol/limits.ts) is above 1.
 */
import { HOUR_MS, MINUTE_MS } from "../core/util/duration.ts";

/** A wait that doubles with each try, from the first up to the longest. */
export interface BackoffRange {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** The waits between two scans that nothing woke. */
export interface PollInterval {
  readonly shortestMs: number;
  readonly longestMs: number;
}

/** The life of a lease. */
export const LEASE = {
  /** How long a lease lasts without a renewal. */
  ttlMs: MINUTE_MS,
  /** The same at a host that limits pushes. GitHub asks for at most six a minute per repository. */
  limitedTtlMs: 5 * MINUTE_MS,
  /** Renewals in one lease time. */
  renewals: 3,
  /** A run stops when its last renewal is this share of the lease time ago. */
  giveUpShare: 2 / 3,
  /** Lease times to wait for an unreachable remote, before and after a run. */
  unreachableFactor: 2,
  /** Tries to delete a lease. One that stays expires by itself. */
  releaseTries: 3,
  /** Scans in one lease time while something runs, so that a person's push is noticed soon. */
  scans: 6,
} as const;

/** When the loop scans again without being woken. */
export const POLL = {
  /** A local repository, where file-system events wake the loop. */
  local: { shortestMs: 15_000, longestMs: 15_000 },
  /** A remote, where nothing wakes the loop. */
  remote: { shortestMs: 1000, longestMs: 30_000 },
  /** A remote whose events wake the loop: the scans are a safety net. */
  woken: { shortestMs: 1000, longestMs: 120_000 },
  /** Each scan that finds nothing makes the next wait this many times longer. */
  growth: 1.6,
} as const;

/** Waits after something did not work. */
export const BACKOFF = {
  /** A request that another runner claimed first. */
  claimLost: { firstMs: 50, longestMs: 5000 },
  /** Lost claims after which a runner without `--watch` gives a request up. */
  claimTries: 6,
  /** A finished response that its branch refused: each try is a push. */
  parkedRefused: { firstMs: 500, longestMs: 5 * MINUTE_MS },
  /** A remote that cannot be reached. */
  unreachable: { firstMs: 100, longestMs: 5000 },
  /** A request that Trailhand itself failed to run. */
  faultMs: 30_000,
  /** The longest wait for a failed attempt's next one in a runner without `--watch`. */
  patienceMs: MINUTE_MS,
  /** A request whose response could not be signed. */
  unsignedMs: MINUTE_MS,
  /** Swaps of the write that ends a run, before it gives up. */
  commitTries: 8,
  /** The longest pause after the first of them. It doubles each time, and its length is random. */
  commitJitterMs: 40,
} as const;

/** How a server that names the pusher of a commit is waited for. */
export const PUSHER = {
  /** Waits between questions about a request that is new: mostly the answer is there in moments. */
  waitsMs: [1000, 2000, 4000],
  /** A request that is older than this is asked about once. */
  newMs: HOUR_MS,
} as const;

/** How runners of one repository share the work. */
export const PEERS = {
  /** How long a runner counts as present after its last lease: between hand-offs it holds none. */
  presentMs: 15_000,
  /** How long the request of another runner's share is left to it; up to four times as long. */
  leaveMs: 1500,
} as const;

/** How often a runner with `--watch` looks for worktrees that dead runners left. */
export const SWEEP_MS = 10 * MINUTE_MS;

/** How many commits of first-parent history are read. */
export const DEPTH = {
  /** Below a head: what the work carries, its approvals, its hand-offs. */
  work: 400,
  /** Below what a script wants to land: more commits cannot land at once. */
  landing: 1000,
  /** Below a head, to show its hand-offs. */
  timeline: 200,
  /** Below a commit, to find the request that it belongs to. */
  request: 5000,
  /** Below the trusted head, to find the event of a branch that has landed. */
  landedEvent: 2000,
  /** Between the trusted branch and a head, to find an event. */
  event: 100_000,
  /** Over all branches and archives, for statistics and searches. */
  all: 50_000,
} as const;
