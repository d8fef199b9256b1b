/**
 * Injects faults: kills, pauses, restarts, partial pushes, outages, lost disks.
 *
 * Invariants:
 * - The seed decides the next fault. A fault counts only when it hit a process.
 * - Every suspended process continues in the end.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { RunnerFleet } from "./runner-fleet.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { listProcesses, signal, type Process } from "./processes.ts";
import type { ManagedRunner } from "./managed-runner.ts";

export interface Counts {
  /** Runners and their git processes that were killed. */
  kills: number;
  gitKills: number;
  pauses: number;
  restarts: number;
  outages: number;
  wipes: number;
}

type Fault = (crew: RunnerFleet, dice: SeededRandom, counts: Counts) => Promise<void>;

const GAP_MS = [100, 700] as const;
/** How long a fault may search for its target. */
const SEARCH_MS = 3000;
const POLL_MS = 20;

export const noCounts = (): Counts => ({
  kills: 0,
  gitKills: 0,
  pauses: 0,
  restarts: 0,
  outages: 0,
  wipes: 0,
});

/** Mixes kills with a shuffled list of other faults, until there were enough or `isOver` is true. */
export async function injectFaults(
  fleet: RunnerFleet,
  random: SeededRandom,
  targets: { readonly kills: number; readonly pauses: number },
  counts: Counts,
  isOver: () => boolean,
): Promise<void> {
  const outageCount = Math.ceil(targets.kills / 40);
  const outages = Array.from({ length: outageCount }, (_, at) => outage(at % 2 === 1 || outageCount === 1));
  const queue = random.shuffle<Fault>([
    ...Array<Fault>(targets.pauses).fill(pause),
    ...Array<Fault>(Math.ceil(targets.kills / 10)).fill(restart),
    ...outages,
  ]);
  const running: Promise<void>[] = [];
  while (!isOver() && (counts.kills < targets.kills || queue.length > 0)) {
    await wait(random.between(...GAP_MS));
    const missingKills = Math.max(0, targets.kills - counts.kills);
    // Other faults last longer, and the next fault does not wait for them.
    if (random.chance(missingKills / (missingKills + queue.length))) await kill(fleet, random, counts);
    else running.push(queue.pop()?.(fleet, random, counts) ?? Promise.resolve());
  }
  await Promise.all(running);
}

/** One in three kills hits a git process during its work. */
const kill: Fault = async (fleet, random, counts) => {
  if (random.chance(1 / 3)) return killGit(fleet, random, counts);
  const runner = await pickTarget(random, () => fleet.runners.filter((runner) => runner.isRunning));
  if (!runner?.kill()) return;
  fleet.recordIncident("kill", runner.machine, runner.name);
  counts.kills++;
};

const killGit: Fault = async (fleet, random, counts) => {
  const lines = random.chance(0.7) ? /^(?:push|fetch|send-pack|fetch-pack|index-pack)$/ : /./;
  const isTarget = ({ args }: Process) =>
    /(?:^|\/)git$/.test(args[0] ?? "") &&
    args.slice(1).some((arg) => !arg.startsWith("-") && lines.test(arg));
  const delayMs = random.between(0, 15);
  const hit = await findInTime(async () => {
    const table = listProcesses();
    const targets = fleet.runners.flatMap((runner) =>
      runner.children(table).flatMap((child) => (isTarget(child) ? [{ runnerSlot: runner, child }] : [])),
    );
    const target = random.pick(targets);
    if (!target) return undefined;
    await wait(delayMs);
    return signal(target.child.pid, "SIGKILL") ? target : undefined;
  });
  if (!hit) return;
  fleet.recordIncident("kill-git", hit.runnerSlot.machine, `${hit.runnerSlot.name}: ${commandOf(hit.child)}`);
  counts.kills++;
  counts.gitKills++;
};

/** The git command without the settings before it. */
const commandOf = ({ args }: Process): string =>
  args
    .filter((arg, at) => arg !== "-c" && args[at - 1] !== "-c")
    .join(" ")
    .slice(0, 300);

/** Longer than the lease time, so that another runner takes over. */
const pause: Fault = async (fleet, random, counts) => {
  const runner = await pickTarget(random, () => awakeRunners(fleet));
  const withScripts = random.chance(0.5);
  const ms = fleet.ttlMs * random.between(1.2, 3);
  if (!runner?.pause(withScripts)) return;
  fleet.recordIncident(
    "pause",
    runner.machine,
    `${runner.name} for ${Math.round(ms)} ms${withScripts ? ", with its scripts" : ""}`,
  );
  counts.pauses++;
  await wait(ms);
  runner.resume();
};

const restart: Fault = async (fleet, random, counts) => {
  const runner = await findInTime(() => random.pick(awakeRunners(fleet)));
  if (!runner?.terminate()) return;
  fleet.recordIncident("restart", runner.machine, runner.name);
  counts.restarts++;
};

const outage =
  (wipe: boolean): Fault =>
  async (fleet, random, counts) => {
    const machine = random.pick(fleet.machines);
    if (!machine) return;
    fleet.recordIncident("outage", machine, wipe ? "with its disk" : "without its disk");
    counts.outages++;
    if (wipe) counts.wipes++;
    const killed = await fleet.outage(machine, fleet.ttlMs * random.between(0.2, 2.2), wipe);
    counts.kills += killed;
  };

const awakeRunners = (fleet: RunnerFleet): ManagedRunner[] =>
  fleet.runners.filter((runner) => runner.isRunning && !runner.isPaused);

/** Prefers a runner with a running script: the others have little to lose. */
function pickTarget(
  random: SeededRandom,
  candidates: () => ManagedRunner[],
): Promise<ManagedRunner | undefined> {
  const preferUntil = random.chance(0.7) ? Date.now() + SEARCH_MS / 4 : 0;
  const isScript = ({ args }: Process) => args.some((arg) => arg.includes("/states/"));
  return findInTime(() => {
    if (Date.now() >= preferUntil) return random.pick(candidates());
    const table = listProcesses();
    return random.pick(candidates().filter((runner) => runner.children(table).some(isScript)));
  });
}

async function findInTime<T>(find: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
  const end = Date.now() + SEARCH_MS;
  while (Date.now() < end) {
    const target = await find();
    if (target !== undefined) return target;
    await wait(POLL_MS);
  }
  return undefined;
}
