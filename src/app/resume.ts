/** Continues where the work stopped: after `parked`, or after commits of a person. */
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
  return requestAgainAsTyped(workspace, planResume(listing.snapshot, head), text);
}

/** Throws a UserError unless the branch is parked, waiting or taken over. */
export function planResume(snapshot: Snapshot, head: Head): RepeatRequest {
  const { reading } = head;
  const isAtPause = reading.kind === "request" && isPaused(reading.state);
  const waiting = snapshot.facts.approvalStates.get(head.key)?.request;
  const below = waiting ? undefined : snapshot.takeovers.get(head.key);
  if (!isAtPause && !below) {
    const at = reading.kind === "request" ? reading : waiting;
    const why = at ? `it is at ${at.state}` : "no request is below its head";
    throw new UserError(MESSAGES.nothingTo("resume", head.branch, why));
  }
  return { verb: "resume", head, below, header: (state) => `trailhand: go on with ${state}` };
}
