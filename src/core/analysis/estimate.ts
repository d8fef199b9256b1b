/** Estimates the duration of tasks: from the file, else from past runs of the state, else a guess. */
import { MINUTE_MS, parseDuration } from "../util/duration.ts";
import type { HandOffHistory } from "./hand-off-report.ts";
import { valueOf } from "../protocol/message.ts";
import type { Task } from "./task-graph.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** The default, in minutes. */
const GUESS = 15;

export interface Estimate {
  readonly task: string;
  readonly minutes: number;
  readonly source: "file" | "history" | "guess";
  /** The state whose past runs were counted. */
  readonly state?: string;
  readonly runs?: number;
}

export interface TypicalDuration {
  readonly minutes: number;
  readonly runs: number;
}

/** The median duration of the answers of each state, from their `Took` trailers. */
export function readTypicalDurations({
  handOffs,
}: Pick<HandOffHistory, "handOffs">): ReadonlyMap<string, TypicalDuration> {
  const times = new Map<string, number[]>();
  for (const { from, trailers } of handOffs) {
    const took = parseDuration(valueOf(trailers, KEY.took) ?? "");
    if (took !== undefined) times.set(from, [...(times.get(from) ?? []), took]);
  }
  return new Map(
    [...times].map(([state, all]) => [state, { minutes: median(all) / MINUTE_MS, runs: all.length }]),
  );
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/** The estimates, in the order of the tasks. */
export function estimate(
  tasks: readonly Task[],
  durations: ReadonlyMap<string, TypicalDuration>,
): Estimate[] {
  return tasks.map(({ key, minutes, state }) => {
    if (minutes !== undefined) return { task: key, minutes, source: "file" };
    const duration = state === undefined ? undefined : durations.get(state);
    if (!duration || state === undefined) {
      return { task: key, minutes: GUESS, source: "guess", ...(state === undefined ? {} : { state }) };
    }
    return { task: key, minutes: duration.minutes, source: "history", state, runs: duration.runs };
  });
}
