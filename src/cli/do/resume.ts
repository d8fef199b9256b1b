/** `trailhand resume`: asks again for the state at which a branch was parked or taken over. */
import { openWorkspace } from "../../app/open-workspace.ts";
import { repeatRequest } from "../ask-again.ts";
import type { CommandRun } from "../call.ts";
import { currentTime, requireHead, listBranches } from "../../app/branch-listing.ts";
import { planResume } from "../../app/resume.ts";

export const run: CommandRun = async (call) => {
  const site = await openWorkspace(call.input.directory, call.env, { remote: call.input.value("remote") });
  const { snapshot } = await listBranches(site, currentTime());
  return repeatRequest(
    call,
    site,
    planResume(snapshot, requireHead(site, snapshot.heads, call.input.arguments[0])),
  );
};
