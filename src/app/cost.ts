/** Reads what the work on a branch has spent, and how much it may spend. */
import { budgetOf } from "../core/policy/budget.ts";
import type { Commit } from "../core/protocol/request.ts";
import type { Amounts, Budget } from "../core/util/amounts.ts";
import { readCarriedState } from "../core/workflow/carried-state.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import { requireHead } from "./find-branch.ts";
import type { Workspace } from "./workspace.ts";

export interface BranchCost {
  readonly branch: string;
  readonly spent: Amounts;
  /** The limits of the workflow, unless a person set others for this work. */
  readonly budget: Budget;
}

export async function readCost(workspace: Workspace, name: string | undefined): Promise<BranchCost> {
  const { target, heads } = await workspace.repository.listRefs();
  const { branch, commit } = await requireHead(workspace, heads, name);
  const { workflow } = await workspace.trustedConfig(target, heads);
  const trail = await readTrail(workspace.location, commit, DEPTH.work);
  return { branch, ...costOf(workflow, trail) };
}

/** `trail` is the first-parent history of the head, newest first. */
export function costOf(workflow: Workflow, trail: readonly Commit[]): Omit<BranchCost, "branch"> {
  const carried = readCarriedState(trail);
  return { spent: carried.spent, budget: budgetOf(workflow, carried) };
}
