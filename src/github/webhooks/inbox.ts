/**
 * The port between the webhook server and the dispatcher: stores deliveries until they are done.
 *
 * Invariants:
 * - `accept` resolves only after the delivery is stored, so that a crash loses nothing.
 * - Deliveries of one repository are taken one at a time, in the order of their arrival.
 */
import type { Delivery } from "../api/delivery.ts";

export interface TakenDelivery {
  readonly delivery: Delivery;
  /** Counts from 1. */
  readonly attempt: number;
}

/** A delivery that failed for good. */
export interface DeadLetter {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface InboxStats {
  readonly waiting: number;
  readonly working: number;
  readonly failed: readonly DeadLetter[];
}

export interface Inbox {
  /** `known` means that a delivery with this id was accepted earlier and was not given up. */
  accept(delivery: Delivery): Promise<"new" | "known">;
  has(id: string): boolean;
  /** When the last remembered delivery arrived. */
  lastSeen(): number | undefined;
  /** The oldest delivery of a repository that is not being processed; undefined when there is none. */
  take(): Promise<TakenDelivery | undefined>;
  done(id: string): void;
  /** Makes a delivery available again. The attempt counts only for a failure of the delivery itself. */
  release(id: string, countsAttempt: boolean): void;
  giveUp(id: string, reason: string): Promise<void>;
  /** Calls `listener` whenever a delivery may have become available. */
  onArrival(listener: () => void): void;
  stats(): InboxStats;
}
