/** Lists the decisions that a runner would make now. */
import type { Branch } from "../core/protocol/ids.ts";
import { admit } from "../core/scheduling/admission.ts";
import type { Decision } from "../core/scheduling/decide.ts";
import { currentTime, listBranches, reasonIn, stateOf, type BranchListing } from "./branch-listing.ts";
import { checkedOutBranch } from "./find-branch.ts";
import { requireTrustedConfig } from "./open-workspace.ts";
import type { Workspace } from "./workspace.ts";

export interface PlannedDecision {
  readonly branch: string;
  readonly state: string | undefined;
  readonly kind: Decision["kind"];
  readonly sentence: string;
  readonly decision: Decision;
}

export interface RunPlan {
  readonly decisions: readonly PlannedDecision[];
  /** Requests that would run now. */
  readonly running: number;
}

/** Throws a UserError when the workflow cannot be used. */
export async function planRun(
  workspace: Workspace,
  branches: readonly Branch[],
  concurrency: number | undefined,
): Promise<RunPlan> {
  const listing = await listBranches(workspace, currentTime());
  const { snapshot, trustedConfig, now } = listing;
  await requireTrustedConfig(workspace, snapshot.target, snapshot.heads);
  const decisions = listing.decisions.filter(
    ({ head }) => branches.length === 0 || branches.includes(head.branch),
  );
  const runs = decisions.flatMap((decision) => (decision.kind === "run" ? [decision] : []));
  const { waits } = admit(snapshot, trustedConfig.workflow, runs, now, concurrency);
  const planned = decisions.map(
    (decision) => waits.find(({ head }) => head.branch === decision.head.branch) ?? decision,
  );
  return {
    running: runs.length - waits.length,
    decisions: planned.map((decision) => ({
      branch: decision.head.branch,
      state: stateOf(snapshot, decision.head),
      kind: decision.kind,
      sentence: sentenceOf(listing, decision),
      decision,
    })),
  };
}

/** A response that needs no script is known beforehand. */
function sentenceOf(listing: BranchListing, decision: Decision): string {
  const answer = decision.kind === "run" ? decision.knownAnswer : undefined;
  return answer ? `would answer ${answer.state}: ${answer.why}` : reasonIn(listing, decision).sentence;
}

/** Takes the states from the checked-out branch instead of the trusted one. */
export async function trustCheckedOutBranch(workspace: Workspace): Promise<Workspace> {
  const branch = await checkedOutBranch(workspace);
  return { ...workspace, trustedConfig: (_target, heads) => workspace.trustedConfig(branch, heads) };
}
