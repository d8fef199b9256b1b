/**
 * What one look saw; the input of every decision.
 *
 * What must hold: a view is plain data and never changes; the same view and time give the same
 * decisions.
 */
import type { ApprovalState } from "../policy/approvals.ts";
import type { Branch, Ref, RunId, Sha } from "../protocol/ids.ts";
import type { CarriedState } from "../workflow/carried-state.ts";
import type { Lease } from "../protocol/lease.ts";
import type { HeadReading, Commit, Request } from "../protocol/request.ts";

export interface Head extends Commit {
  readonly branch: Branch;
  /** 40 hex digits that name the branch's side refs. */
  readonly key: string;
  readonly reading: HeadReading;
}

export interface ObservedLease {
  readonly ref: Ref;
  readonly value: Sha;
  /** Undefined when the commit under the ref is no lease that we can read. */
  readonly lease: Lease | undefined;
  /** Monotonic milliseconds of this observer when it first saw this very value. */
  readonly firstSeen: number;
  /** True when an earlier look saw it too: then all else in this look was read after it. */
  readonly wasSeenBefore: boolean;
  /** The committer date in seconds; only a rest may go by it, because a rest guards nothing. */
  readonly committed: number;
  /** True when the holder ran on this machine and its process is gone. */
  readonly isHolderDead: boolean;
}

/** A taken place of a lane. */
export interface ObservedSlot {
  readonly ref: Ref;
  readonly value: Sha;
  /** The run that took it; undefined when the commit there is none of ours. */
  readonly run: RunId | undefined;
  readonly wasSeenBefore: boolean;
}

/** What this process works on. */
export interface RunningAttempt {
  readonly slots: readonly Ref[];
}

/** A run that counts in the quota of a lane. */
export interface LaneUsage {
  readonly ref: Ref;
  readonly value: Sha;
  readonly lane: string;
  /** Milliseconds since 1970, when it began. */
  readonly at: number;
  readonly tokens: number;
  /** USD. */
  readonly cost: number;
}

/** Results of checks on one commit. */
export interface CheckResults {
  readonly commit: string;
  /** Names to conclusions such as `success`. */
  readonly results: ReadonlyMap<string, string>;
}

/** Refs beside leases that bear on decisions. */
export interface SideRefs {
  readonly laneUsage: readonly LaneUsage[];
  /** Lanes to the time until which they are closed, in milliseconds since 1970. */
  readonly closedUntil: ReadonlyMap<string, number>;
  /** By the key of the branch. */
  readonly checks: ReadonlyMap<string, CheckResults>;
  /** Why nothing is to run, when somebody has stopped everything. */
  readonly hold: string | undefined;
}

export const NO_SIDE_REFS: SideRefs = {
  laneUsage: [],
  closedUntil: new Map(),
  checks: new Map(),
  hold: undefined,
};

/** What was looked up in history, for the heads that need it. */
export interface HistoryFacts {
  /** Those of the commits that requests depend on which the trusted branch holds. */
  readonly reachedCommits: ReadonlySet<string>;
  /** Branches that the look missed, and that are there: they were made while it read. */
  readonly missedBranches: ReadonlySet<Branch>;
  /** Branches that landed and are gone. */
  readonly landedBranches: ReadonlySet<Branch>;
  /** The work that heads written by people carry on, by the key of the branch. */
  readonly carriedStates: ReadonlyMap<string, CarriedState>;
  /** Requests below approvals, by the key of the branch. */
  readonly approvalStates: ReadonlyMap<string, ApprovalState>;
}

export const NO_HISTORY_FACTS: HistoryFacts = {
  reachedCommits: new Set(),
  missedBranches: new Set(),
  landedBranches: new Set(),
  carriedStates: new Map(),
  approvalStates: new Map(),
};

/** A response that is finished but could not be put on its branch. */
export interface ParkedResponse {
  readonly value: Sha;
  readonly answers: string;
}

export interface Snapshot {
  readonly target: Branch;
  readonly heads: readonly Head[];
  /** By the key of the branch. */
  readonly leases: ReadonlyMap<string, ObservedLease>;
  readonly slots: ReadonlyMap<Ref, ObservedSlot>;
  readonly parkedResponses: ReadonlyMap<string, ParkedResponse>;
  /** The request below a head that has no state of its own: a person took over. By the key of the branch. */
  readonly takeovers: ReadonlyMap<string, Request>;
  /** First sight of heads that a foreign worker claims, by commit id. */
  readonly firstSightings: ReadonlyMap<Sha, number>;
  /** Branches that this process works on. */
  readonly runningAttempts: ReadonlyMap<Branch, RunningAttempt>;
  readonly sideRefs: SideRefs;
  readonly facts: HistoryFacts;
}

export interface Now {
  /** Milliseconds on a clock that only goes forward. */
  readonly mono: number;
  /** Milliseconds since 1970, for `Not-Before` and for rests alone. */
  readonly wall: number;
}
