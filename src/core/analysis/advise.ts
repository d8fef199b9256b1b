/**
 * Recommends a pattern for a task graph, with the numbers behind the recommendation.
 *
 * Invariants:
 * - The recommendation is the simplest pattern that is not much slower than the fastest.
 */
import {
  formatCount,
  formatMinutes,
  formatPercent,
  planFor,
  sum,
  MIN_GAIN,
  type AdvicePlan,
} from "./advise-plan.ts";
import type { Estimate } from "./estimate.ts";
import { criticalPath } from "./schedule.ts";
import { PATTERNS, readFacts, type TaskFacts, type Pattern } from "./task-facts.ts";
import type { TaskGraph } from "./task-graph.ts";

/** Work of up to this many minutes is not worth a hand-off. */
const MIN_WORK_MINUTES = 15;

export interface Numbers {
  readonly tasks: number;
  readonly agents: number | undefined;
  readonly total: number;
  readonly critical: number;
  readonly path: readonly string[];
  /** The most tasks that could run at the same time if only `after` restricted them. */
  readonly width: number;
  /** Pairs that could run at the same time and own common paths. */
  readonly overlaps: readonly (readonly [string, string])[];
  /** The share of high-risk tasks, from 0 to 1. */
  readonly risky: number;
  /** The number of tasks without `owns`. Whether they overlap is unknown. */
  readonly unowned: number;
}

export interface Advice {
  readonly recommended: Pattern;
  readonly why: string;
  readonly numbers: Numbers;
  readonly plans: readonly AdvicePlan[];
  readonly estimates: readonly Estimate[];
}

/** `estimates` are in the order of the tasks. */
export function advise(graph: TaskGraph, estimates: readonly Estimate[]): Advice {
  const { tasks } = graph;
  const facts = readFacts(graph, estimates);
  const plans = PATTERNS.map((pattern) => planFor(pattern, facts));
  const { schedules, nodes, overlaps } = facts;
  const keyOf = (task: number) => tasks[task]?.key ?? "";
  const path = criticalPath(nodes);
  const numbers: Numbers = {
    tasks: tasks.length,
    agents: graph.agents,
    total: facts.total,
    critical: sum(path.map((task) => nodes[task]?.minutes ?? 0)),
    path: path.map(keyOf),
    width: schedules.parallel.atOnce,
    overlaps: overlaps.map(([a, b]) => [keyOf(a), keyOf(b)] as const),
    risky: tasks.filter(({ risk }) => risk === "high").length / tasks.length,
    unowned: tasks.filter(({ owns }) => owns.length === 0).length,
  };
  return { ...choose(facts), numbers, plans, estimates };
}

function choose({
  graph,
  total,
  overlaps,
  concurrentRiskyTasks,
  schedules,
}: TaskFacts): Pick<Advice, "recommended" | "why"> {
  const { tasks, agents = Infinity } = graph;
  const { hybrid, "resource-aware": aware } = schedules;
  if (tasks.length === 1) return { recommended: "single", why: "there is one task" };
  if (total <= MIN_WORK_MINUTES && tasks.every(({ risk }) => risk !== "high")) {
    const why = `the whole work takes ${formatMinutes(total)}, and up to ${MIN_WORK_MINUTES} min are not worth a hand-off`;
    return { recommended: "single", why };
  }
  const saved = total - aware.minutes;
  if (saved < MIN_GAIN * total) {
    const why = `running tasks in parallel would save ${formatMinutes(saved)} of ${formatMinutes(total)} (${formatPercent(saved / total)}), and less than ${formatPercent(MIN_GAIN)} is not worth the joins`;
    return { recommended: "chain", why };
  }
  if (hybrid.atOnce > agents) {
    const why = `${hybrid.atOnce} tasks could run at once, and there ${agents === 1 ? "is" : "are"} ${formatCount(agents, "agent")}`;
    return { recommended: "resource-aware", why };
  }
  const saving = `it saves ${formatMinutes(saved)} of ${formatMinutes(total)} (${formatPercent(saved / total)})`;
  const restrictions = [
    ...(tasks.some(({ after }) => after.length > 0) ? ["some tasks have an order"] : []),
    ...(overlaps.length > 0 ? [`${formatCount(overlaps.length, "pair")} of tasks with paths in common`] : []),
    ...(concurrentRiskyTasks > 0
      ? [`${formatCount(concurrentRiskyTasks, "risky task")} should run alone`]
      : []),
  ];
  if (restrictions.length > 0) return { recommended: "hybrid", why: `${restrictions.join(", ")}; ${saving}` };
  return {
    recommended: "parallel",
    why: `no task waits for another or shares paths with another; ${saving}`,
  };
}
