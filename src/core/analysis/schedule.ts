/**
 * Schedules tasks that depend on each other, with a limit on concurrency and pairs that exclude each
 * other.
 *
 * Invariants:
 * - At every moment a task runs, until all are done. So no schedule is longer than the sum of all
 *   tasks, and none is shorter than the critical path.
 */

/** A task is identified by its index in the list. The dependencies have no cycle. */
export interface TaskNode {
  readonly minutes: number;
  readonly after: readonly number[];
}

export interface ScheduleLimits {
  /** Infinity for no limit. */
  readonly concurrency: number;
  /** True if two tasks may not run at the same time. */
  readonly areExclusive: (a: number, b: number) => boolean;
}

export interface ScheduledTask {
  readonly task: number;
  /** Minutes after the start. */
  readonly from: number;
  readonly to: number;
}

export interface Schedule {
  readonly minutes: number;
  /** The most tasks that run at the same time. */
  readonly atOnce: number;
  /** In the order of their start. */
  readonly tasks: readonly ScheduledTask[];
}

/** For each task, the length of the longest path that starts with it. */
export function remainingMinutes(nodes: readonly TaskNode[]): number[] {
  const lengths = nodes.map(({ minutes }) => minutes);
  for (const task of topologicalOrder(nodes).toReversed()) {
    for (const dependency of nodes[task]?.after ?? []) {
      const length = (nodes[dependency]?.minutes ?? 0) + (lengths[task] ?? 0);
      lengths[dependency] = Math.max(lengths[dependency] ?? 0, length);
    }
  }
  return lengths;
}

/** The tasks of the longest path, first to last. */
export function criticalPath(nodes: readonly TaskNode[]): number[] {
  const lengths = remainingMinutes(nodes);
  const longestOf = (tasks: readonly number[]) => tasks.toSorted(byLength(lengths))[0];
  const path: number[] = [];
  const tasks = nodes.map((_node, task) => task);
  let next = longestOf(tasks);
  while (next !== undefined) {
    const task = next;
    path.push(task);
    next = longestOf(tasks.filter((other) => nodes[other]?.after.includes(task)));
  }
  return path;
}

/** Longest first, then in the order of the list. */
const byLength =
  (lengths: readonly number[]) =>
  (a: number, b: number): number =>
    (lengths[b] ?? 0) - (lengths[a] ?? 0) || a - b;

/** Each task after its dependencies. Throws a RangeError on a cycle. */
export function topologicalOrder(nodes: readonly TaskNode[]): number[] {
  const order: number[] = [];
  const visited = new Set<number>();
  while (order.length < nodes.length) {
    const previousLength = order.length;
    for (const [task, { after }] of nodes.entries()) {
      if (visited.has(task) || !after.every((dependency) => visited.has(dependency))) continue;
      visited.add(task);
      order.push(task);
    }
    if (order.length === previousLength) throw new RangeError("the tasks wait for each other in a cycle");
  }
  return order;
}

/** List scheduling: whenever a task ends, the ready task with the longest remaining path starts. */
export function schedule(
  nodes: readonly TaskNode[],
  { concurrency, areExclusive }: ScheduleLimits,
): Schedule {
  const waiting = new Set(topologicalOrder(nodes).toSorted(byLength(remainingMinutes(nodes))));
  const done = new Set<number>();
  const tasks: ScheduledTask[] = [];
  let running: ScheduledTask[] = [];
  let now = 0;
  let atOnce = 0;
  while (waiting.size > 0 || running.length > 0) {
    for (const task of waiting) {
      if (running.length >= concurrency) break;
      const node = nodes[task];
      const isReady = node?.after.every((dependency) => done.has(dependency)) ?? false;
      if (!node || !isReady || running.some((other) => areExclusive(task, other.task))) continue;
      const scheduled = { task, from: now, to: now + node.minutes };
      waiting.delete(task);
      running.push(scheduled);
      tasks.push(scheduled);
    }
    atOnce = Math.max(atOnce, running.length);
    now = Math.min(...running.map(({ to }) => to));
    for (const { task, to } of running) if (to <= now) done.add(task);
    running = running.filter(({ to }) => to > now);
  }
  return { minutes: now, atOnce, tasks };
}
