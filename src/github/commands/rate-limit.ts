/**
 * How much one actor may ask for in one repository, and which events were acted on lately.
 *
 * What must hold: pure but for its own counters; the time is an argument; what is older than the
 * window is forgotten, so that memory is bounded by what one window may hold.
 */
import { COMMENTS } from "../timing.ts";

export interface LimitOptions {
  /** Commands that are carried out, for one actor and repository in one window. */
  readonly maxAccepted?: number;
  /** Questions to GitHub, refused ones included. */
  readonly maxAttempts?: number;
  readonly windowMs?: number;
}

interface Tally {
  asked: number[];
  accepted: number[];
  /** When they were told that it is enough. */
  told: number[];
}

const ACTORS = 10_000;

export class RateLimit {
  readonly #most: Required<LimitOptions>;
  readonly #tallies = new Map<string, Tally>();
  readonly #events = new Map<string, number>();

  constructor(options: LimitOptions = {}) {
    this.#most = { ...COMMENTS, ...options };
  }

  /** Counts a question; the time in milliseconds until the next one is heard, 0 for now. */
  countAttempt(actor: string, now: number): number {
    const tally = this.#tallyOf(actor, now);
    const restMs = Math.max(
      this.#restMs(tally.asked, this.#most.maxAttempts, now),
      this.#restMs(tally.accepted, this.#most.maxAccepted, now),
    );
    if (tally.asked.length < this.#most.maxAttempts) tally.asked.push(now);
    return restMs;
  }

  /** True once in a window: somebody who writes without end is not answered without end. */
  shouldNotify(actor: string, now: number): boolean {
    const { told } = this.#tallyOf(actor, now);
    return told.length === 0 && told.push(now) > 0;
  }

  /** Like `ask`, of what was accepted as others remember it: moments, oldest first; nothing is counted. */
  waitAfter(accepted: readonly number[], now: number): number {
    const fresh = accepted.filter((at) => now - at < this.windowMs);
    return this.#restMs(fresh, this.#most.maxAccepted, now);
  }

  get windowMs(): number {
    return this.#most.windowMs;
  }

  /** True when an event was accepted within the window. */
  hasAccepted(event: string, now: number): boolean {
    const at = this.#events.get(event);
    return at !== undefined && now - at < this.#most.windowMs;
  }

  recordAccepted(actor: string, event: string, now: number): void {
    this.#tallyOf(actor, now).accepted.push(now);
    for (const [known, at] of this.#events) {
      if (now - at < this.#most.windowMs) break;
      this.#events.delete(known);
    }
    this.#events.delete(event);
    this.#events.set(event, now);
  }

  #restMs(times: readonly number[], most: number, now: number): number {
    const [first = now] = times;
    return times.length < most ? 0 : Math.max(1, first + this.#most.windowMs - now);
  }

  #tallyOf(actor: string, now: number): Tally {
    const fresh = (times: readonly number[] = []) => times.filter((at) => now - at < this.#most.windowMs);
    const known = this.#tallies.get(actor);
    const tally = { asked: fresh(known?.asked), accepted: fresh(known?.accepted), told: fresh(known?.told) };
    // The one that was heard longest ago goes first.
    this.#tallies.delete(actor);
    this.#tallies.set(actor, tally);
    const [oldest] = this.#tallies.keys();
    if (this.#tallies.size > ACTORS && oldest !== undefined) this.#tallies.delete(oldest);
    return tally;
  }
}
