/**
 * Does for comments on GitHub what the commands do, at a remote.
 *
 * Invariants:
 * - The person who asked is the author, and the bot is the committer.
 * - Every write lists the branches again, and fails when the head is not the one it was decided on.
 */
import { approveHead } from "../app/approve.ts";
import { assignHead } from "../app/assign.ts";
import { currentTime, listBranches, type BranchListing } from "../app/branch-listing.ts";
import { positionOf, reviewedCommit } from "../core/scheduling/branch-position.ts";
import { cancelHead } from "../app/cancel.ts";
import { acceptedTimes, findEventAnywhere } from "../app/event-history.ts";
import { requireHead } from "../app/find-branch.ts";
import { releaseHold, setHold } from "../app/hold.ts";
import { prioritizeHead } from "../app/priority.ts";
import { rejectHead } from "../app/reject.ts";
import { isCheckName, recordCheck } from "../app/report-check.ts";
import { requestAgain } from "../app/request-again.ts";
import { requestBatch } from "../app/request-batch.ts";
import { draftResume } from "../app/resume.ts";
import { draftRetry } from "../app/retry.ts";
import type { Workspace } from "../app/workspace.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Sha } from "../core/protocol/ids.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { BOT } from "../git/local-repository.ts";
import type { Author, RepositoryActions, RepositoryView } from "../github/commands/repository-port.ts";
import type { BranchPosition } from "../core/scheduling/branch-position.ts";
import { branchReport } from "./branch-report.ts";

export function openRepositoryActions(workspace: Workspace): RepositoryActions {
  const list = () => listBranches(workspace, currentTime());
  /** The same workspace, with the person who asked as the author. */
  const as = ({ name, email }: Author): Workspace => {
    const { location } = workspace;
    return {
      ...workspace,
      location: { ...location, person: { name, email, writtenBy: location.person ?? BOT } },
    };
  };
  /** Throws a UserError when the head has moved. */
  const listAt = async ({ branch, commit }: Pick<BranchPosition, "branch" | "commit">) => {
    const listing = await list();
    const head = await requireHead(workspace, listing.snapshot.heads, branch);
    if (head.commit !== commit) throw new UserError(MESSAGES.headMoved(branch));
    return { listing, head };
  };

  return {
    readView: async () => viewOf(await list()),
    findEvent: (branch, event) => findEventAnywhere(workspace, branch, event),
    acceptedTimes: ({ email }, since) => acceptedTimes(workspace, email, since),
    request: (by, requests) => requestBatch(as(by), requests),
    async retry(by, position, text) {
      const { listing, head } = await listAt(position);
      return requestAgain(as(by), draftRetry(listing.snapshot, head), text);
    },
    async resume(by, position, text) {
      const { listing, head } = await listAt(position);
      return requestAgain(as(by), draftResume(listing.snapshot, head), text);
    },
    async cancel(by, position, text) {
      const { listing, head } = await listAt(position);
      return cancelHead(as(by), listing.snapshot, head, text);
    },
    async reject(by, position, text) {
      const { listing, head } = await listAt(position);
      return rejectHead(as(by), listing, head, text);
    },
    async assign(by, position, agent, trailers) {
      const { listing, head } = await listAt(position);
      return assignHead(as(by), listing, head, agent, trailers);
    },
    async prioritize(by, position, priority, trailers) {
      const { listing, head } = await listAt(position);
      return prioritizeHead(as(by), listing, head, priority, trailers);
    },
    async approve(by, position, reviewed, text) {
      const { listing, head } = await listAt(position);
      requireApprovable(listing, head, reviewed);
      const result = await approveHead(as(by), listing, head, text);
      if (result.kind === "requested") return result;
      const { branch, commit } = result;
      return { branch, state: positionOf(listing, head).state ?? "", commit };
    },
    hold: async (by, reason) => void (await setHold(as(by), reason)),
    releaseHold: (by) => releaseHold(as(by)),
    async recordCheck(commit, name, conclusion) {
      if (!isCheckName(name)) return false;
      const { snapshot } = await list();
      const heads = snapshot.heads.filter((head) => reviewedCommit(snapshot, head) === commit);
      for (const head of heads) await recordCheck(workspace, head, commit as Sha, name, conclusion);
      return heads.length > 0;
    },
    async report(kind, branch) {
      const listing = await list();
      return branchReport(
        workspace,
        listing,
        await requireHead(workspace, listing.snapshot.heads, branch),
        kind,
      );
    },
  };
}

function viewOf(listing: BranchListing): RepositoryView {
  const { snapshot, trustedConfig } = listing;
  return {
    target: snapshot.target,
    workflow: trustedConfig.workflow,
    position(branch) {
      const head = snapshot.heads.find((candidate) => candidate.branch === branch);
      return head && positionOf(listing, head);
    },
    branchAt: (commit) => snapshot.heads.find((head) => head.commit === commit)?.branch,
  };
}

/** Throws a UserError when the person reviewed another commit, or has to sign. */
function requireApprovable({ snapshot, trustedConfig }: BranchListing, head: Head, reviewed: Sha): void {
  const { branch, commit } = head;
  // The bot's signature would not prove who asked.
  if (trustedConfig.workflow.proof === "signature") throw new UserError(MESSAGES.needsOwnSignature(branch));
  const approves = reviewedCommit(snapshot, head);
  if (reviewed !== approves && reviewed !== commit)
    throw new UserError(MESSAGES.notApproved(branch, MESSAGES.otherCommit(approves)));
}
