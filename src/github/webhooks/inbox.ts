/**
 * The port between the webhook and the work: where deliveries wait, and what is remembered of them.
 *
 * What must hold: `accept` has kept the delivery when it resolves, so that a crash right after loses
 * nothing; deliveries of one repository are taken one after the other, in the order they came. The
 * spool on this machine's disk is one such inbox; a queue that a fleet shares can be another.
 */
import type { Delivery } from "../api/delivery.ts";

export interface TakenDelivery {
  readonly delivery: Delivery;
  /** 1 at the first time. */
  readonly attempt: number;
}

/** A delivery that nobody tries any more. */
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
  /** `known`: a delivery with this id came before, and was not given up. */
  accept(delivery: Delivery): Promise<"new" | "known">;
  has(id: string): boolean;
  /** When the last delivery that is remembered came; undefined: none is. */
  lastSeen(): number | undefined;
  /** The oldest delivery of a repository that nobody works for; undefined: there is none now. */
  take(): Promise<TakenDelivery | undefined>;
  done(id: string): void;
  /** It may be taken again; the attempt is counted unless the trouble was not its own. */
  release(id: string, counts: boolean): void;
  giveUp(id: string, reason: string): Promise<void>;
  /** Calls `listener` whenever something may have come to be taken. */
  onArrival(listener: () => void): void;
  stats(): InboxStats;
}
