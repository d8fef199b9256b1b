/**
 * The state of the repository as one scan read it: the input of every decision.
 *
 * Invariants:
 * - A snapshot is plain data and never changes.
 * - The same snapshot and time always give the same decisions.
 */
import type { ApprovalState } from "../policy/approvals.ts";
import type { Branch, Ref, RunId, Sha } from "../protocol/ids.ts";
import type { CarriedState } from "../workflow/carried-state.ts";
import type { Lease } from "../protocol/lease.ts";
import type { HeadReading, Commit, Request } from "../protocol/request.ts";

export interface Head extends Commit {
  readonly branch: Branch;
  /** A hash of the branch name, 40 hex digits, used in the names of its side refs. */
  readonly key: string;
  readonly reading: HeadReading;
}

export interface ObservedLease {
  readonly ref: Ref;
  readonly value: Sha;
  /** Undefined if the commit under the ref is not a readable lease. */
  readonly lease: Lease | undefined;
  /** When this runner first saw this value, in monotonic milliseconds. */
  readonly firstSeen: number;
  /** True if an earlier scan saw this value too, so all of this scan was read after it. */
  readonly wasSeenBefore: boolean;
  /** The committer date in seconds. Only back-offs use it, because they protect nothing. */
  readonly committed: number;
  /** True if the holder ran on this machine and its process does not exist any more. */
  readonly isHolderDead: boolean;
}

/** An occupied slot of a lane. */
export interface ObservedSlot {
  readonly ref: Ref;
  readonly value: Sha;
  /** The run that holds it. Undefined if the commit is unreadable. */
  readonly run: RunId | undefined;
  readonly wasSeenBefore: boolean;
}

/** An attempt of this process. */
export interface RunningAttempt {
  readonly slots: readonly Ref[];
}

/** A run that counts in the quota of a lane. */
export interface LaneUsage {
  readonly ref: Ref;
  readonly value: Sha;
  readonly lane: string;
  /** When the run started, in milliseconds since 1970. */
  readonly at: number;
  readonly tokens: number;
  /** USD. */
  readonly cost: number;
}

/** Results of external checks on one commit. */
export interface CheckResults {
  readonly commit: string;
  /** Conclusions such as `success`, by the name of the check. */
  readonly results: ReadonlyMap<string, string>;
}

/** Side refs, other than leases and slots, that influence decisions. */
export interface SideRefs {
  readonly laneUsage: readonly LaneUsage[];
  /** When closed lanes open again, in milliseconds since 1970, by lane. */
  readonly closedUntil: ReadonlyMap<string, number>;
  /** By the key of the branch. */
  readonly checks: ReadonlyMap<string, CheckResults>;
  /** The reason of a global stop. */
  readonly hold: string | undefined;
}

export const NO_SIDE_REFS: SideRefs = {
  laneUsage: [],
  closedUntil: new Map(),
  checks: new Map(),
  hold: undefined,
};

/** Facts from the history, read only for the heads that need them. */
export interface HistoryFacts {
  /** The commits that requests depend on and that the trusted branch contains. */
  readonly reachedCommits: ReadonlySet<string>;
  /** Branches that exist and that the scan missed, because they were created during the scan. */
  readonly missedBranches: ReadonlySet<Branch>;
  /** Branches that were merged and deleted. */
  readonly landedBranches: ReadonlySet<Branch>;
  /** Carried state of heads that people wrote, by the key of the branch. */
  readonly carriedStates: ReadonlyMap<string, CarriedState>;
  /** Approved requests and their approvals, by the key of the branch. */
  readonly approvalStates: ReadonlyMap<string, ApprovalState>;
}

export const NO_HISTORY_FACTS: HistoryFacts = {
  reachedCommits: new Set(),
  missedBranches: new Set(),
  landedBranches: new Set(),
  carriedStates: new Map(),
  approvalStates: new Map(),
};

/** A finished response that could not be written to its branch yet. */
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
  /** By the key of the branch. */
  readonly parkedResponses: ReadonlyMap<string, ParkedResponse>;
  /** The request below a plain commit, where a person took over. By the key of the branch. */
  readonly takeovers: ReadonlyMap<string, Request>;
  /** When this runner first saw heads that another worker claims, in monotonic milliseconds. */
  readonly firstSightings: ReadonlyMap<Sha, number>;
  /** Attempts of this process. */
  readonly runningAttempts: ReadonlyMap<Branch, RunningAttempt>;
  readonly sideRefs: SideRefs;
  readonly facts: HistoryFacts;
}

export interface Now {
  /** Monotonic milliseconds. */
  readonly mono: number;
  /** Milliseconds since 1970. Leases never use it. */
  readonly wall: number;
}
