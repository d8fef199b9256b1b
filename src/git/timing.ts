/** How long git and remotes may take. */
import { MINUTE_MS } from "../core/util/duration.ts";

/** How long a git command that talks to a remote may print nothing. */
export const SILENCE = {
  askMs: 30_000,
  pushMs: MINUTE_MS,
  /** The server may pack for minutes before it sends anything. */
  fetchMs: 10 * MINUTE_MS,
} as const;

/** Commits that a server signs. */
export const SIGNING = {
  /** How long a signature is waited for. */
  timeoutMs: 30_000,
  /** How long no signature is asked for after one was not given. */
  backoffMs: 10_000,
  /** The pause before a failed upload is repeated; it doubles each time. */
  firstPauseMs: 500,
} as const;

/** Worktrees that several runners of one machine keep. */
export const WORKTREES = {
  /** How long another runner's clean-up of a dead runner's worktrees is waited for, and how often it is checked. */
  sweepMs: 5000,
  sweepPollMs: 20,
  /** git fails on the half-made worktree record of another runner: it is tried again, a little later each time. */
  tries: 20,
  retryMs: 5,
} as const;
