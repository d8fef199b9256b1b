/**
 * What a task graph comes to when it is done in each of the ways.
 *
 * What must hold: pure; the same limits are put on each way, but for those that it does not know.
 */
import type { Estimate } from "./estimate.ts";
import { listsMeet } from "../workflow/overlap.ts";
import { schedule, type TaskNode, type Schedule } from "./schedule.ts";
import type { Task, TaskGraph } from "./task-graph.ts";

/** The patterns, each with the pack that is made for it. */
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
  readonly total: number;
  /** By places in the list of tasks. */
  readonly overlaps: readonly (readonly [number, number])[];
  /** Tasks of high risk that something could run beside. */
  readonly concurrentRiskyTasks: number;
  readonly schedules: Readonly<Record<Pattern, Schedule>>;
}

/** `estimates` are in the order of the tasks. */
export function readFacts(graph: TaskGraph, estimates: readonly Estimate[]): TaskFacts {
  const { tasks, agents = Infinity } = graph;
  const places = new Map(tasks.map(({ key }, task) => [key, task]));
  const pieces = tasks.map(({ after }, task) => ({
    minutes: estimates[task]?.minutes ?? 0,
    after: after.flatMap((key) => places.get(key) ?? []),
  }));
  const ordered = ancestors(pieces);
  const beside = (a: number, b: number) => a !== b && !ordered[a]?.has(b) && !ordered[b]?.has(a);
  const overlaps = pairs(tasks).filter(
    ([a, b]) => beside(a, b) && listsMeet(tasks[a]?.owns ?? [], tasks[b]?.owns ?? []),
  );
  const clashes = new Set(overlaps.map(([a, b]) => a * tasks.length + b));
  const isRisky = (task: number) => tasks[task]?.risk === "high";
  const apart = (a: number, b: number) =>
    isRisky(a) || isRisky(b) || clashes.has(Math.min(a, b) * tasks.length + Math.max(a, b));
  const free = () => false;
  const chain = schedule(pieces, { concurrency: 1, areExclusive: free });
  const total = chain.minutes;
  return {
    graph,
    nodes: pieces,
    total,
    overlaps,
    concurrentRiskyTasks: tasks.filter((_task, a) => isRisky(a) && tasks.some((_other, b) => beside(a, b)))
      .length,
    schedules: {
      single: {
        minutes: total,
        atOnce: 1,
        tasks: tasks.map((_task, task) => ({ task, from: 0, to: total })),
      },
      chain,
      parallel: schedule(pieces, { concurrency: Infinity, areExclusive: free }),
      hybrid: schedule(pieces, { concurrency: Infinity, areExclusive: apart }),
      "resource-aware": schedule(pieces, { concurrency: agents, areExclusive: apart }),
    },
  };
}

/** For each task, all that come before it. */
function ancestors(pieces: readonly TaskNode[]): ReadonlySet<number>[] {
  const found: Set<number>[] = [];
  const visit = (task: number): Set<number> => {
    const known = found[task];
    if (known) return known;
    const before = pieces[task]?.after ?? [];
    return (found[task] = new Set(before.flatMap((one) => [one, ...visit(one)])));
  };
  return pieces.map((_piece, task) => visit(task));
}

const pairs = (tasks: readonly Task[]): (readonly [number, number])[] =>
  tasks.flatMap((_task, a) => tasks.slice(a + 1).map((_other, b) => [a, a + 1 + b] as const));
