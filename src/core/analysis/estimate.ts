/**
 * How long each task takes: what the file says, else what its state took before, else a guess.
 *
 * What must hold: pure; where a number comes from is told with it.
 */
import { MINUTE_MS, parseDuration } from "../util/duration.ts";
import type { HandOffHistory } from "./hand-off-report.ts";
import { valueOf } from "../protocol/message.ts";
import type { Task } from "./task-graph.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** Where nothing is known. */
const GUESS = 15;

export interface Estimate {
  readonly task: string;
  readonly minutes: number;
  readonly source: "file" | "history" | "guess";
  /** Whose run times were looked for, and how many were found. */
  readonly state?: string;
  readonly runs?: number;
}

/** What a state took before. */
export interface TypicalDuration {
  readonly minutes: number;
  readonly runs: number;
}

/** The median of `Took:` of the answers of each state. */
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

/** An estimate for each task, in their order. */
export function estimate(tasks: readonly Task[], usual: ReadonlyMap<string, TypicalDuration>): Estimate[] {
  return tasks.map(({ key, minutes, state }) => {
    if (minutes !== undefined) return { task: key, minutes, source: "file" };
    const known = state === undefined ? undefined : usual.get(state);
    if (!known || state === undefined) {
      return { task: key, minutes: GUESS, source: "guess", ...(state === undefined ? {} : { state }) };
    }
    return { task: key, minutes: known.minutes, source: "history", state, runs: known.runs };
  });
}
