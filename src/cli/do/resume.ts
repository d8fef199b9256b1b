/** `trailhand resume`: asks again for the state at which a branch was parked or taken over. */
import { openSite } from "../../app/open-workspace.ts";
import { askAgain } from "../ask-again.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../../app/branch-listing.ts";
import { resumeOf } from "../../app/resume.ts";

export const run: Run = async (call) => {
  const site = await openSite(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { view } = await survey(site, present());
  return askAgain(call, site, resumeOf(view, requireHead(site, view.heads, call.input.arguments[0])));
};
