/**
 * How long the loop rests between looks that nobody asked for.
 *
 * What must hold: a look that finds something new brings the shortest rest back; each one that finds
 * nothing makes the next rest longer, up to a bound; rests are spread by a quarter to either side, so
 * that many runners that started together do not look together.
 */
import type { Sha } from "../../core/protocol/ids.ts";
import { BACKOFF, POLL, type BackoffRange, type PollInterval } from "../timing.ts";

export class PollBackoff {
  readonly #rests: PollInterval;
  #ms: number;

  constructor(rests: PollInterval) {
    this.#rests = rests;
    this.#ms = rests.shortestMs;
  }

  /** Something happened: look again soon. */
  quicken(): void {
    this.#ms = this.#rests.shortestMs;
  }

  /** The rest before the next look, in milliseconds; `random` is from 0 up to 1. */
  next(random: number): number {
    const ms = this.#ms;
    this.#ms = Math.min(this.#rests.longestMs, ms * POLL.growth);
    return ms * (0.75 + random / 2);
  }
}

export class BackoffWait {
  readonly #attempts = new Map<Sha, number>();
  readonly #ends = new Map<Sha, number>();

  /** An attempt begins; `attempt` is its number. */
  began(request: Sha, attempt: number): void {
    if (attempt <= (this.#attempts.get(request) ?? 0)) return;
    this.#attempts.set(request, attempt);
    this.#ends.delete(request);
  }

  /** True when a rest with so much left is waited for. Both in milliseconds. */
  lasts(request: Sha, leftMs: number, now: number): boolean {
    const end = this.#ends.get(request) ?? now + BACKOFF.patienceMs;
    this.#ends.set(request, end);
    return now + leftMs < end;
  }
}

export class ClaimBackoff {
  readonly #rests: BackoffRange;
  readonly #lost = new Map<Sha, { readonly tries: number; readonly until: number }>();

  /** `rests`: how long the first loss is left alone, and how long any. */
  constructor(rests: BackoffRange = BACKOFF.claimLost) {
    this.#rests = rests;
  }

  add(request: Sha, now: number): void {
    const tries = (this.#lost.get(request)?.tries ?? 0) + 1;
    const { firstMs, longestMs } = this.#rests;
    const rest = Math.min(longestMs, firstMs * 2 ** tries);
    this.#lost.set(request, { tries, until: now + rest });
  }

  /** Milliseconds to leave a request alone; 0 when it may be claimed. */
  restMs(request: Sha, now: number): number {
    return Math.max(0, (this.#lost.get(request)?.until ?? now) - now);
  }

  isHopeless(request: Sha): boolean {
    return (this.#lost.get(request)?.tries ?? 0) >= BACKOFF.claimTries;
  }
}
