/** Requests a state again after it failed, or ends its back-off early. */
import { requestAgainAsTyped, type RepeatRequest, type TypedText } from "./request-again.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Head, Snapshot } from "../core/scheduling/snapshot.ts";
import { listBranch } from "./find-branch.ts";
import type { Workspace } from "./workspace.ts";
import type { WrittenRequest } from "../core/protocol/request-text.ts";

/** Throws a UserError where there is nothing to retry. */
export async function retryBranch(
  workspace: Workspace,
  name: string | undefined,
  text: TypedText,
): Promise<WrittenRequest> {
  const { listing, head } = await listBranch(workspace, name);
  return requestAgainAsTyped(workspace, draftRetry(listing.snapshot, head), text);
}

/** Throws a UserError when nothing failed. */
export function draftRetry(snapshot: Snapshot, head: Head): RepeatRequest {
  const { reading, branch, commit } = head;
  const lease = snapshot.leases.get(head.key);
  const isResting = lease?.lease?.backoff !== undefined && lease.lease.request === commit;
  const hasFailed =
    reading.kind === "request" && ["failed", "cancelled", "parked", "stalled"].includes(reading.state);
  if (!hasFailed && !isResting) {
    const why =
      reading.kind === "request" ? `it is at ${reading.state}, and nothing failed` : "nothing failed there";
    throw new UserError(MESSAGES.nothingTo("retry", branch, why));
  }
  const also = isResting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [];
  return { verb: "retry", head, also, header: (state) => `trailhand: ${state} once more` };
}
