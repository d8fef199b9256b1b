/**
 * When each of some tasks begins and ends, given how many may run at once and which ones may not run
 * side by side.
 *
 * What must hold: pure; something runs at every moment until all is done, so that no schedule takes
 * longer than one task after another, and none is shorter than the critical path.
 */

/** `after` are places in the list of tasks; the list has no circle. */
export interface TaskNode {
  readonly minutes: number;
  readonly after: readonly number[];
}

export interface ScheduleLimits {
  /** At most so many at once; Infinity for any number. */
  readonly concurrency: number;
  /** True when two tasks, by their places in the list, may not run side by side. */
  readonly areExclusive: (a: number, b: number) => boolean;
}

export interface ScheduledTask {
  readonly task: number;
  readonly from: number;
  readonly to: number;
}

export interface Schedule {
  readonly minutes: number;
  /** The most tasks that run at one time. */
  readonly atOnce: number;
  /** In the order in which they begin. */
  readonly tasks: readonly ScheduledTask[];
}

/** For each task, the minutes of the longest line of tasks that begins with it. */
export function remainingMinutes(pieces: readonly TaskNode[]): number[] {
  const found = pieces.map(({ minutes }) => minutes);
  for (const task of topologicalOrder(pieces).toReversed()) {
    for (const before of pieces[task]?.after ?? []) {
      found[before] = Math.max(found[before] ?? 0, (pieces[before]?.minutes ?? 0) + (found[task] ?? 0));
    }
  }
  return found;
}

/** The tasks of the longest line, first to last. */
export function criticalPath(pieces: readonly TaskNode[]): number[] {
  const length = remainingMinutes(pieces);
  const longest = (among: readonly number[]) =>
    among.toSorted((a, b) => (length[b] ?? 0) - (length[a] ?? 0) || a - b)[0];
  const path: number[] = [];
  const all = pieces.map((_piece, task) => task);
  let at = longest(all);
  while (at !== undefined) {
    const task = at;
    path.push(task);
    at = longest(all.filter((next) => pieces[next]?.after.includes(task)));
  }
  return path;
}

/** Every task after those that it waits for. */
export function topologicalOrder(pieces: readonly TaskNode[]): number[] {
  const order: number[] = [];
  const placed = new Set<number>();
  while (order.length < pieces.length) {
    const before = order.length;
    for (const [task, { after }] of pieces.entries()) {
      if (placed.has(task) || !after.every((one) => placed.has(one))) continue;
      placed.add(task);
      order.push(task);
    }
    if (order.length === before) throw new RangeError("the tasks wait for each other in a circle");
  }
  return order;
}

/** Begins what may begin, the longest line first, whenever something has ended. */
export function schedule(
  pieces: readonly TaskNode[],
  { concurrency: places, areExclusive: apart }: ScheduleLimits,
): Schedule {
  const length = remainingMinutes(pieces);
  const waiting = new Set(
    topologicalOrder(pieces).toSorted((a, b) => (length[b] ?? 0) - (length[a] ?? 0) || a - b),
  );
  const done = new Set<number>();
  const slots: ScheduledTask[] = [];
  let running: ScheduledTask[] = [];
  let now = 0;
  let atOnce = 0;
  while (waiting.size > 0 || running.length > 0) {
    for (const task of waiting) {
      if (running.length >= places) break;
      const piece = pieces[task];
      const isReady = piece?.after.every((one) => done.has(one)) ?? false;
      if (!piece || !isReady || running.some((other) => apart(task, other.task))) continue;
      const slot = { task, from: now, to: now + piece.minutes };
      waiting.delete(task);
      running.push(slot);
      slots.push(slot);
    }
    atOnce = Math.max(atOnce, running.length);
    now = Math.min(...running.map(({ to }) => to));
    for (const { task, to } of running) if (to <= now) done.add(task);
    running = running.filter(({ to }) => to > now);
  }
  return { minutes: now, atOnce, tasks: slots };
}
