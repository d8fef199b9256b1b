/** Makes the plan of a task graph in each pattern, with the arguments against it. */
import type { Schedule } from "./schedule.ts";
import { roundToTenth } from "../util/rounding.ts";
import { PACK_OF, type TaskFacts, type Pattern } from "./task-facts.ts";

/** The share of the time that parallel tasks must save to be worth the joins. */
export const MIN_GAIN = 0.2;

export interface Wave {
  /** Minutes after the start. */
  readonly from: number;
  readonly tasks: readonly string[];
}

export interface AdvicePlan {
  readonly pattern: Pattern;
  readonly pack: string;
  readonly minutes: number;
  /** The most attempts that run at the same time. */
  readonly atOnce: number;
  /** Minutes of work that conflicts would repeat. */
  readonly again: number;
  readonly cost: number | undefined;
  /** Arguments against the plan. */
  readonly against: readonly string[];
  /** Tasks that start together. */
  readonly waves: readonly Wave[];
}

export function planFor(pattern: Pattern, facts: TaskFacts): AdvicePlan {
  const { graph, nodes, total, overlaps } = facts;
  const { minutes, atOnce, tasks } = facts.schedules[pattern];
  const minutesOf = (task: number): number => nodes[task]?.minutes ?? 0;
  // If two tasks change the same paths, the shorter one is repeated.
  const repeated = new Set(overlaps.map(([a, b]) => (minutesOf(a) <= minutesOf(b) ? a : b)));
  const again = pattern === "parallel" ? sum([...repeated].map(minutesOf)) : 0;
  const rate = graph.cost_per_minute;
  return {
    pattern,
    pack: PACK_OF[pattern],
    minutes: roundToTenth(minutes),
    atOnce,
    again: roundToTenth(again),
    cost: rate === undefined ? undefined : Math.round((total + again) * rate * 100) / 100,
    against: AGAINST[pattern](facts, again),
    waves: wavesOf(tasks, (task) => graph.tasks[task]?.key ?? ""),
  };
}

function wavesOf(scheduled: Schedule["tasks"], keyOf: (task: number) => string): Wave[] {
  const waves = new Map<number, string[]>();
  for (const { task, from } of scheduled) waves.set(from, [...(waves.get(from) ?? []), keyOf(task)]);
  return [...waves].map(([from, tasks]) => ({ from: roundToTenth(from), tasks }));
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** A number with its noun, such as `1 pair` or `2 pairs`. */
export const formatCount = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;
export const formatMinutes = (n: number): string => `${roundToTenth(n)} min`;
export const formatPercent = (share: number): string => `${Math.round(share * 100)}%`;

const sentenceIf = (condition: boolean, sentence: string): string[] => (condition ? [sentence] : []);

const agentShortage = (atOnce: number, agents: number): string[] =>
  sentenceIf(
    atOnce > agents,
    `needs ${formatCount(atOnce, "agent")}, and there ${agents === 1 ? "is" : "are"} ${agents}`,
  );

const lowGain = (minutes: number, { total, graph: { tasks } }: TaskFacts): string[] =>
  sentenceIf(
    tasks.length > 1 && total - minutes < MIN_GAIN * total,
    `saves ${formatMinutes(total - minutes)} of ${formatMinutes(total)}, which is not worth the joins`,
  );

const ONE_TASK = "there is only one task";

const AGAINST: Readonly<Record<Pattern, (facts: TaskFacts, again: number) => string[]>> = {
  single: ({ graph: { tasks }, total }) => [
    ...sentenceIf(
      tasks.length > 1,
      `a failed attempt loses up to ${formatMinutes(total)} of ${tasks.length} tasks`,
    ),
    ...sentenceIf(
      tasks.length > 1 && tasks.some(({ risk }) => risk === "high"),
      "no review between a risky task and the next one",
    ),
  ],
  chain: ({ total, schedules: { "resource-aware": aware } }) =>
    sentenceIf(
      aware.minutes < total,
      `takes ${formatMinutes(total - aware.minutes)} longer than running independent tasks in parallel`,
    ),
  parallel: (facts, again) => [
    ...sentenceIf(facts.graph.tasks.length === 1, ONE_TASK),
    ...sentenceIf(
      facts.graph.tasks.some(({ after }) => after.length > 0),
      "some tasks have an order, so not all can start together",
    ),
    ...sentenceIf(
      facts.overlaps.length > 0,
      `${formatCount(facts.overlaps.length, "pair")} of tasks with paths in common; conflicts could repeat up to ${formatMinutes(again)} of work`,
    ),
    ...sentenceIf(
      facts.concurrentRiskyTasks > 0,
      `${formatCount(facts.concurrentRiskyTasks, "risky task")} would run together with other tasks`,
    ),
    ...agentShortage(facts.schedules.parallel.atOnce, facts.graph.agents ?? Infinity),
    ...lowGain(facts.schedules.parallel.minutes, facts),
  ],
  hybrid: (facts) => [
    ...sentenceIf(facts.graph.tasks.length === 1, ONE_TASK),
    ...agentShortage(facts.schedules.hybrid.atOnce, facts.graph.agents ?? Infinity),
    ...lowGain(facts.schedules.hybrid.minutes, facts),
    ...sentenceIf(
      facts.graph.tasks.length > 1 &&
        facts.graph.tasks.every(({ after }) => after.length === 0) &&
        facts.overlaps.length === 0 &&
        facts.concurrentRiskyTasks === 0,
      "neither order nor ownership restricts the tasks, so parallel is simpler",
    ),
  ],
  "resource-aware": (facts) => {
    const { agents } = facts.graph;
    const { hybrid, "resource-aware": aware } = facts.schedules;
    return [
      ...sentenceIf(agents === undefined, "the file has no `agents`, so there is no known shortage"),
      ...sentenceIf(
        agents !== undefined && hybrid.atOnce <= agents,
        `the file gives ${formatCount(agents ?? 0, "agent")}, and at most ${hybrid.atOnce} can work at the same time`,
      ),
      ...lowGain(aware.minutes, facts),
    ];
  },
};
