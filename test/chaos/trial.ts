/**
 * One trial: set-up, faults and people, quiet, a graceful end, the check.
 *
 * What must hold: every phase has an end in time; whatever happens no process is left; the
 * directory is kept whenever something was found.
 */
import { rmSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { findUnanswered, stepsOf } from "./check/branches.ts";
import { check, type Verdict } from "./check/check-trial.ts";
import { HEADS, LANES, LEASES, readHistory, readRefs, type Finding } from "./check/ref-history.ts";
import { Crew } from "./runner-fleet.ts";
import { Desk } from "./person-clone.ts";
import { Dice } from "./seeded-random.ts";
import { noCounts, unleash, type Counts } from "./faults.ts";
import { makeLab, type Lab } from "./trial-directory.ts";
import { countHalfMade, findLeftovers } from "./find-orphans.ts";
import { begin, live, type PeopleCounts } from "./people.ts";
import { WORKED } from "./trial-workflow.ts";

export interface TrialOptions {
  /** Holds the built program. */
  readonly dist: string;
  readonly seed: number;
  readonly runners: number;
  readonly branches: number;
  readonly kills: number;
  readonly pauses: number;
  readonly people: number;
  /** Bound of the phase with faults, and of the one that waits for quiet. */
  readonly faultsMs: number;
  readonly quietMs: number;
  readonly ttlMs: number;
  readonly concurrency: number;
  readonly keep: string | undefined;
  readonly tell: (line: string) => void;
}

export interface Trial {
  readonly root: string;
  readonly findings: readonly Finding[];
  readonly figures: Verdict["figures"];
  readonly counts: Counts;
  readonly people: PeopleCounts;
  /** Runs that ended because another runner took over, or might have, as runners said themselves. */
  readonly fenced: number;
  /** Caches that were not whole when their runner died. */
  readonly halfMade: number;
  readonly crashes: readonly string[];
  readonly apart: boolean;
  readonly tookMs: number;
  readonly quietAfterMs: number;
}

const FENCED = ["stopped: another runner took over", "stopped: the lease could not be renewed in time"];
const STOP_MS = 25_000;
const STEP_MS = 1000;
/** So long without a branch that moves is no longer slowness: leases run out much sooner. */
const STUCK_MS = 90_000;

interface Phase {
  readonly lab: Lab;
  readonly crew: Crew;
  readonly counts: Counts;
  readonly people: PeopleCounts;
}

/** Runs a trial. Its directory is removed when nothing was found and nobody wants to keep it. */
export async function runTrial(options: TrialOptions): Promise<Trial> {
  const began = performance.now();
  const lab = await makeLab(options.dist, options.seed, options.keep);
  const dice = (name: string) => new Dice(options.seed, name);
  const crew = await Crew.open(lab, options, dice("crew"));
  const end = () => crew.destroy();
  process.once("exit", end);
  try {
    const phase = { lab, crew, counts: noCounts(), people: { accepted: 0, refused: 0, fed: 0 } };
    await disturb(phase, options, dice);
    const quietAfterMs = await settle(phase, options);
    const late = await crew.stop(STOP_MS);
    const caches = crew.machines.map(({ cache }) => cache);
    const leftovers = findLeftovers(lab.root, caches);
    const { findings, figures } = check(lab.root);
    const all = [...findings, ...leftovers, ...late.map((what) => ({ kind: "late", what }))];
    const trial = {
      root: lab.root,
      findings: all,
      figures,
      counts: phase.counts,
      people: phase.people,
      fenced: FENCED.reduce((sum, text) => sum + crew.countSaid(text), 0),
      halfMade: countHalfMade(caches),
      crashes: crew.crashes,
      apart: crew.isApart,
      tookMs: performance.now() - began,
      quietAfterMs,
    };
    if (all.length === 0 && options.keep === undefined) rmSync(lab.root, { recursive: true, force: true });
    return trial;
  } finally {
    process.off("exit", end);
    end();
  }
}

async function disturb(
  { lab, crew, counts, people }: Phase,
  options: TrialOptions,
  dice: (name: string) => Dice,
): Promise<void> {
  const desks = [await Desk.open(lab, "ann"), await Desk.open(lab, "bob")];
  for (const desk of desks.slice(0, 1)) await begin(desk, dice("begin"), options.branches);
  crew.start();
  const deadline = Date.now() + options.faultsMs;
  let harmed = false;
  const isOver = () => Date.now() > deadline;
  const harm = unleash(crew, dice("faults"), options, counts, isOver).finally(() => (harmed = true));
  const life = live(desks, dice("people"), people, {
    // As many of the deeds as there were of the deaths.
    due: () => (harmed ? 1 : counts.kills / options.kills) * options.people,
    low: () => (harmed ? 0 : options.runners),
    isOver: () => isOver() || (harmed && people.accepted >= options.people),
  });
  const told = setInterval(() => {
    const { kills, pauses } = counts;
    options.tell(`${kills} kills, ${pauses} pauses, ${people.accepted} pushes of people`);
  }, STEP_MS);
  try {
    await Promise.all([harm, life]);
  } finally {
    clearInterval(told);
    crew.calm();
  }
}

/** Waits until nothing is left to do, or nothing moves any more; returns how long it took. */
async function settle({ lab, crew }: Phase, { quietMs, tell }: TrialOptions): Promise<number> {
  const began = performance.now();
  let moved = began;
  let heads = "";
  for (let quiet = 0; quiet < 2;) {
    await wait(STEP_MS);
    crew.calm();
    const refs = [...readRefs(lab.remote)];
    const now = refs.flatMap(([ref, id]) => (ref.startsWith(HEADS) ? [`${ref} ${id}`] : [])).join("\n");
    if (now !== heads) moved = performance.now();
    heads = now;
    if (performance.now() - moved > STUCK_MS || performance.now() - began > quietMs) break;
    const held = refs.filter(([ref]) => ref.startsWith(LEASES) || ref.startsWith(LANES)).length;
    const open = held > 0 ? "some" : countOpen(lab);
    tell(`waiting for quiet: ${open} requests and ${held} leases and places are left`);
    quiet = open === 0 ? quiet + 1 : 0;
  }
  return performance.now() - began;
}

function countOpen(lab: Lab): number {
  const history = readHistory(lab.remote);
  return findUnanswered(history, stepsOf(history, []), WORKED).length;
}
