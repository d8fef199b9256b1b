/** The times and bounds that every runner and reader of the protocol must agree on. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../util/duration.ts";

/** Bounds on what a lease record says, and when a lease counts as expired. */
export const LEASE_LIMITS = {
  /** A record with a shorter or longer lease time is read as if it said this. */
  shortestMs: 1000,
  longestMs: HOUR_MS,
  /** The assumed time of a lease whose record cannot be read. */
  unreadableMs: MINUTE_MS,
  /** A lease has expired once an observer has seen it unchanged for this many times its own time. */
  takeOverFactor: 1.5,
  /** The longest wait between two attempts. A request that is to wait longer says `Not-Before`. */
  longestBackoffMs: 7 * DAY_MS,
  /** The highest attempt number that is read. */
  maxAttempt: 1000,
  /** How long the lease of an AYNIG runner lasts that does not say so. */
  aynigSeconds: 300,
} as const;

/** Bounds on the numbers of a request. */
export const REQUEST_LIMITS = {
  /** Priorities go from minus this to this. */
  maxPriority: 1000,
  maxHops: 100_000,
} as const;
