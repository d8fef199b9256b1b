/** What holds where the workflow says nothing. */
import { MINUTE_MS } from "../util/duration.ts";

export const DEFAULTS = {
  /** Hand-offs in a row without a person. */
  hops: 50,
  /** Attempts at once in one runner. */
  concurrency: 4,
  /** The time limit of one attempt. */
  timeoutMs: 30 * MINUTE_MS,
  /** The wait after the first failed attempt; it doubles with each further one. */
  backoffMs: 2000,
  /** The longest wait between two failed attempts, whatever the workflow says. */
  longestBackoffMs: 10 * MINUTE_MS,
  /** The wait after a script exits with 75 and names no time. */
  retryAfterMs: MINUTE_MS,
} as const;
