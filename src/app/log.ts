/** Reads the hand-offs of a branch, and what its work has spent, who approved it and what it handed out. */
import { readTimeline, type TimelineStep } from "../core/analysis/timeline.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import { requireHead } from "./find-branch.ts";
import { readCarried, type Carried } from "./read-carried.ts";
import type { Workspace } from "./workspace.ts";

export interface BranchLog {
  readonly branch: string;
  /** Oldest first. */
  readonly steps: readonly TimelineStep[];
  readonly carried: Carried;
}

/** `limit` bounds the commits whose hand-offs are listed. */
export async function readLog(
  workspace: Workspace,
  name: string | undefined,
  limit: number = DEPTH.timeline,
): Promise<BranchLog> {
  const refs = await workspace.repository.listRefs();
  const head = await requireHead(workspace, refs.heads, name);
  const { journal } = refsOf(head.key);
  const journalTip = (await workspace.repository.read([journal])).get(journal);
  const [trail, attempts] = await Promise.all([
    readTrail(workspace.location, head.commit, Math.max(limit, DEPTH.timeline)),
    journalTip ? readTrail(workspace.location, journalTip, limit) : [],
  ]);
  return {
    branch: head.branch,
    steps: readTimeline(head.branch, trail.slice(0, limit), attempts),
    carried: await readCarried(workspace, refs, head, trail),
  };
}
