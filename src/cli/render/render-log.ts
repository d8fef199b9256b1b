/** Renders the hand-offs of a branch, and what its work carries. */
import type { BranchLog } from "../../app/log.ts";
import { formatAmounts } from "../../core/util/amounts.ts";
import { renderColumns } from "./render-table.ts";
import { printable, type Colors } from "./terminal.ts";

type Step = BranchLog["steps"][number];

export function renderSteps(steps: readonly Step[], colors: Colors): string {
  const isPaid = steps.some(({ cost }) => cost !== undefined);
  const titles = ["WHEN", "COMMIT", "HAND-OFF", "TOOK", "ATTEMPT", ...(isPaid ? ["COST"] : []), "WHAT"];
  const rows = steps.map((step) => [
    colors.dim(new Date(step.at * 1000).toISOString().slice(0, 19).replace("T", " ")),
    colors.yellow(step.commit.slice(0, 9)),
    handOff(step, colors),
    step.took ?? "",
    step.attempt ?? "",
    ...(isPaid ? [step.cost ?? ""] : []),
    printable(step.subject, 60) + (step.commits > 0 ? colors.dim(` (+${step.commits} commits)`) : ""),
  ]);
  return renderColumns([titles.map((title) => colors.bold(title)), ...rows]);
}

function handOff({ kind, from, state }: Step, colors: Colors): string {
  if (kind === "attempt") return colors.red(`  ${state} ✗`);
  return kind === "answer" ? `${from ?? "?"} → ${state}` : colors.cyan(`● ${state}`);
}

/** Empty when the work carries nothing. */
export function renderCarried({ spent, budget, approvals, children }: BranchLog["carried"]): string {
  const sum = formatAmounts(spent);
  const allowed = formatAmounts(budget);
  const rows: string[][] = [];
  if (sum !== undefined) rows.push(["spent", sum + (allowed === undefined ? "" : ` (budget: ${allowed})`)]);
  for (const { by, commit, counts } of approvals) {
    rows.push([counts ? "approved" : "was approved", `${printable(by)}  ${printable(commit, 10)}`]);
  }
  for (const { branch, fate, state, subject } of children) {
    const position =
      fate === "gone" ? "its branch is gone" : `${state || "no state"}  ${printable(subject, 60)}`;
    rows.push(["child", `${printable(branch, 60)}  ${position}`]);
  }
  return renderColumns(rows);
}
