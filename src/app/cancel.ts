/** Ends the work on a branch. A runner that works on it sees the branch move. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Head, Snapshot } from "../core/scheduling/snapshot.ts";
import { isTerminal } from "../core/workflow/workflow.ts";
import { stateOf } from "./branch-listing.ts";
import { listBranch } from "./find-branch.ts";
import type { Workspace } from "./workspace.ts";
import { writeRequest, type RequestDraft } from "./write-request.ts";
import type { RequestText, WrittenRequest } from "../core/protocol/request-text.ts";

export interface Cancellation extends WrittenRequest {
  /** Branches whose work ends with it. */
  readonly children: readonly Branch[];
}

/** Throws a UserError where no work is going on. */
export async function cancelBranch(
  workspace: Workspace,
  name: string | undefined,
  text: RequestText,
): Promise<Cancellation> {
  const { listing, head } = await listBranch(workspace, name);
  const { snapshot } = listing;
  const written = await cancelHead(workspace, snapshot, head, text);
  return { ...written, children: cancelledChildren(head.branch, snapshot.heads) };
}

/** Throws a UserError where no work is going on. */
export async function cancelHead(
  workspace: Workspace,
  snapshot: Snapshot,
  head: Head,
  text: RequestText,
): Promise<WrittenRequest> {
  const commit = await writeRequest(workspace, draftCancel(snapshot, head, text));
  return { branch: head.branch, state: "cancelled", commit };
}

function draftCancel(snapshot: Snapshot, head: Head, { messages, trailers }: RequestText): RequestDraft {
  const { branch, commit, reading } = head;
  const state = stateOf(snapshot, head);
  if (state === undefined)
    throw new UserError(MESSAGES.nothingTo("cancel", branch, "nothing is asked for there"));
  if (isTerminal(state)) throw new UserError(MESSAGES.nothingTo("cancel", branch, `it ended as ${state}`));
  const lease = snapshot.leases.get(head.key);
  const isResting = lease?.lease?.backoff !== undefined;
  return {
    branch,
    parent: commit,
    expected: commit,
    state: "cancelled",
    key: reading.kind === "request" ? reading.key : KEY.state,
    trailers,
    messages: messages.length > 0 ? messages : [`trailhand: ${state} is cancelled`],
    also: isResting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [],
  };
}

/** The unfinished branches that a branch handed out, and those that they handed out. */
function cancelledChildren(branch: Branch, heads: readonly Head[]): Branch[] {
  const own = heads.filter(
    ({ reading }) => reading.kind === "request" && reading.parent === branch && !isTerminal(reading.state),
  );
  return own.flatMap((head) => [head.branch, ...cancelledChildren(head.branch, heads)]);
}
