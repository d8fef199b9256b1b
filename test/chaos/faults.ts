/**
 * What goes wrong: deaths, pauses, restarts, half-done pushes, outages, lost disks.
 *
 * What must hold: which fault comes next is drawn from the seed; each is counted only when it hit
 * something; whatever was paused goes on in the end.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Crew } from "./runner-fleet.ts";
import type { Dice } from "./seeded-random.ts";
import { listProcesses, signal, type Process } from "./processes.ts";
import type { Seat } from "./managed-runner.ts";

export interface Counts {
  /** Runners and their git processes that were killed. */
  kills: number;
  gitKills: number;
  pauses: number;
  restarts: number;
  outages: number;
  wipes: number;
}

type Fault = (crew: Crew, dice: Dice, counts: Counts) => Promise<void>;

const GAP_MS = [100, 700] as const;
/** How long one fault may look for its victim. */
const SEARCH_MS = 3000;
const LOOK_MS = 20;

export const noCounts = (): Counts => ({
  kills: 0,
  gitKills: 0,
  pauses: 0,
  restarts: 0,
  outages: 0,
  wipes: 0,
});

/** Mixes deaths with a shuffled list of other faults until there were enough, or until `isOver`. */
export async function unleash(
  crew: Crew,
  dice: Dice,
  wanted: { readonly kills: number; readonly pauses: number },
  counts: Counts,
  isOver: () => boolean,
): Promise<void> {
  const rare = Math.ceil(wanted.kills / 40);
  const outages = Array.from({ length: rare }, (_, at) => outage(at % 2 === 1 || rare === 1));
  const queue = dice.shuffle<Fault>([
    ...Array<Fault>(wanted.pauses).fill(pause),
    ...Array<Fault>(Math.ceil(wanted.kills / 10)).fill(restart),
    ...outages,
  ]);
  const going: Promise<void>[] = [];
  while (!isOver() && (counts.kills < wanted.kills || queue.length > 0)) {
    await wait(dice.between(...GAP_MS));
    const left = Math.max(0, wanted.kills - counts.kills);
    // Others last, and the next fault does not wait for them.
    if (dice.chance(left / (left + queue.length))) await kill(crew, dice, counts);
    else going.push(queue.pop()?.(crew, dice, counts) ?? Promise.resolve());
  }
  await Promise.all(going);
}

/** One in three deaths is that of git in the middle of its work. */
const kill: Fault = async (crew, dice, counts) => {
  if (dice.chance(1 / 3)) return killGit(crew, dice, counts);
  const seat = await victim(dice, () => crew.seats.filter((seat) => seat.isUp));
  if (!seat?.kill()) return;
  crew.note("kill", seat.machine, seat.name);
  counts.kills++;
};

const killGit: Fault = async (crew, dice, counts) => {
  const lines = dice.chance(0.7) ? /^(?:push|fetch|send-pack|fetch-pack|index-pack)$/ : /./;
  const isVictim = ({ args }: Process) =>
    /(?:^|\/)git$/.test(args[0] ?? "") &&
    args.slice(1).some((arg) => !arg.startsWith("-") && lines.test(arg));
  const delayMs = dice.between(0, 15);
  const hit = await found(async () => {
    const table = listProcesses();
    const victims = crew.seats.flatMap((seat) =>
      seat.children(table).flatMap((child) => (isVictim(child) ? [{ seat, child }] : [])),
    );
    const one = dice.pick(victims);
    if (!one) return undefined;
    await wait(delayMs);
    return signal(one.child.pid, "SIGKILL") ? one : undefined;
  });
  if (!hit) return;
  crew.note("kill-git", hit.seat.machine, `${hit.seat.name}: ${commandOf(hit.child)}`);
  counts.kills++;
  counts.gitKills++;
};

/** What git was told, without the settings in front. */
const commandOf = ({ args }: Process): string =>
  args
    .filter((arg, at) => arg !== "-c" && args[at - 1] !== "-c")
    .join(" ")
    .slice(0, 300);

/** Longer than the lease lasts, so that somebody else takes over. */
const pause: Fault = async (crew, dice, counts) => {
  const seat = await victim(dice, () => upAndAwake(crew));
  const whole = dice.chance(0.5);
  const ms = crew.ttlMs * dice.between(1.2, 3);
  if (!seat?.pause(whole)) return;
  crew.note(
    "pause",
    seat.machine,
    `${seat.name} for ${Math.round(ms)} ms${whole ? ", with its scripts" : ""}`,
  );
  counts.pauses++;
  await wait(ms);
  seat.resume();
};

const restart: Fault = async (crew, dice, counts) => {
  const seat = await found(() => dice.pick(upAndAwake(crew)));
  if (!seat?.terminate()) return;
  crew.note("restart", seat.machine, seat.name);
  counts.restarts++;
};

const outage =
  (wipe: boolean): Fault =>
  async (crew, dice, counts) => {
    const machine = dice.pick(crew.machines);
    if (!machine) return;
    crew.note("outage", machine, wipe ? "and its disk is lost" : "its disk stays");
    counts.outages++;
    if (wipe) counts.wipes++;
    const killed = await crew.outage(machine, crew.ttlMs * dice.between(0.2, 2.2), wipe);
    counts.kills += killed;
  };

const upAndAwake = (crew: Crew): Seat[] => crew.seats.filter((seat) => seat.isUp && !seat.isPaused);

/** Rather a runner whose script runs now: the others have little to lose. */
function victim(dice: Dice, seats: () => Seat[]): Promise<Seat | undefined> {
  const rather = dice.chance(0.7) ? Date.now() + SEARCH_MS / 4 : 0;
  const isScript = ({ args }: Process) => args.some((arg) => arg.includes("/states/"));
  return found(() => {
    if (Date.now() >= rather) return dice.pick(seats());
    const table = listProcesses();
    return dice.pick(seats().filter((seat) => seat.children(table).some(isScript)));
  });
}

async function found<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
  const end = Date.now() + SEARCH_MS;
  while (Date.now() < end) {
    const one = await look();
    if (one !== undefined) return one;
    await wait(LOOK_MS);
  }
  return undefined;
}
