/** Reads where the work on a branch is, for what people decide about it. */
import type { Branch, Sha } from "../protocol/ids.ts";
import type { Request } from "../protocol/request.ts";
import type { Trailer } from "../protocol/trailer-block.ts";
import type { Workflow } from "../workflow/workflow.ts";
import type { Decision } from "./decision.ts";
import type { Head, Snapshot } from "./snapshot.ts";
import { requiredApprovals } from "./waits.ts";

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

/** A snapshot with the workflow that it is judged by, and the decisions. */
interface Listing {
  readonly snapshot: Snapshot;
  readonly trustedConfig: { readonly workflow: Workflow };
  readonly decisions: readonly Decision[];
}

export function positionOf(listing: Listing, head: Head): BranchPosition {
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
  { snapshot }: Pick<Listing, "snapshot">,
  { reading, key }: Head,
): Request | undefined {
  if (reading.kind === "request") return reading;
  return snapshot.facts.approvalStates.get(key)?.request ?? snapshot.takeovers.get(key);
}

/** The commit that is reviewed and checked: below its approvals, which change no file. */
export const reviewedCommit = ({ facts }: Pick<Snapshot, "facts">, { key, commit }: Head): Sha =>
  facts.approvalStates.get(key)?.approvedCommit ?? commit;
