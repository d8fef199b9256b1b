/**
 * The plan that each pattern makes of a task graph, and what speaks against it.
 *
 * What must hold: pure; each sentence names the numbers that it rests on.
 */
import type { Schedule } from "./schedule.ts";
import { roundToTenth } from "../util/rounding.ts";
import { PACK_OF, type TaskFacts, type Pattern } from "./task-facts.ts";

/** Running side by side has to save this share of the time, or a chain is simpler. */
export const MIN_GAIN = 0.2;
export interface Wave {
  /** Minutes after the beginning. */
  readonly from: number;
  readonly tasks: readonly string[];
}

export interface AdvicePlan {
  readonly pattern: Pattern;
  readonly pack: string;
  readonly minutes: number;
  /** The most attempts that run at one time. */
  readonly atOnce: number;
  /** Minutes that conflicts would have done again. */
  readonly again: number;
  readonly cost: number | undefined;
  /** What speaks against it. */
  readonly against: readonly string[];
  /** What begins together, and when. */
  readonly waves: readonly Wave[];
}

/** Makes the plan of one pattern. */
export function planFor(pattern: Pattern, facts: TaskFacts): AdvicePlan {
  const { graph, nodes: pieces, total, overlaps } = facts;
  const { minutes, atOnce, tasks: slots } = facts.schedules[pattern];
  // Of two that change the same paths, the shorter one is done again.
  const losers = overlaps.map(([a, b]) => ((pieces[a]?.minutes ?? 0) <= (pieces[b]?.minutes ?? 0) ? a : b));
  const again =
    pattern === "parallel" ? sum([...new Set(losers)].map((task) => pieces[task]?.minutes ?? 0)) : 0;
  const rate = graph.cost_per_minute;
  return {
    pattern,
    pack: PACK_OF[pattern],
    minutes: roundToTenth(minutes),
    atOnce,
    again: roundToTenth(again),
    cost: rate === undefined ? undefined : Math.round((total + again) * rate * 100) / 100,
    against: AGAINST[pattern](facts, again),
    waves: wavesOf(slots, (task) => graph.tasks[task]?.key ?? ""),
  };
}

function wavesOf(slots: Schedule["tasks"], keyOf: (task: number) => string): Wave[] {
  const waves = new Map<number, string[]>();
  for (const { task, from } of slots) waves.set(from, [...(waves.get(from) ?? []), keyOf(task)]);
  return [...waves].map(([from, tasks]) => ({ from: roundToTenth(from), tasks }));
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Sentences count things: `1 pair`, `2 pairs`. */
export const formatCount = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
export const formatMinutes = (n: number): string => `${roundToTenth(n)} min`;
export const formatPercent = (share: number): string => `${Math.round(share * 100)}%`;

/** A sentence, where what it says is so. */
const where = (isSo: boolean, sentence: string): string[] => (isSo ? [sentence] : []);

const scarce = (atOnce: number, agents: number): string[] =>
  where(
    atOnce > agents,
    `needs ${formatCount(atOnce, "agent")}, and there ${agents === 1 ? "is" : "are"} ${agents}`,
  );

const saved = (minutes: number, { total, graph: { tasks } }: TaskFacts): string[] =>
  where(
    tasks.length > 1 && total - minutes < MIN_GAIN * total,
    `saves ${formatMinutes(total - minutes)} of ${formatMinutes(total)}, which is not worth the joins`,
  );

const AGAINST: Readonly<Record<Pattern, (facts: TaskFacts, again: number) => string[]>> = {
  single: ({ graph: { tasks }, total }) => [
    ...where(
      tasks.length > 1,
      `a failed attempt loses up to ${formatMinutes(total)} of ${tasks.length} tasks`,
    ),
    ...where(
      tasks.length > 1 && tasks.some(({ risk }) => risk === "high"),
      "nobody looks between a risky task and the next one",
    ),
  ],
  chain: ({ total, schedules: { "resource-aware": aware } }) =>
    where(
      aware.minutes < total,
      `takes ${formatMinutes(total - aware.minutes)} longer than what may run side by side needs`,
    ),
  parallel: (facts, again) => [
    ...where(facts.graph.tasks.length === 1, "there is nothing to run beside the only task"),
    ...where(
      facts.graph.tasks.some(({ after }) => after.length > 0),
      "some tasks have an order, so not all can begin together",
    ),
    ...where(
      facts.overlaps.length > 0,
      `${formatCount(facts.overlaps.length, "pair")} of tasks with paths in common; conflicts would have up to ${formatMinutes(again)} done again`,
    ),
    ...where(
      facts.concurrentRiskyTasks > 0,
      `${formatCount(facts.concurrentRiskyTasks, "risky task")} would run beside others`,
    ),
    ...scarce(facts.schedules.parallel.atOnce, facts.graph.agents ?? Infinity),
    ...saved(facts.schedules.parallel.minutes, facts),
  ],
  hybrid: (facts) => [
    ...where(facts.graph.tasks.length === 1, "there is nothing to run beside the only task"),
    ...scarce(facts.schedules.hybrid.atOnce, facts.graph.agents ?? Infinity),
    ...saved(facts.schedules.hybrid.minutes, facts),
    ...where(
      facts.graph.tasks.length > 1 &&
        facts.graph.tasks.every(({ after }) => after.length === 0) &&
        facts.overlaps.length === 0 &&
        facts.concurrentRiskyTasks === 0,
      "no order and no ownership keeps tasks apart, so parallel is simpler",
    ),
  ],
  "resource-aware": (facts) => {
    const { agents } = facts.graph;
    const { hybrid, "resource-aware": aware } = facts.schedules;
    return [
      ...where(agents === undefined, "the file names no `agents`, so nothing is known to be scarce"),
      ...where(
        agents !== undefined && hybrid.atOnce <= agents,
        `the file gives ${formatCount(agents ?? 0, "agent")}, and no more than ${hybrid.atOnce} can be at work at one time`,
      ),
      ...saved(aware.minutes, facts),
    ];
  },
};
