/** Reads where the work on a branch is, with the states that it has passed. */
import type { PersonPosition } from "../core/policy/person-decision.ts";
import { positionOf } from "../core/scheduling/branch-position.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { passedStates } from "../core/workflow/directions.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import type { BranchListing } from "./branch-listing.ts";
import { ownRange } from "./own-range.ts";
import type { Workspace } from "./workspace.ts";

export async function personPosition(
  { location }: Workspace,
  listing: BranchListing,
  head: Head,
): Promise<PersonPosition> {
  const { state, wantsApproval } = positionOf(listing, head);
  const { workflow } = listing.trustedConfig;
  return {
    workflow,
    state,
    wantsApproval,
    passed: passedStates(
      head.branch,
      await readTrail(location, ownRange(listing.snapshot, head), DEPTH.work),
    ),
  };
}
