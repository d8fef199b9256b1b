/** The advice on a task graph as text. Pure. */
import type pico from "picocolors";
import { roundToTenth } from "../../core/util/rounding.ts";
import type { Advice } from "../../core/analysis/advise.ts";
import type { Estimate } from "../../core/analysis/estimate.ts";
import type { Pattern } from "../../core/analysis/task-facts.ts";
import { renderColumns } from "./render-table.ts";

type Colors = ReturnType<typeof pico.createColors>;

/** More names than this are counted, not listed. */
const SHOWN = 5;

/** `asked` is the pattern that a person wants in place of the recommended one. */
export function renderAdvice(advice: Advice, asked: Pattern | undefined, colors: Colors): string {
  const { recommended, why, plans, estimates } = advice;
  const chosen = plans.find(({ pattern }) => pattern === (asked ?? recommended));
  if (!chosen) return "";
  const { pattern, pack, against, waves } = chosen;
  const head =
    pattern === recommended
      ? [`${colors.bold(pattern)}, as in the pack ${pack}: ${why}`]
      : [
          `${colors.bold(pattern)}, as in the pack ${pack}, because you asked for it`,
          `recommended is ${recommended}: ${why}`,
        ];
  const title = (...words: string[]) => words.map((word) => colors.bold(word));
  const isPaid = plans.some(({ cost }) => cost !== undefined);
  const rows = plans.map(({ pattern: name, minutes, again, atOnce, cost, against: all }) => [
    `${name === pattern ? "▶" : " "} ${name}`,
    again > 0 ? `${minutes} (+${again} again)` : String(minutes),
    String(atOnce),
    ...(isPaid ? [(cost ?? 0).toFixed(2)] : []),
    all[0] ?? "",
  ]);
  return [
    ...head,
    ...against.map((sentence) => `  against it: ${sentence}`),
    ...(against.length === 0 && pattern !== recommended
      ? ["  nothing in the numbers speaks against it"]
      : []),
    "",
    renderColumns(factsOf(advice)),
    "",
    renderColumns([
      title("  PLAN", "MINUTES", "AT ONCE", ...(isPaid ? ["COST"] : []), "AGAINST IT"),
      ...rows,
    ]),
    "",
    renderColumns([
      title("FROM MINUTE", pattern === "single" ? "IN ONE ATTEMPT" : "BEGIN TOGETHER"),
      ...waves.map(({ from, tasks }) => [String(from), tasks.join(", ")]),
    ]),
    "",
    renderColumns([
      title("TASK", "MINUTES", "KNOWN FROM"),
      ...estimates.map((one) => [one.task, String(roundToTenth(one.minutes)), sourceOf(one)]),
    ]),
  ].join("\n");
}

function factsOf({ numbers }: Advice): string[][] {
  const { tasks, agents, total, critical, path, width, overlaps, risky, unowned } = numbers;
  const pairs = listed(overlaps.map(([a, b]) => `${a} + ${b}`));
  return [
    ["tasks", String(tasks)],
    ["agents", agents === undefined ? "any number" : String(agents)],
    ["one after another", `${roundToTenth(total)} min`],
    ["critical path", `${roundToTenth(critical)} min: ${listed(path, " → ")}`],
    ["width", `${width} at once`],
    [
      "overlaps",
      [
        pairs === "" ? "none" : `${overlaps.length}: ${pairs}`,
        ...(unowned > 0 ? [`${unowned} own nothing by name`] : []),
      ].join("; "),
    ],
    ["risky", `${Math.round(risky * tasks)} of ${tasks} (${Math.round(risky * 100)}%)`],
  ];
}

function listed(names: readonly string[], between = ", "): string {
  const more = names.length - SHOWN;
  return [...names.slice(0, SHOWN), ...(more > 0 ? [`${more} more`] : [])].join(between);
}

function sourceOf({ source, state, runs }: Estimate): string {
  if (source === "file") return "the file";
  if (source === "guess") {
    return state === undefined
      ? "a guess: it has no minutes and no state"
      : `a guess: no past run of ${state} is known`;
  }
  return runs === 1 ? `the one past run of ${state}` : `the median of ${runs} past runs of ${state}`;
}
