/** Sets the priority of the request of a branch. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { REQUEST_LIMITS } from "../core/protocol/limits.ts";
import type { Trailer } from "../core/protocol/trailer-block.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { BranchListing } from "./branch-listing.ts";
import { positionOf } from "../core/scheduling/branch-position.ts";
import { changeRequest } from "./change-request.ts";
import { listBranch } from "./find-branch.ts";
import type { Workspace } from "./workspace.ts";
import type { WrittenRequest } from "../core/protocol/request-text.ts";

/** `priority` is a whole number from -1000 to 1000; a higher one starts earlier. */
export async function prioritizeBranch(
  workspace: Workspace,
  priority: string,
  name: string | undefined,
): Promise<WrittenRequest> {
  const { listing, head } = await listBranch(workspace, name);
  return prioritizeHead(workspace, listing, head, priority, []);
}

/** Sets the priority on a head that was listed already. `trailers` are added to the request. */
export function prioritizeHead(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  priority: string,
  trailers: readonly Trailer[],
): Promise<WrittenRequest> {
  const value = Number(priority);
  if (!/^-?\d{1,4}$/.test(priority) || Math.abs(value) > REQUEST_LIMITS.maxPriority)
    throw new UserError(MESSAGES.badPriority(priority));
  const { branch, isRunning, wantsApproval } = positionOf(listing, head);
  if (isRunning) throw new UserError(MESSAGES.runningAlready(branch));
  if (wantsApproval) throw new UserError(MESSAGES.wouldVoidApprovals(branch));
  const change = { key: KEY.priority, value: String(value) };
  return changeRequest(workspace, listing, head, change, trailers);
}
