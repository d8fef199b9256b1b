/**
 * What people do while runners work: commits, new requests, force pushes, deletions, renames.
 *
 * What must hold: which deed comes next is drawn from the seed; a person looks first and pushes
 * then, so that what they saw may have changed; only accepted pushes count.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Desk, Head } from "./person-clone.ts";
import type { Dice } from "./seeded-random.ts";
import { WORKED } from "./trial-workflow.ts";

/** What a person is going to do; false when there is nothing to do it to, or it was refused. */
type Deed = (at: Scene) => Promise<boolean>;

interface Scene {
  readonly desk: Desk;
  readonly dice: Dice;
  readonly heads: readonly Head[];
  /** A number that no other deed has. */
  readonly number: number;
}

const DEEDS: readonly (readonly [weight: number, deed: Deed])[] = [
  [16, plain],
  [30, ask],
  [10, askOver],
  [14, forceBack],
  [5, remove],
  [12, create],
  [4, copy],
  [6, rename],
  [3, rewrite],
];

export interface PeopleCounts {
  accepted: number;
  refused: number;
  /** Requests only because nothing was left to do. */
  fed: number;
}

export interface Pace {
  /** How many deeds should have been done by now. */
  readonly due: () => number;
  /** People ask for more when less than this is asked for. */
  readonly low: () => number;
  readonly isOver: () => boolean;
}

const GAP_MS = [300, 1200] as const;

/** Goes on until `isOver`. */
export async function live(
  desks: readonly Desk[],
  dice: Dice,
  counts: PeopleCounts,
  { due, low, isOver }: Pace,
): Promise<void> {
  for (let number = 1; !isOver(); number++) {
    await wait(dice.between(...GAP_MS));
    const desk = dice.pick(desks);
    if (!desk) return;
    const heads = await desk.look();
    const scene = { desk, dice, heads, number };
    if (heads.filter(asks).length < low()) counts.fed += Number(await ask(scene));
    else if (counts.accepted < due()) {
      const done = await draw(dice)(scene);
      if (done) counts.accepted++;
      else counts.refused++;
    }
  }
}

function draw(dice: Dice): Deed {
  const whole = DEEDS.reduce((sum, [weight]) => sum + weight, 0);
  let left = dice.next() * whole;
  const drawn = DEEDS.find(([weight]) => (left -= weight) < 0);
  return drawn?.[1] ?? create;
}

const asks = ({ state }: Head) => WORKED.has(state);

/** Half of all requests name their branch, as `trailhand request` does. */
export function requestMessage(dice: Dice, branch: string, subject: string, state = "plan"): string {
  const bound = dice.chance(0.5) ? `Branch: ${branch}\n` : "";
  return `feat: ${subject}\n\nDo it well.\n\nState: ${state}\n${bound}`;
}

/** Rather one that a runner works on. */
function pickBusy(dice: Dice, heads: readonly Head[]): Head | undefined {
  const busy = heads.filter((head) => head.busy);
  return dice.pick(busy.length > 0 && dice.chance(0.8) ? busy : heads);
}

async function putOn({ desk, number }: Scene, head: Head, kind: string, message: string): Promise<boolean> {
  const next = await desk.commit(head.commit, message, `person-${number}.txt`);
  return desk.push(kind, [{ ref: head.ref, old: head.commit, new: next }]);
}

async function plain(scene: Scene): Promise<boolean> {
  const head = pickBusy(scene.dice, scene.heads);
  return head !== undefined && putOn(scene, head, "plain", `fix: by hand ${scene.number}\n`);
}

async function ask(scene: Scene): Promise<boolean> {
  const { dice, heads, number } = scene;
  const head = dice.pick(heads.filter((one) => !asks(one)));
  if (!head) return create(scene);
  return putOn(scene, head, "request", requestMessage(dice, head.branch, `again ${number}`));
}

async function askOver(scene: Scene): Promise<boolean> {
  const { dice, heads, number } = scene;
  const head = pickBusy(dice, heads.filter(asks));
  if (!head) return false;
  const state = dice.chance(0.5) ? "build" : "plan";
  return putOn(scene, head, "request-over", requestMessage(dice, head.branch, `rather ${number}`, state));
}

async function forceBack({ desk, dice, heads }: Scene): Promise<boolean> {
  const head = pickBusy(dice, heads);
  const next = head && dice.pick(await desk.below(head.commit));
  if (!head || next === undefined) return false;
  return desk.push("force-back", [{ ref: head.ref, old: head.commit, new: next }]);
}

async function rewrite({ desk, dice, heads, number }: Scene): Promise<boolean> {
  const head = pickBusy(dice, heads);
  const parent = head && dice.pick(await desk.below(head.commit));
  if (!head || parent === undefined) return false;
  const message = requestMessage(dice, head.branch, `rewritten ${number}`);
  const next = await desk.commit(parent, message, `person-${number}.txt`);
  return desk.push("rewrite", [{ ref: head.ref, old: head.commit, new: next }]);
}

async function remove({ desk, dice, heads }: Scene): Promise<boolean> {
  const head = pickBusy(dice, heads);
  if (!head) return false;
  return desk.push("delete", [{ ref: head.ref, old: head.commit, new: null }]);
}

async function create({ desk, dice, number }: Scene): Promise<boolean> {
  const branch = `new/${number}`;
  const message = requestMessage(dice, branch, `new ${number}`);
  const next = await desk.commit(await desk.main(), message, `person-${number}.txt`);
  return desk.push("create", [{ ref: `refs/heads/${branch}`, old: null, new: next }]);
}

async function copy({ desk, dice, heads, number }: Scene): Promise<boolean> {
  const head = pickBusy(dice, heads);
  if (!head) return false;
  const branch = `${dice.chance(0.5) ? "copy" : "zcopy"}/${number}`;
  return desk.push("copy", [{ ref: `refs/heads/${branch}`, old: null, new: head.commit }]);
}

async function rename({ desk, dice, heads, number }: Scene): Promise<boolean> {
  const head = pickBusy(dice, heads);
  if (!head) return false;
  return desk.push("rename", [
    { ref: head.ref, old: head.commit, new: null },
    { ref: `refs/heads/moved/${number}`, old: null, new: head.commit },
  ]);
}

/** The branches that a trial begins with, in one push. */
export async function begin(desk: Desk, dice: Dice, branches: number): Promise<void> {
  await desk.look();
  const main = await desk.main();
  const changes = [];
  for (let at = 1; at <= branches; at++) {
    const branch = `work/${String(at).padStart(2, "0")}`;
    const next = await desk.commit(main, requestMessage(dice, branch, `thing ${at}`), "ask.txt");
    changes.push({ ref: `refs/heads/${branch}`, old: null, new: next });
  }
  if (!(await desk.push("begin", changes))) throw new Error("the first branches could not be pushed");
}
