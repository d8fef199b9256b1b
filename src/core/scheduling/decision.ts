/**
 * What may be decided for a branch: plain data, which `--dry-run` prints as it is.
 *
 * What must hold: nothing here decides; each code has its sentence in reasons.ts.
 */
import type { Ref, Sha } from "../protocol/ids.ts";
import type { Request } from "../protocol/request.ts";
import type { Head, ParkedResponse, ObservedLease } from "./snapshot.ts";
import type { State } from "../workflow/workflow.ts";

/** Why a branch is not run now. Each code has its sentence in reasons.ts. */
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
  /** The lease value that the claim replaces. */
  readonly previousLease: ObservedLease | undefined;
  /** The places in lanes that have a capacity; admission sets them. */
  readonly slots?: readonly SlotClaim[];
  /** What the run writes into quotas of its lanes; admission sets it. */
  readonly quotas?: readonly QuotaClaim[];
  /** Set when no script is run, because a limit is reached: the answer says so. */
  readonly limit?: "hops" | "attempts" | "stalled";
  /** Set when no script is run, because the answer is known: a wait that is over, a parent that ended. */
  readonly knownAnswer?: { readonly state: string; readonly why: string };
}

/** A place in a lane, taken in the same swap as the lease. */
export interface SlotClaim {
  /** The lane and the number of the place, such as `agents/0`. */
  readonly name: string;
  readonly ref: Ref;
  /** What it holds now: nothing, or the run that is taken over. */
  readonly expected: Sha | null;
}

/** A mark of a run in the quota of a lane, made in the same swap as the lease. */
export interface QuotaClaim {
  readonly lane: string;
  readonly ref: Ref;
  /** Nothing, or a run that no longer counts. */
  readonly expected: Sha | null;
}

/** A finished response waits beside its branch: put it there. */
export interface Land {
  readonly kind: "land";
  readonly head: Head;
  readonly response: ParkedResponse;
}

/** Delete a lease that nobody needs. */
export interface Expire {
  readonly kind: "expire";
  readonly head: Head;
  readonly previousLease: ObservedLease;
  /** True where the request waits once more: its lost run gives its places back, its attempts count on. */
  readonly shouldKeepAttempts: boolean;
}

export interface Idle {
  readonly kind: "wait" | "park" | "ignore";
  readonly head: Head;
  readonly why: DecisionReason;
}

export type Decision = Run | Land | Expire | Idle;
