/**
 * Compare-and-swap on the refs of a local repository.
 *
 * Invariants:
 * - One `update-ref --stdin` transaction moves all refs or none.
 * - After a failure, the refs themselves say what happened, not git's messages.
 * - A checked-out branch moves together with its clean checkout or not at all.
 */
import { type Branch, branchOf, type Ref, refOf, type Sha } from "../core/protocol/ids.ts";
import { refsOf } from "../core/protocol/refs.ts";
import type { Swap, Update } from "../engine/ports.ts";
import { type Checkout, checkoutBlocker, followCheckout, indexLockOf, listCheckouts } from "./checkouts.ts";
import type { LockPlan } from "./lock-plan.ts";
import { withLocks } from "./recover-locks.ts";
import { runTransaction } from "./ref-transaction.ts";
import type { Git } from "./git.ts";
import type { GitLocation } from "./open-repository.ts";
import { hash } from "node:crypto";
import { join } from "node:path";

interface CheckoutFollow {
  /** More than one if a person forced a second worktree onto the branch. */
  readonly checkouts: readonly Checkout[];
  readonly from: Sha;
  readonly to: Sha;
  readonly ref: Ref;
}

/** Moves all refs or none; checkouts of moved branches follow. */
export async function swapLocal(
  location: GitLocation,
  updates: readonly Update[],
  why: string,
): Promise<Swap> {
  const follows = await findFollows(location, updates);
  for (const { checkouts, from, to } of follows) {
    const plan = { locks: checkouts.map((checkout) => ({ path: indexLockOf(checkout) })) };
    const why = await withLocks(location, plan, (git) => firstBlocker(git, checkouts, { from, to }));
    if (why !== undefined) return { kind: "blocked", why };
  }
  // First, because a git that is killed at this has moved some refs, from the first one on.
  const intents = follows.map(({ ref, from }): Update => ({ ref, expected: null, next: from }));
  const swap = await transact(location, [...intents, ...updates], why);
  if (swap.kind === "landed") for (const one of follows) await follow(location, one);
  return swap;
}

/** Why a response could not be applied to a branch now (a dirty checkout, a rebase), or undefined. */
export async function branchBlocker(location: GitLocation, branch: Branch): Promise<string | undefined> {
  return firstBlocker(location.git, await checkoutsOf(location, branch));
}

async function firstBlocker(
  git: Git,
  checkouts: readonly Checkout[],
  move?: { readonly from: Sha; readonly to: Sha },
): Promise<string | undefined> {
  for (const checkout of checkouts) {
    const why = await checkoutBlocker(git, checkout, move);
    if (why !== undefined) return why;
  }
  return undefined;
}

const checkoutsOf = async (location: GitLocation, branch: Branch): Promise<Checkout[]> =>
  (await listCheckouts(location)).filter((one) => one.branch === branch);

/** Finishes moving a checkout after a crash. */
export async function resumeFollow(
  location: GitLocation,
  branch: Branch,
  ref: Ref,
  from: Sha,
  to: Sha,
): Promise<void> {
  await follow(location, { checkouts: await checkoutsOf(location, branch), ref, from, to });
}

async function follow(location: GitLocation, { checkouts, from, to, ref }: CheckoutFollow): Promise<void> {
  let all = true;
  for (const checkout of checkouts) {
    const { dir, gitDir } = checkout;
    const plan = { locks: [{ path: indexLockOf(checkout) }], moves: [{ dir, gitDir, from, to }] };
    all = (await withLocks(location, plan, (git) => followCheckout(git, checkout, from, to))) && all;
  }
  if (all) await transact(location, [{ ref, expected: from, next: null }], "checkout followed");
}

async function findFollows(location: GitLocation, updates: readonly Update[]): Promise<CheckoutFollow[]> {
  const moves = updates.flatMap(({ ref, expected, next }) => {
    const branch = branchOf(ref);
    return branch && expected && next ? [{ branch, from: expected, to: next }] : [];
  });
  if (moves.length === 0) return [];
  const all = await listCheckouts(location);
  return moves.flatMap(({ branch, from, to }) => {
    const checkouts = all.filter((one) => one.branch === branch);
    return checkouts.length === 0 ? [] : [{ checkouts, from, to, ref: refsOf(branchKey(branch)).follow }];
  });
}

/** One transaction, after which no checkout follows. See git-update-ref(1) for the commands. */
export async function transact(
  location: GitLocation,
  updates: readonly Update[],
  why: string,
): Promise<Swap> {
  const plan = await planLocks(location, updates);
  return withLocks(location, plan, () => runTransaction(location, updates, why));
}

/** The locks of the files backend, with what it writes into them. Lists of packed refs are written beside. */
async function planLocks(location: GitLocation, updates: readonly Update[]): Promise<LockPlan> {
  const at = (name: string) => join(location.commonDir, name);
  const refs = updates.map(({ ref, next }) => ({
    path: at(`${ref}.lock`),
    text: next === null ? "" : `${next}\n`,
  }));
  const checkouts = await listCheckouts(location);
  const heads = [location.commonDir, ...checkouts.map(({ gitDir }) => gitDir)];
  const others = [...new Set(heads)].map((gitDir) => ({ path: join(gitDir, "HEAD.lock"), text: "" }));
  return {
    locks: [...refs, ...others, { path: at("packed-refs.new") }, { path: at("packed-refs.lock"), text: "" }],
    updates,
  };
}

/** 40 hexadecimal digits of the SHA-256 of the full branch ref. */
export function branchKey(branch: Branch): string {
  return hash("sha256", refOf(branch), "hex").slice(0, 40);
}
