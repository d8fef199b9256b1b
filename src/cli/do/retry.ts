/** `trailhand retry`: asks again for a state that failed, or ends a rest before its time. */
import { openSite } from "../../app/open-workspace.ts";
import { askAgain } from "../ask-again.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../../app/branch-listing.ts";
import { retryOf } from "../../app/retry.ts";

export const run: Run = async (call) => {
  const site = await openSite(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { view } = await survey(site, present());
  return askAgain(call, site, retryOf(view, requireHead(site, view.heads, call.input.arguments[0])));
};
