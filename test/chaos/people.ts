/**
 * What people do while runners work: commits, new requests, force pushes, deletions, renames.
 *
 * Invariants:
 * - The seed decides the next action.
 * - A person fetches first and pushes later, so that the branch may have changed.
 * - Only accepted pushes count.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { PersonClone, Head } from "./person-clone.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { RUNNER_STATES } from "./trial-workflow.ts";

/** An action of a person; false when there is no fitting branch, or the push was rejected. */
type Action = (at: ActionInput) => Promise<boolean>;

interface ActionInput {
  readonly clone: PersonClone;
  readonly random: SeededRandom;
  readonly heads: readonly Head[];
  /** A number that no other action has. */
  readonly number: number;
}

const ACTIONS: readonly (readonly [weight: number, deed: Action])[] = [
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
  failed: number;
  /** Requests that were pushed only because runners had nothing to do. */
  refills: number;
}

export interface Pace {
  /** How many actions should be done by now. */
  readonly dueCount: () => number;
  /** People push more requests when there are fewer than this. */
  readonly minRequests: () => number;
  readonly isOver: () => boolean;
}

const GAP_MS = [300, 1200] as const;

export async function actUntil(
  clones: readonly PersonClone[],
  random: SeededRandom,
  counts: PeopleCounts,
  { dueCount, minRequests, isOver }: Pace,
): Promise<void> {
  for (let number = 1; !isOver(); number++) {
    await wait(random.between(...GAP_MS));
    const clone = random.pick(clones);
    if (!clone) return;
    const heads = await clone.fetchHeads();
    const input = { clone, random, heads, number };
    if (heads.filter(isRequest).length < minRequests()) counts.refills += Number(await ask(input));
    else if (counts.accepted < dueCount()) {
      const isAccepted = await drawAction(random)(input);
      if (isAccepted) counts.accepted++;
      else counts.failed++;
    }
  }
}

function drawAction(random: SeededRandom): Action {
  const total = ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
  let left = random.next() * total;
  const entry = ACTIONS.find(([weight]) => (left -= weight) < 0);
  return entry?.[1] ?? create;
}

const isRequest = ({ state }: Head) => RUNNER_STATES.has(state);

/** Half of all requests name their branch, as `trailhand request` does. */
export function requestMessage(
  random: SeededRandom,
  branch: string,
  subject: string,
  state = "plan",
): string {
  const bound = random.chance(0.5) ? `Branch: ${branch}\n` : "";
  return `feat: ${subject}\n\nDo it well.\n\nState: ${state}\n${bound}`;
}

/** Prefers a branch that a runner works on. */
function pickLeased(random: SeededRandom, heads: readonly Head[]): Head | undefined {
  const leased = heads.filter((head) => head.isLeased);
  return random.pick(leased.length > 0 && random.chance(0.8) ? leased : heads);
}

async function pushCommit(
  { clone, number }: ActionInput,
  head: Head,
  kind: string,
  message: string,
): Promise<boolean> {
  const next = await clone.commit(head.commit, message, `person-${number}.txt`);
  return clone.push(kind, [{ ref: head.ref, old: head.commit, new: next }]);
}

async function plain(input: ActionInput): Promise<boolean> {
  const head = pickLeased(input.random, input.heads);
  return head !== undefined && pushCommit(input, head, "plain", `fix: by hand ${input.number}\n`);
}

async function ask(input: ActionInput): Promise<boolean> {
  const { random, heads, number } = input;
  const head = random.pick(heads.filter((one) => !isRequest(one)));
  if (!head) return create(input);
  return pushCommit(input, head, "request", requestMessage(random, head.branch, `again ${number}`));
}

async function askOver(input: ActionInput): Promise<boolean> {
  const { random, heads, number } = input;
  const head = pickLeased(random, heads.filter(isRequest));
  if (!head) return false;
  const state = random.chance(0.5) ? "build" : "plan";
  return pushCommit(
    input,
    head,
    "request-over",
    requestMessage(random, head.branch, `rather ${number}`, state),
  );
}

async function forceBack({ clone, random, heads }: ActionInput): Promise<boolean> {
  const head = pickLeased(random, heads);
  const next = head && random.pick(await clone.commitsBelow(head.commit));
  if (!head || next === undefined) return false;
  return clone.push("force-back", [{ ref: head.ref, old: head.commit, new: next }]);
}

async function rewrite({ clone, random, heads, number }: ActionInput): Promise<boolean> {
  const head = pickLeased(random, heads);
  const parent = head && random.pick(await clone.commitsBelow(head.commit));
  if (!head || parent === undefined) return false;
  const message = requestMessage(random, head.branch, `rewritten ${number}`);
  const next = await clone.commit(parent, message, `person-${number}.txt`);
  return clone.push("rewrite", [{ ref: head.ref, old: head.commit, new: next }]);
}

async function remove({ clone, random, heads }: ActionInput): Promise<boolean> {
  const head = pickLeased(random, heads);
  if (!head) return false;
  return clone.push("delete", [{ ref: head.ref, old: head.commit, new: null }]);
}

async function create({ clone, random, number }: ActionInput): Promise<boolean> {
  const branch = `new/${number}`;
  const message = requestMessage(random, branch, `new ${number}`);
  const next = await clone.commit(await clone.main(), message, `person-${number}.txt`);
  return clone.push("create", [{ ref: `refs/heads/${branch}`, old: null, new: next }]);
}

async function copy({ clone, random, heads, number }: ActionInput): Promise<boolean> {
  const head = pickLeased(random, heads);
  if (!head) return false;
  const branch = `${random.chance(0.5) ? "copy" : "zcopy"}/${number}`;
  return clone.push("copy", [{ ref: `refs/heads/${branch}`, old: null, new: head.commit }]);
}

async function rename({ clone, random, heads, number }: ActionInput): Promise<boolean> {
  const head = pickLeased(random, heads);
  if (!head) return false;
  return clone.push("rename", [
    { ref: head.ref, old: head.commit, new: null },
    { ref: `refs/heads/moved/${number}`, old: null, new: head.commit },
  ]);
}

/** Pushes the first branches of a trial in one push. */
export async function pushFirstBranches(
  clone: PersonClone,
  random: SeededRandom,
  branches: number,
): Promise<void> {
  await clone.fetchHeads();
  const main = await clone.main();
  const changes = [];
  for (let at = 1; at <= branches; at++) {
    const branch = `work/${String(at).padStart(2, "0")}`;
    const next = await clone.commit(main, requestMessage(random, branch, `thing ${at}`), "ask.txt");
    changes.push({ ref: `refs/heads/${branch}`, old: null, new: next });
  }
  if (!(await clone.push("begin", changes))) throw new Error("the first branches could not be pushed");
}
