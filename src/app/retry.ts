/** Plans the request that repeats a failed state, or ends a back-off early. */
import type { RepeatRequest } from "./request-again.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Snapshot, Head } from "../core/scheduling/snapshot.ts";

/** What is asked for once more. Throws a Fault when nothing failed. */
export function planRetry(view: Snapshot, head: Head): RepeatRequest {
  const { reading, branch, commit } = head;
  const lease = view.leases.get(head.key);
  const resting = lease?.lease?.backoff !== undefined && lease.lease.request === commit;
  const failed =
    reading.kind === "request" && ["failed", "cancelled", "parked", "stalled"].includes(reading.state);
  if (!failed && !resting) {
    const why =
      reading.kind === "request" ? `it is at ${reading.state}, and nothing failed` : "nothing failed there";
    throw new UserError(MESSAGES.nothingTo("retry", branch, why));
  }
  const also = resting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [];
  return { head, also, header: (state) => `trailhand: ${state} once more` };
}
