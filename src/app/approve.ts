/** Lets work that waits for a person go on: approves its request, or asks for the next state. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { decideYes } from "../core/policy/person-decision.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { BranchListing } from "./branch-listing.ts";
import { personPosition } from "./person-position.ts";
import { listBranch } from "./find-branch.ts";
import type { WrittenState } from "./request.ts";
import { requestOnHead } from "./request-on-head.ts";
import type { Workspace } from "./workspace.ts";
import { writeApproval, type WrittenApproval } from "./write-approval.ts";
import type { RequestText } from "../core/protocol/request-text.ts";

export type ApproveResult =
  ({ readonly kind: "approved" } & WrittenApproval) | ({ readonly kind: "requested" } & WrittenState);

/** Throws a UserError when the branch does not wait for a person, or when several states may be next. */
export async function approveBranch(
  workspace: Workspace,
  name: string | undefined,
  text: RequestText,
): Promise<ApproveResult> {
  const { listing, head } = await listBranch(workspace, name);
  return approveHead(workspace, listing, head, text);
}

/** Approves the work on a head that was listed already. Throws a UserError like `approveBranch`. */
export async function approveHead(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  text: RequestText,
): Promise<ApproveResult> {
  const decision = decideYes(await personPosition(workspace, listing, head));
  if (decision.kind === "choose") throw new UserError(MESSAGES.severalNext(head.branch, decision.states));
  if (decision.kind !== "request")
    return { kind: "approved", ...(await writeApproval(workspace, listing, head, text)) };
  const { state } = decision;
  const messages = text.messages.length > 0 ? text.messages : [`trailhand: approved, please ${state}`];
  const request = await requestOnHead(workspace, listing, head, state, { ...text, messages });
  return { kind: "requested", ...request };
}
