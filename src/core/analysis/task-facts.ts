/**
 * Computes the schedule of a task graph in each pattern, and the conflicts between its tasks.
 *
 * Invariants:
 * - All patterns use the same limits, except those that a pattern ignores by definition.
 */
import type { Estimate } from "./estimate.ts";
import { listsMeet } from "../workflow/overlap.ts";
import { schedule, type TaskNode, type Schedule } from "./schedule.ts";
import type { Task, TaskGraph } from "./task-graph.ts";

/** The pack of each pattern. */
export const PACK_OF = {
  single: "research-implement-verify",
  chain: "sequential",
  parallel: "fan-out",
  hybrid: "hybrid",
  "resource-aware": "resource-aware",
} as const;
export type Pattern = keyof typeof PACK_OF;
export const PATTERNS = Object.keys(PACK_OF) as readonly Pattern[];

export interface TaskFacts {
  readonly graph: TaskGraph;
  readonly nodes: readonly TaskNode[];
  /** The minutes of all tasks. */
  readonly total: number;
  /** Pairs of tasks that could run at the same time and own common paths. */
  readonly overlaps: readonly (readonly [number, number])[];
  /** The number of high-risk tasks that could run at the same time as another task. */
  readonly concurrentRiskyTasks: number;
  readonly schedules: Readonly<Record<Pattern, Schedule>>;
}

/** `estimates` are in the order of the tasks. */
export function readFacts(graph: TaskGraph, estimates: readonly Estimate[]): TaskFacts {
  const { tasks, agents = Infinity } = graph;
  const indexes = new Map(tasks.map(({ key }, task) => [key, task]));
  const nodes = tasks.map(({ after }, task) => ({
    minutes: estimates[task]?.minutes ?? 0,
    after: after.flatMap((key) => indexes.get(key) ?? []),
  }));
  const ancestors = ancestorsOf(nodes);
  const areIndependent = (a: number, b: number) => a !== b && !ancestors[a]?.has(b) && !ancestors[b]?.has(a);
  const overlaps = pairsOf(tasks).filter(
    ([a, b]) => areIndependent(a, b) && listsMeet(tasks[a]?.owns ?? [], tasks[b]?.owns ?? []),
  );
  const overlapKeys = new Set(overlaps.map(([a, b]) => a * tasks.length + b));
  const isRisky = (task: number) => tasks[task]?.risk === "high";
  const areExclusive = (a: number, b: number) =>
    isRisky(a) || isRisky(b) || overlapKeys.has(Math.min(a, b) * tasks.length + Math.max(a, b));
  const neverExclusive = () => false;
  const chain = schedule(nodes, { concurrency: 1, areExclusive: neverExclusive });
  const total = chain.minutes;
  const hasIndependentTask = (a: number) => tasks.some((_other, b) => areIndependent(a, b));
  return {
    graph,
    nodes,
    total,
    overlaps,
    concurrentRiskyTasks: tasks.filter((_task, at) => isRisky(at) && hasIndependentTask(at)).length,
    schedules: {
      single: {
        minutes: total,
        atOnce: 1,
        tasks: tasks.map((_task, task) => ({ task, from: 0, to: total })),
      },
      chain,
      parallel: schedule(nodes, { concurrency: Infinity, areExclusive: neverExclusive }),
      hybrid: schedule(nodes, { concurrency: Infinity, areExclusive }),
      "resource-aware": schedule(nodes, { concurrency: agents, areExclusive }),
    },
  };
}

/** For each task, its direct and indirect dependencies. */
function ancestorsOf(nodes: readonly TaskNode[]): ReadonlySet<number>[] {
  const ancestors: Set<number>[] = [];
  const visit = (task: number): Set<number> => {
    const cached = ancestors[task];
    if (cached) return cached;
    const dependencies = nodes[task]?.after ?? [];
    return (ancestors[task] = new Set(
      dependencies.flatMap((dependency) => [dependency, ...visit(dependency)]),
    ));
  };
  return nodes.map((_node, task) => visit(task));
}

const pairsOf = (tasks: readonly Task[]): (readonly [number, number])[] =>
  tasks.flatMap((_task, a) => tasks.slice(a + 1).map((_other, b) => [a, a + 1 + b] as const));
