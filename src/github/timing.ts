/** How GitHub is paced: times in milliseconds, and how often a call or a delivery is tried. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../core/util/duration.ts";

/** Calls of GitHub's API. */
export const API = {
  /** The time limit of one call. */
  timeoutMs: 30_000,
  /** Between two writes. GitHub asks for a second. */
  writeMs: 1000,
  /** A longer wait for a rate limit is put off to a later run. */
  maxWaitMs: 15 * MINUTE_MS,
  /** The wait for a secondary rate limit that names no time. GitHub asks for at least a minute. */
  secondaryLimitMs: MINUTE_MS,
  /** Back-off after a failed call: it doubles from the first to the longest. */
  firstBackoffMs: 1000,
  maxBackoffMs: 2 * MINUTE_MS,
  maxAttempts: 6,
} as const;

/** Deliveries of webhooks. */
export const DELIVERY = {
  /** Times a delivery is tried whose own handling fails. */
  maxAttempts: 5,
  /** The wait after each failed attempt; the last one repeats. */
  backoffMs: [1000, 5000, 30_000, 120_000],
  /** How long GitHub keeps its log of deliveries, and can send one again. */
  logMs: 3 * DAY_MS,
  /** Between two requests to deliver again. */
  redeliverPaceMs: 100,
  /** How long open connections get to finish after shutdown starts. */
  graceMs: 5000,
  /** Time limits for the headers and for the whole of a request. */
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
} as const;

/** Commands in comments. */
export const COMMENTS = {
  /** Commands of one person that are carried out, and questions to GitHub about them, in one window. */
  maxAccepted: 30,
  maxAttempts: 120,
  windowMs: HOUR_MS,
  /** Times a command is carried out whose branch moved meanwhile. */
  headTries: 4,
} as const;

/** Work that ended longer ago than this is not newly shown. */
export const SHOWN_AFTER_END_MS = DAY_MS;
