/**
 * Decides how long the loop waits: between polls, for requests in back-off, and after lost claims.
 *
 * Invariants:
 * - Poll intervals grow while nothing changes and are spread by a quarter to each side, so that
 *   runners that start together do not poll together.
 */
import type { Sha } from "../../core/protocol/ids.ts";
import { BACKOFF, POLL, type BackoffRange, type PollInterval } from "../timing.ts";

export class PollBackoff {
  readonly #interval: PollInterval;
  #ms: number;

  constructor(interval: PollInterval) {
    this.#interval = interval;
    this.#ms = interval.shortestMs;
  }

  /** Something changed: poll again soon. */
  reset(): void {
    this.#ms = this.#interval.shortestMs;
  }

  /** The wait before the next poll, in milliseconds; `random` is from 0 up to 1. */
  next(random: number): number {
    const ms = this.#ms;
    this.#ms = Math.min(this.#interval.longestMs, ms * POLL.growth);
    return ms * (0.75 + random / 2);
  }
}

/** Limits how long a runner that does not stay waits for a request in back-off. */
export class BackoffWait {
  readonly #attempts = new Map<Sha, number>();
  readonly #ends = new Map<Sha, number>();

  /** A new attempt restarts the time limit; `attempt` is its number. */
  recordAttempt(request: Sha, attempt: number): void {
    if (attempt <= (this.#attempts.get(request) ?? 0)) return;
    this.#attempts.set(request, attempt);
    this.#ends.delete(request);
  }

  /** True when a back-off with `leftMs` milliseconds left ends within the time limit. */
  isWorthWaiting(request: Sha, leftMs: number, now: number): boolean {
    const end = this.#ends.get(request) ?? now + BACKOFF.patienceMs;
    this.#ends.set(request, end);
    return now + leftMs < end;
  }
}

/** Delays the next try for a commit after failed ones. */
export class ClaimBackoff {
  readonly #delays: BackoffRange;
  readonly #failures = new Map<Sha, { readonly tries: number; readonly until: number }>();

  constructor(delays: BackoffRange = BACKOFF.claimLost) {
    this.#delays = delays;
  }

  recordFailure(commit: Sha, now: number): void {
    const tries = (this.#failures.get(commit)?.tries ?? 0) + 1;
    const { firstMs, longestMs } = this.#delays;
    this.#failures.set(commit, { tries, until: now + Math.min(longestMs, firstMs * 2 ** tries) });
  }

  /** Milliseconds until the next try; 0 when it may start now. */
  leftMs(commit: Sha, now: number): number {
    return Math.max(0, (this.#failures.get(commit)?.until ?? now) - now);
  }

  isExhausted(commit: Sha): boolean {
    return (this.#failures.get(commit)?.tries ?? 0) >= BACKOFF.claimTries;
  }
}
