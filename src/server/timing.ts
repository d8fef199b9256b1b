/** How often the server refreshes and retries, and how long it waits. */
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../core/util/duration.ts";

export const SERVER = {
  /** How long a stop waits for a recovery or an update of GitHub that is under way. */
  stopMs: 1000,
  /** Between two clean-ups of the inbox. */
  compactMs: HOUR_MS,
  /** Each search for missed deliveries reads GitHub's log this many rounds back: one may have failed. */
  recoverRounds: 4,
  /** Between two searches for missed deliveries: GitHub sends none again by itself. */
  recoverMs: 15 * MINUTE_MS,
  /** The wait before GitHub is updated again after a failure. */
  publishRetryMs: 30_000,
  /** The longest wait for the next update, whatever it is due to. */
  longestPublishMs: DAY_MS,
  /** Between two requests for the token of an installation. GitHub replaces it before it expires. */
  tokenMs: MINUTE_MS,
  /** The longest wait for a rate limit in a job of GitHub Actions, which is paid for by the minute. */
  jobMaxWaitMs: 2 * MINUTE_MS,
} as const;
