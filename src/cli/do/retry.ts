/** `trailhand retry`: asks again for a state that failed, or ends a rest before its time. */
import { openWorkspace } from "../../app/open-workspace.ts";
import { repeatRequest } from "../ask-again.ts";
import type { CommandRun } from "../call.ts";
import { currentTime, requireHead, listBranches } from "../../app/branch-listing.ts";
import { planRetry } from "../../app/retry.ts";

export const run: CommandRun = async (call) => {
  const site = await openWorkspace(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { snapshot } = await listBranches(site, currentTime());
  return repeatRequest(
    call,
    site,
    planRetry(snapshot, requireHead(site, snapshot.heads, call.input.arguments[0])),
  );
};
