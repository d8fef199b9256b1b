/** Asks for the present state again, with one trailer changed. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { isKeptOnChange } from "../core/protocol/trailer-keys.ts";
import type { Trailer } from "../core/protocol/trailer-block.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { isReservedState } from "../core/workflow/workflow.ts";
import type { BranchListing } from "./branch-listing.ts";
import { positionOf } from "../core/scheduling/branch-position.ts";
import { requestOnHead } from "./request-on-head.ts";
import type { Workspace } from "./workspace.ts";
import type { WrittenRequest } from "../core/protocol/request-text.ts";

/** Throws a UserError when no request is waiting. `trailers` are added to those that are kept. */
export async function changeRequest(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  change: Trailer,
  trailers: readonly Trailer[],
): Promise<WrittenRequest> {
  const { branch, state, header, body, trailers: present } = positionOf(listing, head);
  if (state === undefined || isReservedState(state)) throw new UserError(MESSAGES.nothingToChange(branch));
  const kept = present.filter(({ key }) => isKeptOnChange(key) && key !== change.key);
  return requestOnHead(workspace, listing, head, state, {
    messages: [header, body].filter((part) => part !== ""),
    trailers: [...kept, change, ...trailers],
  });
}
