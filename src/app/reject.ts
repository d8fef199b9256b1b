/** Sends back work that waits for a person. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { decideNo } from "../core/policy/person-decision.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { BranchListing } from "./branch-listing.ts";
import { personPosition } from "./person-position.ts";
import { cancelHead } from "./cancel.ts";
import { listBranch } from "./find-branch.ts";
import { requestOnHead } from "./request-on-head.ts";
import type { Workspace } from "./workspace.ts";
import type { RequestText, WrittenRequest } from "../core/protocol/request-text.ts";

/**
 * Sends the work back, or cancels it where no state leads back. Throws a UserError when the branch does
 * not wait for a person, or when it may go back to several states.
 */
export async function rejectBranch(
  workspace: Workspace,
  name: string | undefined,
  text: RequestText,
): Promise<WrittenRequest> {
  const { listing, head } = await listBranch(workspace, name);
  return rejectHead(workspace, listing, head, text);
}

/** Sends back, or cancels, the work on a head that was listed already. Throws a UserError like `rejectBranch`. */
export async function rejectHead(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  text: RequestText,
): Promise<WrittenRequest> {
  const { branch } = head;
  const decision = decideNo(await personPosition(workspace, listing, head));
  const messages = text.messages.length > 0 ? text.messages : ["trailhand: rejected"];
  switch (decision.kind) {
    case "request":
      return requestOnHead(workspace, listing, head, decision.state, { ...text, messages });
    case "cancel":
      return cancelHead(workspace, listing.snapshot, head, { ...text, messages });
    case "choose":
      throw new UserError(MESSAGES.severalBack(branch, decision.states));
    default:
      throw new UserError(MESSAGES.nothingToReject(branch));
  }
}
