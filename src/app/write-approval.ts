/**
 * Approves a request that waits for approvals, with a person's commit on top of it.
 *
 * Invariants:
 * - A branch moves to the commit only if a runner would count it, as the runner's own reader finds out.
 * - With `proof: signature` the person's own key signs it.
 * - With `proof: pusher` the account of its committer is judged, because nothing is pushed yet. If that
 *   account or the earlier pushes are unknown here, the authors are judged instead.
 */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import {
  approvalProblem,
  countedApprovals,
  type ApprovalRule,
  type ApprovalState,
} from "../core/policy/approvals.ts";
import { composeMessage } from "../core/protocol/compose.ts";
import { refOf, type Branch, type Sha } from "../core/protocol/ids.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { reviewedCommit } from "../core/scheduling/branch-position.ts";
import { effectiveRequest } from "../core/scheduling/decide.ts";
import { requiredApprovals } from "../core/scheduling/waits.ts";
import { signingKey } from "../git/commit-signing.ts";
import type { BranchListing } from "./branch-listing.ts";
import { expectedPush, withPush } from "./expected-push.ts";
import type { Workspace } from "./workspace.ts";
import type { RequestText } from "../core/protocol/request-text.ts";
import { FactLoader, type FactSource } from "../engine/loop/fact-loader.ts";
import type { TrustedConfig } from "../engine/ports.ts";
import { readEntry } from "../git/build-listing.ts";
import { readTrail } from "../git/local-repository.ts";

export interface WrittenApproval {
  readonly branch: Branch;
  readonly commit: Sha;
  readonly approves: Sha;
  /** The address of the person, as the runner reads it. */
  readonly by: string;
  /** Approvals that are still missing. */
  readonly missing: number;
}

/** Throws a UserError with the reason when the approval would not count. */
export async function writeApproval(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  text: RequestText,
): Promise<WrittenApproval> {
  const { branch } = head;
  const before = listing.snapshot.facts.approvalStates.get(head.key);
  const openRules = findOpenRules(listing, head, before);
  const approves = reviewedCommit(listing.snapshot, head);
  const commit = await writeCommit(text, workspace, listing, head, approves);
  const after = await approvalStateAt(workspace, listing, head, commit);
  const own = after.approvals.find((approval) => approval.commit === commit);
  const refuse = (why: string) => new UserError(MESSAGES.notApproved(branch, why));
  const { workflow } = listing.trustedConfig;
  if (!own)
    throw refuse(workflow.proof === "pusher" ? MESSAGES.requesterUnknown() : MESSAGES.unknownSigner());
  const problems = openRules.map((rule) => {
    const current = { requesters: after.requesters, approvals: countedNow(rule, before, listing) };
    return approvalProblem(rule, own.by, current, workflow);
  });
  const [problem] = problems;
  if (problem !== undefined && !problems.includes(undefined)) throw refuse(problem);
  const move = { ref: refOf(branch), expected: head.commit, next: commit };
  const swap = await workspace.repository.moveWithoutCheckouts([move], "approve");
  if (swap.kind !== "landed") throw new UserError(MESSAGES.headMoved(branch));
  const missing = openRules
    .map((rule) => rule.n - countedNow(rule, after, listing).length)
    .find((n) => n > 0);
  return { branch, commit, approves, by: own.by, missing: missing ?? 0 };
}

/** The approvals that the branch waits for now. Throws a UserError when there are none. */
function findOpenRules(
  listing: BranchListing,
  head: Head,
  before: ApprovalState | undefined,
): ApprovalRule[] {
  const decision = listing.decisions.find((candidate) => candidate.head.branch === head.branch);
  const refuse = (why: string) => new UserError(MESSAGES.notApproved(head.branch, why));
  if (decision && "why" in decision && decision.why.code === "void-approval")
    throw refuse(MESSAGES.approvalVoid());
  const { workflow } = listing.trustedConfig;
  const request = effectiveRequest(listing.snapshot, workflow, head);
  const isWaiting = request.kind === "request" && decision?.kind === "wait";
  const wanted = isWaiting ? requiredApprovals(request, workflow) : [];
  const openRules = wanted.filter((rule) => countedNow(rule, before, listing).length < rule.n);
  if (openRules.length === 0) throw refuse(MESSAGES.noApprovalNeeded());
  return openRules;
}

/** Writes the commit; no ref names it yet. */
async function writeCommit(
  { messages, trailers: more }: RequestText,
  { location, repository }: Workspace,
  { trustedConfig }: BranchListing,
  { commit }: Head,
  approves: Sha,
): Promise<Sha> {
  if (!location.person) throw new UserError(MESSAGES.noIdentity());
  const [header = "trailhand: approved", ...paragraphs] = messages;
  const trailers = [...more, { key: KEY.approves, value: approves }];
  const message = composeMessage({ header, body: paragraphs.join("\n\n"), trailers });
  if (trustedConfig.workflow.proof !== "signature")
    return repository.requestCommit(commit, message, location.person);
  const key = signingKey(location.settings);
  if ("problem" in key || !key.isSsh) throw new UserError(MESSAGES.noSigningKey());
  return repository.requestCommit(commit, message, location.person, key.settings);
}

/** What a runner would read if the commit were the head. */
async function approvalStateAt(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  commit: Sha,
): Promise<ApprovalState> {
  const [written] = await readTrail(workspace.location, commit, 1);
  const next = written && readEntry(refOf(head.branch), written);
  const { target, heads } = listing.snapshot;
  const trusted = heads.filter(({ branch }) => branch === target && branch !== head.branch);
  const refs = { target, heads: next && "reading" in next ? [...trusted, next] : trusted };
  const { source, config } = identitySource(workspace, listing, head, commit);
  const { approvalStates } = await new FactLoader(source).load(refs, config);
  const read = approvalStates.get(head.key);
  if (!read) throw new UserError(MESSAGES.notApproved(head.branch, MESSAGES.approvalVoid()));
  return read;
}

/** What proves the authors of a commit that is not pushed yet. */
function identitySource(
  { repository, location }: Workspace,
  { trustedConfig }: BranchListing,
  head: Head,
  commit: Sha,
): { readonly source: FactSource; readonly config: Pick<TrustedConfig, "workflow" | "file"> } {
  const { workflow } = trustedConfig;
  if (workflow.proof !== "pusher") return { source: repository, config: trustedConfig };
  const push = location.person && expectedPush(location.person, head.commit, commit);
  if (push && repository.canReadPushes) return { source: withPush(repository, push), config: trustedConfig };
  const config = {
    workflow: { ...workflow, proof: "author" as const },
    file: (name: string) => trustedConfig.file(name),
  };
  return { source: repository, config };
}

const countedNow = (
  rule: ApprovalRule,
  approved: ApprovalState | undefined,
  { trustedConfig, now }: BranchListing,
) => (approved ? countedApprovals(rule, approved, trustedConfig.workflow, now.wall) : []);
