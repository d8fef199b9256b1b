/** How long git and remotes may take. */
import { DAY_MS, MINUTE_MS } from "../core/util/duration.ts";

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

/** The runner's own key. */
export const OWN_SIGNING = {
  /** How long one signature may take. A key on a device may wait for a touch. */
  limitMs: 20_000,
  /** The same where a person may have to type a passphrase. */
  personMs: 2 * MINUTE_MS,
  /** How long the success of a trial counts. */
  trialMs: MINUTE_MS,
} as const;

/** Limits of a git that works on files of a script. */
export const GIT_LIMITS = {
  ms: 5 * MINUTE_MS,
  /** A checkout may have to fetch what a partial clone lacks. */
  checkoutMs: 60 * MINUTE_MS,
  /** How long the parts of a tree are saved that each need git processes of their own. */
  saveMs: MINUTE_MS,
  /** How long the remote of a submodule may take to send one commit. */
  remoteMs: MINUTE_MS,
  /** How much git may print. */
  bytes: 256 * 1024 * 1024,
  /** The size of all commits of one attempt, packed. */
  packBytes: 4 * 1024 * 1024 * 1024,
} as const;

/** Trees that are kept for later attempts. */
export const POOL = {
  /** The size of an index, about 2,000 files, below which a fresh checkout is as fast. */
  smallestIndex: 200_000,
  trees: 4,
  ageMs: 3 * DAY_MS,
} as const;

/** How long another runner's clean-up of a dead runner's attempts is waited for, and how often it is checked. */
export const SWEEP = {
  waitMs: 5000,
  pollMs: 20,
} as const;

/** Locks that a killed git left. */
export const LOCKS = {
  /** A git that lives may hold a lock of this age. */
  youngMs: 1000,
  /** No git holds a lock for so long. */
  oldMs: 10 * MINUTE_MS,
} as const;

/** Long-lived git processes. */
export const SESSION = {
  /** How long a session without requests stays. */
  idleMs: 10_000,
  /** git reads its configuration, borrowed stores and replaced objects once, so a session is renewed. */
  maxAgeMs: MINUTE_MS,
  /** git reads the clock once too, and a reflog shows that time. */
  maxRefAgeMs: 10_000,
  /** How long git may take to end after its input was closed. */
  closeMs: 5000,
  /** Processes that move refs. Each writes one reason into reflogs. */
  maxReasons: 4,
} as const;

/** Commits that stay in memory. */
export const COMMIT_CACHE = {
  count: 4096,
  /** A longer message is read again each time. */
  messageLength: 16_384,
  /** How far back a history is read one by one before `git log` reads the rest. */
  steps: 32,
} as const;
