/** Plans the request that continues a parked or taken-over branch. */
import type { RepeatRequest } from "./request-again.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Snapshot, Head } from "../core/scheduling/snapshot.ts";

/** What is gone on with. Throws a Fault when nothing rests with a person. */
export function planResume(view: Snapshot, head: Head): RepeatRequest {
  const { reading } = head;
  const standing = reading.kind === "request" && ["parked", "stalled", "waiting"].includes(reading.state);
  const waiting = view.facts.approvalStates.get(head.key)?.request;
  const below = waiting ? undefined : view.takeovers.get(head.key);
  if (!standing && !below) {
    const at = reading.kind === "request" ? reading : waiting;
    const why = at ? `it is at ${at.state}` : "no request is below its head";
    throw new UserError(MESSAGES.nothingTo("resume", head.branch, why));
  }
  return { head, below, header: (state) => `trailhand: go on with ${state}` };
}
