/**
 * Requests the interrupted state again: after `parked`, `waiting` or `stalled`, or after commits of a
 * person.
 */
import { requestAgainAsTyped, type RepeatRequest, type TypedText } from "./request-again.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { isPaused } from "../core/workflow/workflow.ts";
import type { Head, Snapshot } from "../core/scheduling/snapshot.ts";
import { listBranch } from "./find-branch.ts";
import type { Workspace } from "./workspace.ts";
import type { WrittenRequest } from "../core/protocol/request-text.ts";

/** Throws a UserError where there is nothing to resume. */
export async function resumeBranch(
  workspace: Workspace,
  name: string | undefined,
  text: TypedText,
): Promise<WrittenRequest> {
  const { listing, head } = await listBranch(workspace, name);
  return requestAgainAsTyped(workspace, draftResume(listing.snapshot, head), text);
}

/** Throws a UserError unless the branch is parked, waiting or taken over. */
export function draftResume(snapshot: Snapshot, head: Head): RepeatRequest {
  const { reading } = head;
  const hasPaused = reading.kind === "request" && isPaused(reading.state);
  const requestAwaitingApproval = snapshot.facts.approvalStates.get(head.key)?.request;
  const replacedRequest = requestAwaitingApproval ? undefined : snapshot.takeovers.get(head.key);
  if (!hasPaused && !replacedRequest) {
    const current = reading.kind === "request" ? reading : requestAwaitingApproval;
    const why = current ? `it is at ${current.state}` : "its history has no request";
    throw new UserError(MESSAGES.nothingTo("resume", head.branch, why));
  }
  return {
    verb: "resume",
    head,
    request: replacedRequest,
    header: (state) => `trailhand: go on with ${state}`,
  };
}
