/** Reads where the work on a branch is, for what people decide about it. */
import { passedStates } from "../core/workflow/directions.ts";
import type { PersonPosition } from "../core/policy/person-decision.ts";
import type { Branch, Sha } from "../core/protocol/ids.ts";
import type { Request } from "../core/protocol/request.ts";
import type { Trailer } from "../core/protocol/trailer-block.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { requiredApprovals } from "../core/scheduling/waits.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import type { BranchListing } from "./branch-listing.ts";
import type { Workspace } from "./workspace.ts";

export interface BranchPosition {
  readonly branch: Branch;
  readonly commit: Sha;
  /** What the branch asks for, or asked for below commits and approvals of people. */
  readonly state: string | undefined;
  /** Hand-offs so far without a person. */
  readonly hops: number;
  readonly isRunning: boolean;
  readonly wantsApproval: boolean;
  /** The words and trailers of the request. */
  readonly header: string;
  readonly body: string;
  readonly trailers: readonly Trailer[];
}

export function positionOf(listing: BranchListing, head: Head): BranchPosition {
  const { snapshot, trustedConfig, decisions } = listing;
  const { branch, commit, key } = head;
  const request = presentRequest(listing, head);
  const lease = snapshot.leases.get(key);
  const decision = decisions.find((candidate) => candidate.head.branch === branch);
  const isWaiting = decision?.kind === "wait" && decision.why.code === "waits" && request !== undefined;
  const { header = "", body = "", trailers = [] } = request?.message ?? {};
  return {
    branch,
    commit,
    state: request?.state,
    hops: request?.hops ?? 0,
    isRunning: lease?.lease !== undefined && lease.lease.backoff === undefined && !lease.isHolderDead,
    wantsApproval: isWaiting && requiredApprovals(request, trustedConfig.workflow).length > 0,
    header,
    body,
    trailers,
  };
}

/** The request of the head, or the one below approvals and commits of people. */
export function presentRequest(
  { snapshot }: Pick<BranchListing, "snapshot">,
  { reading, key }: Head,
): Request | undefined {
  if (reading.kind === "request") return reading;
  return snapshot.facts.approvalStates.get(key)?.request ?? snapshot.takeovers.get(key);
}

/** The position with the states that the work has passed. */
export async function personPosition(
  { location }: Workspace,
  listing: BranchListing,
  head: Head,
): Promise<PersonPosition> {
  const { target, heads } = listing.snapshot;
  const { branch, commit } = head;
  const trusted = heads.find((candidate) => candidate.branch === target)?.commit;
  const range = trusted === undefined || branch === target ? commit : `${trusted}..${commit}`;
  const { state, wantsApproval } = positionOf(listing, head);
  const { workflow } = listing.trustedConfig;
  return {
    workflow,
    state,
    wantsApproval,
    passed: passedStates(branch, await readTrail(location, range, DEPTH.work)),
  };
}
