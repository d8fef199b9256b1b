/**
 * One trial: set-up, faults and people, quiet, a graceful end, the check.
 *
 * Invariants:
 * - Every phase has a time limit, and no process survives the trial.
 * - The directory is kept whenever the check found something.
 */
import { rmSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { findUnanswered, stepsOf } from "./check/branches.ts";
import { checkTrial, type CheckResult } from "./check/check-trial.ts";
import { HEADS, LANES, LEASES, readHistory, readRefs, type Finding } from "./check/ref-history.ts";
import { RunnerFleet } from "./runner-fleet.ts";
import { PersonClone } from "./person-clone.ts";
import { SeededRandom } from "./seeded-random.ts";
import { noCounts, injectFaults, type Counts } from "./faults.ts";
import { createTrialDirectory, type TrialDirectory } from "./trial-directory.ts";
import { countPartialClones, findOrphanedResources } from "./find-orphans.ts";
import { pushFirstBranches, actUntil, type PeopleCounts } from "./people.ts";
import { RUNNER_STATES } from "./trial-workflow.ts";

export interface TrialOptions {
  /** The folder of the built program. */
  readonly dist: string;
  /** The folder of an older program, which half of the runners run; undefined: all run this one. */
  readonly oldDist?: string | undefined;
  readonly seed: number;
  readonly runners: number;
  readonly branches: number;
  readonly kills: number;
  readonly pauses: number;
  readonly people: number;
  /** The longest time of the phase with faults, and of the wait for quiet. */
  readonly faultsMs: number;
  readonly quietMs: number;
  readonly ttlMs: number;
  readonly concurrency: number;
  readonly keep: string | undefined;
  readonly reportProgress: (line: string) => void;
}

export interface Trial {
  readonly root: string;
  readonly findings: readonly Finding[];
  readonly figures: CheckResult["figures"];
  readonly counts: Counts;
  readonly people: PeopleCounts;
  /** Runs that ended because another runner took over, or may have, as their runners report. */
  readonly fenced: number;
  /** Caches that were incomplete when their runner died. */
  readonly partialClones: number;
  readonly crashes: readonly string[];
  readonly hasNamespaces: boolean;
  readonly durationMs: number;
  readonly quietAfterMs: number;
}

const FENCED = ["stopped: another runner took over", "stopped: the lease could not be renewed in time"];
const STOP_MS = 25_000;
const STEP_MS = 1000;
/** After so long without a moved branch, the trial is stuck: leases expire much sooner. */
const STUCK_MS = 90_000;

interface Phase {
  readonly directory: TrialDirectory;
  readonly fleet: RunnerFleet;
  readonly counts: Counts;
  readonly people: PeopleCounts;
}

/** Deletes the directory if nothing was found, unless `keep` is set. */
export async function runTrial(options: TrialOptions): Promise<Trial> {
  const startedAt = performance.now();
  const directory = await createTrialDirectory(options);
  const randomFor = (name: string) => new SeededRandom(options.seed, name);
  const fleet = await RunnerFleet.open(directory, options, randomFor("crew"));
  const end = () => fleet.destroy();
  process.once("exit", end);
  try {
    const people = { accepted: 0, failed: 0, refills: 0 };
    const phase = { directory, fleet, counts: noCounts(), people };
    await runFaultPhase(phase, options, randomFor);
    const quietAfterMs = await waitForQuiet(phase, options);
    const late = await fleet.stop(STOP_MS);
    const caches = fleet.machines.map(({ cache }) => cache);
    const orphans = findOrphanedResources(directory.root, caches);
    const { findings, figures } = checkTrial(directory.root);
    const all = [...findings, ...orphans, ...late.map((what) => ({ kind: "late", what }))];
    const trial = {
      root: directory.root,
      findings: all,
      figures,
      counts: phase.counts,
      people: phase.people,
      fenced: FENCED.reduce((sum, text) => sum + fleet.countInLogs(text), 0),
      partialClones: countPartialClones(caches),
      crashes: fleet.crashes,
      hasNamespaces: fleet.hasNamespaces,
      durationMs: performance.now() - startedAt,
      quietAfterMs,
    };
    if (all.length === 0 && options.keep === undefined)
      rmSync(directory.root, { recursive: true, force: true });
    return trial;
  } finally {
    process.off("exit", end);
    end();
  }
}

async function runFaultPhase(
  { directory, fleet, counts, people }: Phase,
  options: TrialOptions,
  randomFor: (name: string) => SeededRandom,
): Promise<void> {
  const clones = [await PersonClone.open(directory, "ann"), await PersonClone.open(directory, "bob")];
  for (const clone of clones.slice(0, 1))
    await pushFirstBranches(clone, randomFor("begin"), options.branches);
  fleet.start();
  const deadline = Date.now() + options.faultsMs;
  let isDone = false;
  const isOver = () => Date.now() > deadline;
  const faults = injectFaults(fleet, randomFor("faults"), options, counts, isOver).finally(
    () => (isDone = true),
  );
  const actions = actUntil(clones, randomFor("people"), people, {
    // People act in proportion to the kills so far.
    dueCount: () => (isDone ? 1 : counts.kills / options.kills) * options.people,
    minRequests: () => (isDone ? 0 : options.runners),
    isOver: () => isOver() || (isDone && people.accepted >= options.people),
  });
  const progress = setInterval(() => {
    const { kills, pauses } = counts;
    options.reportProgress(`${kills} kills, ${pauses} pauses, ${people.accepted} pushes of people`);
  }, STEP_MS);
  try {
    await Promise.all([faults, actions]);
  } finally {
    clearInterval(progress);
    fleet.resumeAll();
  }
}

/** Waits until everything is done, or nothing moves. Returns the duration in milliseconds. */
async function waitForQuiet(
  { directory, fleet }: Phase,
  { quietMs, reportProgress }: TrialOptions,
): Promise<number> {
  const startedAt = performance.now();
  let movedAt = startedAt;
  let heads = "";
  for (let quiet = 0; quiet < 2;) {
    await wait(STEP_MS);
    fleet.resumeAll();
    const refs = [...readRefs(directory.remote)];
    const now = refs.flatMap(([ref, id]) => (ref.startsWith(HEADS) ? [`${ref} ${id}`] : [])).join("\n");
    if (now !== heads) movedAt = performance.now();
    heads = now;
    if (performance.now() - movedAt > STUCK_MS || performance.now() - startedAt > quietMs) break;
    const held = refs.filter(([ref]) => ref.startsWith(LEASES) || ref.startsWith(LANES)).length;
    const open = held > 0 ? "some" : countOpen(directory);
    reportProgress(`waiting for quiet: ${open} requests and ${held} leases and slots are left`);
    quiet = open === 0 ? quiet + 1 : 0;
  }
  return performance.now() - startedAt;
}

function countOpen(directory: TrialDirectory): number {
  const history = readHistory(directory.remote);
  return findUnanswered(history, stepsOf(history, []), RUNNER_STATES).length;
}
