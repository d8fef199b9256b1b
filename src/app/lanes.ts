/** Reads the use of each lane: slots, quotas and queues. */
import { lanesInUse, type LaneUse } from "../core/analysis/lane-use.ts";
import { currentTime, listBranches } from "./branch-listing.ts";
import type { Workspace } from "./workspace.ts";

export type { LaneUse };

/** `now` is in milliseconds since 1970. */
export async function readLanes(
  workspace: Workspace,
): Promise<{ readonly lanes: readonly LaneUse[]; readonly now: number }> {
  const { snapshot, trustedConfig, decisions, now } = await listBranches(workspace, currentTime());
  return { lanes: lanesInUse(snapshot, trustedConfig.workflow, decisions, now), now: now.wall };
}
