/** Gives the present state of a branch to another agent. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Trailer } from "../core/protocol/trailer-block.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { suggest } from "../core/util/suggest.ts";
import { isPaused, isTerminal } from "../core/workflow/workflow.ts";
import type { BranchListing } from "./branch-listing.ts";
import { positionOf } from "../core/scheduling/branch-position.ts";
import { changeRequest } from "./change-request.ts";
import { listBranch } from "./find-branch.ts";
import { requestAgain } from "./request-again.ts";
import { draftResume } from "./resume.ts";
import { draftRetry } from "./retry.ts";
import type { Workspace } from "./workspace.ts";
import type { WrittenRequest } from "../core/protocol/request-text.ts";

/** Throws a UserError for an agent that the workflow does not declare. */
export async function assignBranch(
  workspace: Workspace,
  agent: string,
  name: string | undefined,
): Promise<WrittenRequest> {
  const { listing, head } = await listBranch(workspace, name);
  return assignHead(workspace, listing, head, agent, []);
}

/** Assigns the work on a head that was listed already. `trailers` are added to the request. */
export async function assignHead(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  agent: string,
  trailers: readonly Trailer[],
): Promise<WrittenRequest> {
  const { snapshot, trustedConfig } = listing;
  const agents = ["default", ...Object.keys(trustedConfig.workflow.agents)];
  if (!agents.includes(agent))
    throw new UserError(MESSAGES.unknownAgent(agent, suggest(agent, agents), agents.join(", ")));
  const assignment = { key: KEY.assignedTo, value: agent };
  const { state } = positionOf(listing, head);
  if (state !== undefined && !isPaused(state) && !isTerminal(state))
    return changeRequest(workspace, listing, head, assignment, trailers);
  const again =
    state === undefined || isPaused(state) ? draftResume(snapshot, head) : draftRetry(snapshot, head);
  return requestAgain(workspace, again, { messages: [], trailers: [assignment, ...trailers] });
}
