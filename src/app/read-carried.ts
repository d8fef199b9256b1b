/** What a piece of work has spent, who approved it, and what became of its children, for `trailhand log`. */
import { formatAmounts, type Amounts, type Budget } from "../core/util/amounts.ts";
import { offspringOf } from "../core/scheduling/children.ts";
import { readItem } from "../core/workflow/carried-state.ts";
import { valuesOf } from "../core/protocol/message.ts";
import type { Commit } from "../core/protocol/request.ts";
import { readSteps } from "../core/protocol/hand-offs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { Inquirer } from "../engine/loop/fact-loader.ts";
import type { Look } from "../engine/ports.ts";
import type { Site } from "./workspace.ts";
import { shown } from "../cli/render/terminal.ts";

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
  site: Site,
  { target, heads }: Look,
  head: Head,
  trail: readonly Commit[],
): Promise<Carried> {
  const item = readItem(trail);
  const contract = await site.contract(target, heads);
  const near = heads.filter(({ branch }) => branch === target || branch === head.branch);
  const { approved } = await new Inquirer(site.repository).inquire({ target, heads: near }, contract);
  const now = approved.get(head.key)?.approvals ?? [];
  const before = readSteps(trail).flatMap(({ answers, message: { trailers } }) =>
    answers === undefined ? [] : valuesOf(trailers, "Approved-By").map((text) => text.split(" ")),
  );
  const byBranch = new Map(heads.map((one) => [one.branch, one]));
  return {
    spent: item.spent,
    budget: item.budget,
    approvals: [
      ...now.map(({ by, commit }) => ({ by, commit, counts: true })),
      ...before.map(([by = "", commit = ""]) => ({ by, commit, counts: false })),
    ],
    children: offspringOf(head.branch, item, byBranch, new Set()).map(
      ({ key, branch, fate, state, subject }) => ({
        key,
        branch,
        fate,
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
    rows.push([counts ? "approved" : "was approved", `${shown(by)}  ${shown(commit, 10)}`]);
  }
  for (const { branch, fate, state, subject } of children) {
    const at = fate === "gone" ? "its branch is gone" : `${state || "no state"}  ${shown(subject, 60)}`;
    rows.push(["child", `${shown(branch, 60)}  ${at}`]);
  }
  return rows;
}
