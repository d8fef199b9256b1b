/**
 * Times Trailhand and its floor in alternating rounds.
 *
 * Invariants:
 * - The sides of a comparison take turns in one run of the program.
 * - Git processes are traced in a separate round, which is not timed.
 */
import { performance } from "node:perf_hooks";
import type { Lab } from "./lab.ts";

/** The times of one comparison, in milliseconds, one number for each round. */
export interface Figure {
  readonly name: string;
  readonly ours: readonly number[];
  /** The work that Trailhand cannot do without, as bare git commands. */
  readonly floor: readonly number[];
  /** `node -e 0`; empty where no process is started. */
  readonly emptyNode: readonly number[];
  readonly ourGit: readonly string[];
  readonly floorGit: readonly string[];
}

/** One side of a comparison. */
export interface Side {
  /** Runs before the clock starts. */
  readonly prepare?: () => Promise<unknown>;
  /** The timed work. It may return the time at which the clock stops, as `performance.now()` gives it. */
  readonly run: () => Promise<number | void>;
}

/**
 * Times the sides in turn, in reversed order in every second round. A round of warm-up comes first,
 * except when there is only one round.
 */
export async function compare(
  lab: Lab,
  name: string,
  rounds: number,
  ours: Side,
  floor: Side,
  emptyNode?: Side,
): Promise<Figure> {
  const sides = emptyNode ? [ours, floor, emptyNode] : [ours, floor];
  const times = new Map(sides.map((side) => [side, [] as number[]]));
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const elapsed = await time(side);
      if (round > 0) times.get(side)?.push(elapsed);
    }
  }
  return {
    name,
    ours: times.get(ours) ?? [],
    floor: times.get(floor) ?? [],
    emptyNode: (emptyNode && times.get(emptyNode)) ?? [],
    ourGit: await trace(lab, ours),
    floorGit: await trace(lab, floor),
  };
}

/** Times both sides in turn without warm-up and without tracing, for work that takes many seconds. */
export async function compareCold(rounds: number, ours: Side, floor: Side): Promise<Omit<Figure, "name">> {
  const figure = { ours: [] as number[], floor: [] as number[], emptyNode: [], ourGit: [], floorGit: [] };
  for (let round = 0; round < rounds; round++) {
    figure.ours.push(await time(ours));
    figure.floor.push(await time(floor));
  }
  return figure;
}

async function time({ prepare, run }: Side): Promise<number> {
  await prepare?.();
  const start = performance.now();
  const end = await run();
  return (end ?? performance.now()) - start;
}

async function trace(lab: Lab, { prepare, run }: Side): Promise<readonly string[]> {
  await prepare?.();
  return lab.traceGit(run);
}

/** The median; 0 without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}
