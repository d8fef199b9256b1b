/**
 * How fast GitHub may be asked, and what to do when it says no.
 *
 * What must hold: (pure) the clock is a port; between two writes there is at least a second, whoever
 * asks; what GitHub says of its limits is obeyed to the second; a write that
 * may have been done though it failed is never simply done again.
 */
import { API } from "../timing.ts";

/** What is asked: `making` makes something new each time it is done. */
export type RequestKind = "read" | "write" | "making";

/** What GitHub answered; a status of 0 is no answer at all. */
export interface ResponseSummary {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** What its body says, where it refused. */
  readonly message?: string;
}

export type RateDecision =
  /** Once more, after so long. */
  | { readonly kind: "again"; readonly ms: number }
  /** Once more at once, with a token that was not used before. */
  | { readonly kind: "token" }
  /** Not before so long; more than anybody waits for. */
  | { readonly kind: "later"; readonly ms: number }
  /** It may have been done: look before doing it again. */
  | { readonly kind: "unsure" }
  /** It is not there any more. */
  | { readonly kind: "gone" }
  | { readonly kind: "refused" };

/** Milliseconds since 1970. */
export type Clock = () => number;

export interface RetryLimits {
  /** A longer wait is put off. */
  readonly maxWaitMs?: number;
  /** Between two writes; GitHub asks for a second. */
  readonly writeMs?: number;
}

export class RequestThrottle {
  readonly #clock: Clock;
  /** A longer wait is put off. */
  readonly maxWaitMs: number;
  readonly #writeMs: number;
  /** When the next write may begin. */
  #nextWriteAt = 0;
  /** GitHub wants nothing at all before this. */
  #blockedUntil = 0;

  constructor(
    clock: Clock = Date.now,
    { maxWaitMs: longestMs = API.maxWaitMs, writeMs = API.writeMs }: RetryLimits = {},
  ) {
    this.#clock = clock;
    this.maxWaitMs = longestMs;
    this.#writeMs = writeMs;
  }

  /** How long to wait before asking; the place is taken. */
  reserve(asking: RequestKind): number {
    const now = this.#clock();
    const at = Math.max(now, this.#blockedUntil, asking === "read" ? 0 : this.#nextWriteAt);
    if (asking !== "read") this.#nextWriteAt = at + this.#writeMs;
    return at - now;
  }

  /** An answer that was good tells of the limits too. */
  observe({ headers }: ResponseSummary): void {
    if (headers["x-ratelimit-remaining"] === "0" || headers["x-ratelimit-remaining"] === 0) {
      this.#blockFor(this.#untilReset(headers));
    }
  }

  /** What to do after an answer that was not good; `attempt` counts from 1. */
  decide(
    answer: ResponseSummary,
    asking: RequestKind,
    attempt: number,
    hadFreshToken: boolean,
  ): RateDecision {
    const { status } = answer;
    if (status === 401) return hadFreshToken ? { kind: "refused" } : { kind: "token" };
    const limited = this.#limitOf(answer, attempt);
    if (limited !== undefined) {
      this.#blockFor(limited);
      if (limited > this.maxWaitMs || attempt >= API.maxAttempts) return { kind: "later", ms: limited };
      return { kind: "again", ms: limited };
    }
    if (status === 404 || status === 410) return { kind: "gone" };
    if (status !== 0 && status < 500) return { kind: "refused" };
    if (asking === "making") return { kind: "unsure" };
    const ms = Math.min(API.maxBackoffMs, API.firstBackoffMs * 2 ** (attempt - 1));
    return attempt >= API.maxAttempts ? { kind: "later", ms } : { kind: "again", ms };
  }

  /** Undefined: it was no limit. */
  #limitOf(answer: ResponseSummary, attempt: number): number | undefined {
    const { status, headers, message = "" } = answer;
    if (status !== 403 && status !== 429) return undefined;
    const named = this.#retryAfter(headers["retry-after"]);
    if (named !== undefined) return named;
    if (String(headers["x-ratelimit-remaining"]) === "0") return this.#untilReset(headers);
    if (status === 429 || /secondary rate limit|abuse detection/i.test(message)) {
      return API.secondaryLimitMs * 2 ** (attempt - 1);
    }
    return undefined;
  }

  /** Seconds, or a date. */
  #retryAfter(value: string | number | undefined): number | undefined {
    if (value === undefined) return undefined;
    const text = String(value).trim();
    if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
    const date = Date.parse(text);
    return Number.isNaN(date) ? API.secondaryLimitMs : Math.max(0, date - this.#clock());
  }

  #untilReset(headers: ResponseSummary["headers"]): number {
    const seconds = Number(headers["x-ratelimit-reset"]);
    if (!Number.isFinite(seconds) || seconds <= 0) return API.secondaryLimitMs;
    // A second more: GitHub's clock and ours tick apart.
    return Math.max(0, seconds * 1000 - this.#clock()) + 1000;
  }

  #blockFor(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#clock() + ms);
  }
}
