/** `trailhand retry`: asks again for a state that failed, or ends a rest before its time. */
import { Fault, words } from "../../core/words.ts";
import { openSite } from "../../wire.ts";
import { askAgain } from "../ask-again.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../survey.ts";

export const run: Run = async (call) => {
  const site = await openSite(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { view } = await survey(site, present());
  const head = requireHead(site, view.heads, call.input.arguments[0]);
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
  return askAgain(call, site, { head, also, header: (state) => `trailhand: ${state} once more` });
};
