/** Lists the branches with their states, whose turn it is, and why they do not run. */
import type { Decision } from "../core/scheduling/decide.ts";
import type { Reason } from "../core/scheduling/reasons.ts";
import {
  asAdmitted,
  currentTime,
  listBranches,
  reasonIn,
  stateOf,
  type BranchListing,
} from "./branch-listing.ts";
import { formatProblems } from "./open-workspace.ts";
import type { Workspace } from "./workspace.ts";

export interface StatusRow {
  readonly branch: string;
  readonly commit: string;
  readonly state: string | undefined;
  readonly decision: Decision["kind"];
  /** The code of the reason; undefined for a decision without one. */
  readonly code: string | undefined;
  readonly reason: Reason;
  /** Milliseconds since 1970: the committer date of the head. */
  readonly since: number;
}

export interface StatusReport {
  readonly target: string;
  readonly problems: BranchListing["trustedConfig"]["problems"];
  /** The problems as lines of text. */
  readonly problemText: string;
  readonly hasStates: boolean;
  readonly rows: readonly StatusRow[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface StatusFilter {
  /** Only branches that wait for a person. */
  readonly needsPerson: boolean;
  /** Branches without a request too. */
  readonly all: boolean;
}

export async function readStatus(workspace: Workspace, filter: StatusFilter): Promise<StatusReport> {
  const listing = await listBranches(workspace, currentTime());
  const { snapshot, trustedConfig, now } = listing;
  const rows = listing.decisions
    .map((decision) => statusRow(listing, asAdmitted(listing, decision)))
    .filter((row) => isIncluded(row, filter));
  return {
    target: snapshot.target,
    problems: trustedConfig.problems,
    problemText: formatProblems(trustedConfig.problems),
    hasStates: trustedConfig.hasStates,
    rows,
    now: now.wall,
  };
}

function statusRow(listing: BranchListing, decision: Decision): StatusRow {
  const { head, kind } = decision;
  return {
    branch: head.branch,
    commit: head.commit,
    state: stateOf(listing.snapshot, head),
    decision: kind,
    code: "why" in decision ? decision.why.code : undefined,
    reason: reasonIn(listing, decision),
    since: head.committed * 1000,
  };
}

function isIncluded({ decision, code, reason }: StatusRow, { needsPerson, all }: StatusFilter): boolean {
  if (needsPerson) return reason.turn === "person";
  return all || decision !== "ignore" || code === "ended";
}
