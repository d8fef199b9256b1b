/** What a piece of work has spent, who approved it, and what became of its children, for `trailhand log`. */
import { formatAmounts, type Amounts, type Budget } from "../core/util/amounts.ts";
import { childrenOf } from "../core/scheduling/children.ts";
import { readCarriedState } from "../core/workflow/carried-state.ts";
import { valuesOf } from "../core/protocol/message.ts";
import type { Commit } from "../core/protocol/request.ts";
import { readHandOffs } from "../core/protocol/hand-offs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { FactLoader } from "../engine/loop/fact-loader.ts";
import type { RefListing } from "../engine/ports.ts";
import type { Workspace } from "./workspace.ts";
import { printable } from "../cli/render/terminal.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

export interface Carried {
  readonly spent: Amounts;
  /** What a person allowed for this work alone. */
  readonly budget: Budget;
  /** Newest first; `counts`: of the request that stands there now. */
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
  const item = readCarriedState(trail);
  const contract = await workspace.trustedConfig(target, heads);
  const near = heads.filter(({ branch }) => branch === target || branch === head.branch);
  const { approvalStates: approved } = await new FactLoader(workspace.repository).load(
    { target, heads: near },
    contract,
  );
  const now = approved.get(head.key)?.approvals ?? [];
  const before = readHandOffs(trail).flatMap(({ answers, message: { trailers } }) =>
    answers === undefined ? [] : valuesOf(trailers, KEY.approvedBy).map((text) => text.split(" ")),
  );
  const byBranch = new Map(heads.map((one) => [one.branch, one]));
  return {
    spent: item.spent,
    budget: item.budget,
    approvals: [
      ...now.map(({ by, commit }) => ({ by, commit, counts: true })),
      ...before.map(([by = "", commit = ""]) => ({ by, commit, counts: false })),
    ],
    children: childrenOf(head.branch, item, byBranch, new Set()).map(
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

/** One row for each thing that there is to say. */
export function carriedRows({ spent, budget, approvals, children }: Carried): string[][] {
  const sum = formatAmounts(spent);
  const most = formatAmounts(budget);
  const rows: string[][] = [];
  if (sum !== undefined) rows.push(["spent", sum + (most === undefined ? "" : ` (budget: ${most})`)]);
  for (const { by, commit, counts } of approvals) {
    rows.push([counts ? "approved" : "was approved", `${printable(by)}  ${printable(commit, 10)}`]);
  }
  for (const { branch, fate, state, subject } of children) {
    const at = fate === "gone" ? "its branch is gone" : `${state || "no state"}  ${printable(subject, 60)}`;
    rows.push(["child", `${printable(branch, 60)}  ${at}`]);
  }
  return rows;
}
