/** Plans the commit that ends the work on a branch, and lists the children that end with it. */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Branch } from "../core/protocol/ids.ts";
import type { Snapshot, Head } from "../core/scheduling/snapshot.ts";
import { isTerminal } from "../core/workflow/workflow.ts";
import { stateOf } from "./branch-listing.ts";
import type { RequestDraft } from "./write-request.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

/** The end of the work on a branch. Throws a Fault when there is none that goes on. */
export function planCancel(
  view: Snapshot,
  head: Head,
  { messages, trailers }: Pick<RequestDraft, "messages" | "trailers">,
): RequestDraft {
  const { branch, commit, reading } = head;
  const state = stateOf(view, head);
  if (state === undefined)
    throw new UserError(MESSAGES.nothingTo("cancel", branch, "nothing is asked for there"));
  if (isTerminal(state)) throw new UserError(MESSAGES.nothingTo("cancel", branch, `it ended as ${state}`));
  const lease = view.leases.get(head.key);
  const resting = lease?.lease?.backoff !== undefined;
  return {
    branch,
    parent: commit,
    expected: commit,
    state: "cancelled",
    key: reading.kind === "request" ? reading.key : KEY.state,
    trailers,
    messages: messages.length > 0 ? messages : [`trailhand: ${state} is cancelled`],
    also: resting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [],
  };
}

/** The branches that it handed out, and that those did, as far as their work goes on. */
export function cancelledChildren(branch: Branch, heads: readonly Head[]): Branch[] {
  const own = heads.filter(
    ({ reading }) => reading.kind === "request" && reading.parent === branch && !isTerminal(reading.state),
  );
  return own.flatMap((head) => [head.branch, ...cancelledChildren(head.branch, heads)]);
}
