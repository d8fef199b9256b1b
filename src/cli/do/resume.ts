/** `trailhand resume`: asks again for the state at which a branch was parked or taken over. */
import type { Head, View } from "../../core/scheduling/snapshot.ts";
import { Fault, words } from "../../core/messages/messages.ts";
import { openSite } from "../../app/open-workspace.ts";
import { askAgain, type Again } from "../ask-again.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../../app/branch-listing.ts";

export const run: Run = async (call) => {
  const site = await openSite(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { view } = await survey(site, present());
  return askAgain(call, site, resumeOf(view, requireHead(site, view.heads, call.input.arguments[0])));
};

/** What is gone on with. Throws a Fault when nothing rests with a person. */
export function resumeOf(view: View, head: Head): Again {
  const { asked } = head;
  const standing = asked.kind === "request" && ["parked", "stalled", "waiting"].includes(asked.state);
  const waiting = view.facts.approved.get(head.key)?.request;
  const below = waiting ? undefined : view.takenOver.get(head.key);
  if (!standing && !below) {
    const at = asked.kind === "request" ? asked : waiting;
    const why = at ? `it is at ${at.state}` : "no request is below its head";
    throw new Fault(words.nothingTo("resume", head.branch, why));
  }
  return { head, below, header: (state) => `trailhand: go on with ${state}` };
}
