/**
 * Which pattern fits a task graph, with the numbers that say so.
 *
 * What must hold: pure; every plan takes at least the critical path and at most one task after
 * another; what is recommended is the simplest that is not much slower.
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

/** Work of fewer minutes is not worth a hand-off. */
const SMALL = 15;

export interface Numbers {
  readonly tasks: number;
  readonly agents: number | undefined;
  readonly total: number;
  readonly critical: number;
  readonly path: readonly string[];
  /** The most tasks that `after` alone would let run at one time. */
  readonly width: number;
  /** Pairs that could run side by side and own the same paths. */
  readonly overlaps: readonly (readonly [string, string])[];
  /** The share of tasks whose risk is high. */
  readonly risky: number;
  /** Tasks that own nothing by name: whether they overlap is not known. */
  readonly unowned: number;
}

export interface Advice {
  readonly recommended: Pattern;
  readonly why: string;
  readonly numbers: Numbers;
  readonly plans: readonly AdvicePlan[];
  readonly estimates: readonly Estimate[];
}

/** Recommends one of the patterns. `estimates` are in the order of the tasks. */
export function advise(graph: TaskGraph, estimates: readonly Estimate[]): Advice {
  const { tasks } = graph;
  const facts = readFacts(graph, estimates);
  const plans = PATTERNS.map((pattern) => planFor(pattern, facts));
  const { schedules, nodes: pieces, overlaps } = facts;
  const keyOf = (task: number) => tasks[task]?.key ?? "";
  const path = criticalPath(pieces);
  const numbers: Numbers = {
    tasks: tasks.length,
    agents: graph.agents,
    total: facts.total,
    critical: sum(path.map((task) => pieces[task]?.minutes ?? 0)),
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
  concurrentRiskyTasks: riskyBeside,
  schedules,
}: TaskFacts): Pick<Advice, "recommended" | "why"> {
  const { tasks, agents = Infinity } = graph;
  const { hybrid, "resource-aware": aware } = schedules;
  if (tasks.length === 1) return { recommended: "single", why: "there is one task" };
  if (total <= SMALL && tasks.every(({ risk }) => risk !== "high")) {
    const why = `all of it takes ${formatMinutes(total)}, and work of up to ${SMALL} min is not worth a hand-off`;
    return { recommended: "single", why };
  }
  const saved = total - aware.minutes;
  if (saved < MIN_GAIN * total) {
    const why = `side by side would save ${formatMinutes(saved)} of ${formatMinutes(total)} (${formatPercent(saved / total)}), and less than ${formatPercent(MIN_GAIN)} is not worth the joins`;
    return { recommended: "chain", why };
  }
  if (hybrid.atOnce > agents) {
    const why = `${hybrid.atOnce} tasks could run at once, and there ${agents === 1 ? "is" : "are"} ${formatCount(agents, "agent")}`;
    return { recommended: "resource-aware", why };
  }
  const saves = `it saves ${formatMinutes(saved)} of ${formatMinutes(total)} (${formatPercent(saved / total)})`;
  const kept = [
    ...(tasks.some(({ after }) => after.length > 0) ? ["some tasks have an order"] : []),
    ...(overlaps.length > 0 ? [`${formatCount(overlaps.length, "pair")} of tasks with paths in common`] : []),
    ...(riskyBeside > 0 ? [`${formatCount(riskyBeside, "risky task")} should run alone`] : []),
  ];
  if (kept.length > 0) return { recommended: "hybrid", why: `${kept.join(", ")}; ${saves}` };
  return {
    recommended: "parallel",
    why: `no task waits for another one or owns what another one owns; ${saves}`,
  };
}
