/** The types of a decision: plain data that `run --dry-run` prints. */
import type { Ref, Sha } from "../protocol/ids.ts";
import type { Request } from "../protocol/request.ts";
import type { Head, ParkedResponse, ObservedLease } from "./snapshot.ts";
import type { State } from "../workflow/workflow.ts";

/** Why a branch does not run now. `reasons.ts` has the sentence of each code. */
export type DecisionReason =
  | { readonly code: "target" | "not-listed" | "no-state" | "merge" | "person" }
  | {
      readonly code: "ended" | "parked" | "waiting" | "unknown-state" | "bound-elsewhere" | "taken-over";
      readonly detail: string;
    }
  | {
      readonly code: "two-states" | "bad-name" | "bad-value" | "doubt" | "depends-on" | "unwritable";
      readonly detail: string;
    }
  | { readonly code: "not-before"; readonly until: number }
  | { readonly code: "running" | "running-older"; readonly detail: string; readonly attempt: number }
  | { readonly code: "resting"; readonly detail: string; readonly leftMs: number }
  | { readonly code: "foreign"; readonly leftMs: number }
  | { readonly code: "lane-full" | "cycle" | "held" | "void-approval"; readonly detail: string }
  | { readonly code: "waits"; readonly detail: string; readonly person: boolean }
  | { readonly code: "lane-closed"; readonly detail: string; readonly until: number }
  | { readonly code: "no-room" }
  | { readonly code: "blocked"; readonly detail: string };

export interface Run {
  readonly kind: "run";
  readonly head: Head;
  readonly request: Request;
  readonly state: State | undefined;
  readonly attempt: number;
  /** The lease that the claim replaces. */
  readonly previousLease: ObservedLease | undefined;
  /** Slots of the lanes that have a capacity. Admission sets them. */
  readonly slots?: readonly SlotClaim[];
  /** Marks in the quotas of the lanes. Admission sets them. */
  readonly quotas?: readonly QuotaClaim[];
  /** A limit that was reached. No script runs, and the answer names the limit. */
  readonly limit?: "hops" | "attempts" | "stalled";
  /** An answer that needs no script, such as the end of a wait or a cancelled parent. */
  readonly knownAnswer?: { readonly state: string; readonly why: string };
}

/** A slot of a lane, taken in the same swap as the lease. */
export interface SlotClaim {
  /** The lane and the number of the slot, such as `agents/0`. */
  readonly name: string;
  readonly ref: Ref;
  /** The present value of the ref: null, or the run that is replaced. */
  readonly expected: Sha | null;
}

/** The mark of a run in the quota of a lane, written in the same swap as the lease. */
export interface QuotaClaim {
  readonly lane: string;
  readonly ref: Ref;
  /** The present value of the ref: null, or a run that no longer counts. */
  readonly expected: Sha | null;
}

/** Apply a finished response to its branch. */
export interface Land {
  readonly kind: "land";
  readonly head: Head;
  readonly response: ParkedResponse;
}

/** Delete an expired lease. */
export interface Expire {
  readonly kind: "expire";
  readonly head: Head;
  readonly previousLease: ObservedLease;
  /**
   * True while its request waits. The lease then becomes a back-off: slots are released, and the
   * count of attempts is kept.
   */
  readonly shouldKeepAttempts: boolean;
}

export interface Idle {
  readonly kind: "wait" | "park" | "ignore";
  readonly head: Head;
  readonly why: DecisionReason;
}

export type Decision = Run | Land | Expire | Idle;
