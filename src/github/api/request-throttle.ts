/**
 * Decides how fast to send requests to GitHub, and what to do when one fails.
 *
 * Invariants:
 * - Two writes are at least a second apart.
 * - GitHub's rate limits are obeyed to the second.
 * - A failed write that may have succeeded is never simply repeated.
 */
import { API } from "../timing.ts";

/** A repeated `create` would create a second item. */
export type RequestKind = "read" | "write" | "create";

/** The status 0 means that there was no response. */
export interface ResponseSummary {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | undefined>>;
  /** The message of an error. */
  readonly message?: string;
}

export type RateDecision =
  /** Retry after this time. */
  | { readonly kind: "retry"; readonly ms: number }
  /** Retry at once with a new token. */
  | { readonly kind: "token" }
  /** The wait is too long: put the request off. */
  | { readonly kind: "postpone"; readonly ms: number }
  /** The write may have succeeded: read before a retry. */
  | { readonly kind: "unsure" }
  /** The target does not exist. */
  | { readonly kind: "gone" }
  | { readonly kind: "refused" };

/** Milliseconds since 1970. */
export type ThrottleClock = () => number;

export interface RetryLimits {
  /** A request with a longer wait is put off. */
  readonly maxWaitMs?: number;
  /** The time between two writes. GitHub asks for a second. */
  readonly writeMs?: number;
}

export class RequestThrottle {
  readonly #clock: ThrottleClock;
  /** A request with a longer wait is put off. */
  readonly maxWaitMs: number;
  readonly #writeMs: number;
  /** When the next write may start. */
  #nextWriteAt = 0;
  /** No request may start before this time. */
  #blockedUntil = 0;

  constructor(
    clock: ThrottleClock = Date.now,
    { maxWaitMs = API.maxWaitMs, writeMs = API.writeMs }: RetryLimits = {},
  ) {
    this.#clock = clock;
    this.maxWaitMs = maxWaitMs;
    this.#writeMs = writeMs;
  }

  /** Reserves the next slot for a request. Returns the wait until then, in milliseconds. */
  reserve(kind: RequestKind): number {
    const now = this.#clock();
    const at = Math.max(now, this.#blockedUntil, kind === "read" ? 0 : this.#nextWriteAt);
    if (kind !== "read") this.#nextWriteAt = at + this.#writeMs;
    return at - now;
  }

  /** Reads the rate limit from a successful response. */
  observe({ headers }: ResponseSummary): void {
    if (headers["x-ratelimit-remaining"] === "0" || headers["x-ratelimit-remaining"] === 0) {
      this.#blockFor(this.#untilReset(headers));
    }
  }

  /** What to do after a failed request. `attempt` counts from 1. */
  decide(answer: ResponseSummary, kind: RequestKind, attempt: number, hadFreshToken: boolean): RateDecision {
    const { status } = answer;
    if (status === 401) return hadFreshToken ? { kind: "refused" } : { kind: "token" };
    const limitMs = this.#rateLimitMs(answer, attempt);
    if (limitMs !== undefined) {
      this.#blockFor(limitMs);
      if (limitMs > this.maxWaitMs || attempt >= API.maxAttempts) return { kind: "postpone", ms: limitMs };
      return { kind: "retry", ms: limitMs };
    }
    if (status === 404 || status === 410) return { kind: "gone" };
    if (status !== 0 && status < 500) return { kind: "refused" };
    if (kind === "create") return { kind: "unsure" };
    const ms = Math.min(API.maxBackoffMs, API.firstBackoffMs * 2 ** (attempt - 1));
    return attempt >= API.maxAttempts ? { kind: "postpone", ms } : { kind: "retry", ms };
  }

  /** How long a rate limit lasts; undefined when the failure has another cause. */
  #rateLimitMs(answer: ResponseSummary, attempt: number): number | undefined {
    const { status, headers, message = "" } = answer;
    if (status !== 403 && status !== 429) return undefined;
    const retryAfter = this.#retryAfter(headers["retry-after"]);
    if (retryAfter !== undefined) return retryAfter;
    if (String(headers["x-ratelimit-remaining"]) === "0") return this.#untilReset(headers);
    if (status === 429 || /secondary rate limit|abuse detection/i.test(message)) {
      return API.secondaryLimitMs * 2 ** (attempt - 1);
    }
    return undefined;
  }

  /** The header holds seconds or a date. */
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
    // One second more, because the clocks of GitHub and of this machine can differ.
    return Math.max(0, seconds * 1000 - this.#clock()) + 1000;
  }

  #blockFor(ms: number): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.#clock() + ms);
  }
}
