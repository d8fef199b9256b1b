/**
 * Limits the commands of one account in one repository, and remembers recently handled events.
 *
 * Invariants:
 * - The caller passes the time; the only state is the counters.
 * - Entries older than the window are dropped, so memory is bounded.
 */
import { COMMENTS } from "../timing.ts";

export interface LimitOptions {
  /** Commands that may be carried out per account and repository in one window. */
  readonly maxAccepted?: number;
  /** Commands that may be tried in one window, refused ones included. */
  readonly maxAttempts?: number;
  readonly windowMs?: number;
}

/** Moments in milliseconds since 1970, oldest first. */
interface AccountHistory {
  attempts: number[];
  accepted: number[];
  /** When a reply last named its limit to the account. */
  notified: number[];
}

const MAX_ACCOUNTS = 10_000;

export class RateLimit {
  readonly #limits: Required<LimitOptions>;
  readonly #accounts = new Map<string, AccountHistory>();
  readonly #events = new Map<string, number>();

  constructor(options: LimitOptions = {}) {
    this.#limits = { ...COMMENTS, ...options };
  }

  /** Counts an attempt. Returns how long the account must wait, in milliseconds; 0 when it may go on. */
  countAttempt(account: string, now: number): number {
    const { attempts, accepted } = this.#historyOf(account, now);
    const { maxAccepted, maxAttempts } = this.#limits;
    const waitMs = Math.max(
      this.#waitMs(attempts, maxAttempts, now),
      this.#waitMs(accepted, maxAccepted, now),
    );
    if (attempts.length < maxAttempts) attempts.push(now);
    return waitMs;
  }

  /** True once in a window, so that repeated commands do not cause repeated replies. */
  shouldNotify(account: string, now: number): boolean {
    const { notified } = this.#historyOf(account, now);
    return notified.length === 0 && notified.push(now) > 0;
  }

  /** Like `countAttempt` for commands recorded elsewhere, given as moments, oldest first. Counts nothing. */
  waitAfter(accepted: readonly number[], now: number): number {
    const recent = accepted.filter((at) => now - at < this.windowMs);
    return this.#waitMs(recent, this.#limits.maxAccepted, now);
  }

  get windowMs(): number {
    return this.#limits.windowMs;
  }

  /** True when an event was accepted within the window. */
  hasAccepted(event: string, now: number): boolean {
    const at = this.#events.get(event);
    return at !== undefined && now - at < this.windowMs;
  }

  recordAccepted(account: string, event: string, now: number): void {
    this.#historyOf(account, now).accepted.push(now);
    for (const [oldest, at] of this.#events) {
      if (now - at < this.windowMs) break;
      this.#events.delete(oldest);
    }
    this.#events.delete(event);
    this.#events.set(event, now);
  }

  #waitMs(moments: readonly number[], max: number, now: number): number {
    const [first = now] = moments;
    return moments.length < max ? 0 : Math.max(1, first + this.windowMs - now);
  }

  #historyOf(account: string, now: number): AccountHistory {
    const recent = (moments: readonly number[] = []) => moments.filter((at) => now - at < this.windowMs);
    const previous = this.#accounts.get(account);
    const history = {
      attempts: recent(previous?.attempts),
      accepted: recent(previous?.accepted),
      notified: recent(previous?.notified),
    };
    // Reinserted at the end, so that the account that was idle longest is dropped first.
    this.#accounts.delete(account);
    this.#accounts.set(account, history);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > MAX_ACCOUNTS && oldest !== undefined) this.#accounts.delete(oldest);
    return history;
  }
}
