/** `trailhand retry`: asks again for a state that failed, or ends a rest before its time. */
import type { Head, View } from "../../core/scheduling/snapshot.ts";
import { Fault, words } from "../../core/messages/messages.ts";
import { openSite } from "../../app/open-workspace.ts";
import { askAgain, type Again } from "../ask-again.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../../app/branch-listing.ts";

export const run: Run = async (call) => {
  const site = await openSite(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { view } = await survey(site, present());
  return askAgain(call, site, retryOf(view, requireHead(site, view.heads, call.input.arguments[0])));
};

/** What is asked for once more. Throws a Fault when nothing failed. */
export function retryOf(view: View, head: Head): Again {
  const { asked, branch, commit } = head;
  const lease = view.leases.get(head.key);
  const resting = lease?.lease?.rest !== undefined && lease.lease.request === commit;
  const failed =
    asked.kind === "request" && ["failed", "cancelled", "parked", "stalled"].includes(asked.state);
  if (!failed && !resting) {
    const why =
      asked.kind === "request" ? `it is at ${asked.state}, and nothing failed` : "nothing failed there";
    throw new Fault(words.nothingTo("retry", branch, why));
  }
  const also = resting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [];
  return { head, also, header: (state) => `trailhand: ${state} once more` };
}
