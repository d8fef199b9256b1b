/** How long the use cases wait and keep, and when they report that time runs out. */
import { DAY_MS } from "../core/util/duration.ts";

export const APP = {
  /** How long a script gets between SIGTERM and SIGKILL. */
  killGraceMs: 5000,
  /** How long running scripts get to finish after shutdown starts. */
  shutdownGraceMs: 10_000,
  /** How long `trailhand gc` keeps logs, saved work and journals. */
  keepDays: 14,
  /** How long the result of a trial of a remote holds. */
  trialMs: DAY_MS,
  /** `trailhand doctor` reports a wait when this share of its time is over. */
  waitNearEnd: 0.8,
  /** Swaps of a branch's check results before giving up: checks of one commit end together. */
  checkTries: 20,
} as const;
