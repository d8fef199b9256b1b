/** Reads what a piece of work has spent, who approved it, and what became of its children. */
import type { Amounts, Budget } from "../core/util/amounts.ts";
import { childrenOf } from "../core/scheduling/children.ts";
import { readCarriedState } from "../core/workflow/carried-state.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { valuesOf } from "../core/protocol/message.ts";
import type { Commit } from "../core/protocol/request.ts";
import { readHandOffs } from "../core/protocol/hand-offs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { FactLoader } from "../engine/loop/fact-loader.ts";
import type { RefListing } from "../engine/ports.ts";
import type { Workspace } from "./workspace.ts";

export interface Carried {
  readonly spent: Amounts;
  /** What a person allowed for this work in particular. */
  readonly budget: Budget;
  /** Newest first; `counts` is true for approvals of the present request. */
  readonly approvals: readonly { readonly by: string; readonly commit: string; readonly counts: boolean }[];
  readonly children: readonly {
    readonly key: string;
    readonly branch: string;
    readonly fate: string;
    readonly state: string;
    readonly subject: string;
  }[];
}

/** `trail` is the first-parent history of the head, newest first. */
export async function readCarried(
  workspace: Workspace,
  { target, heads }: RefListing,
  head: Head,
  trail: readonly Commit[],
): Promise<Carried> {
  const carried = readCarriedState(trail);
  const trustedConfig = await workspace.trustedConfig(target, heads);
  const near = heads.filter(({ branch }) => branch === target || branch === head.branch);
  const { approvalStates } = await new FactLoader(workspace.repository).load(
    { target, heads: near },
    trustedConfig,
  );
  const present = approvalStates.get(head.key)?.approvals ?? [];
  const earlier = readHandOffs(trail).flatMap(({ answers, message: { trailers } }) =>
    answers === undefined ? [] : valuesOf(trailers, KEY.approvedBy).map((text) => text.split(" ")),
  );
  const byBranch = new Map(heads.map((candidate) => [candidate.branch, candidate]));
  return {
    spent: carried.spent,
    budget: carried.budget,
    approvals: [
      ...present.map(({ by, commit }) => ({ by, commit, counts: true })),
      ...earlier.map(([by = "", commit = ""]) => ({ by, commit, counts: false })),
    ],
    children: childrenOf(head.branch, carried, byBranch, new Set()).map(
      ({ key, branch, result, state, subject }) => ({
        key,
        branch,
        fate: result,
        state,
        subject,
      }),
    ),
  };
}
