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
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Swap, Update } from "../engine/ports.ts";
import { type Checkout, checkoutBlocker, followCheckout, listCheckouts } from "./checkouts.ts";
import { GitLimit, isGitProblem } from "./bounded-git.ts";
import { type Git, GitExit } from "./git.ts";
import type { GitLocation } from "./open-repository.ts";
import { parseRecords, requireSha } from "./parse-output.ts";
import { readRefFiles } from "./ref-files.ts";
import { sessionsOf } from "./sessions.ts";
import { hash } from "node:crypto";

/** The current values of some refs, null for a missing one. */
export async function readRefs(
  { commonDir, git }: Pick<GitLocation, "commonDir" | "git">,
  refs: readonly Ref[],
): Promise<Map<Ref, Sha | null>> {
  const files = readRefFiles(commonDir, refs);
  if (files) return files;
  const values = new Map<Ref, Sha | null>(refs.map((ref) => [ref, null]));
  const output = await git.text(["for-each-ref", "--format=%(refname)%00%(objectname)%00", ...refs]);
  for (const [ref = "", value = ""] of parseRecords(output, 2)) {
    if (values.has(ref as Ref)) values.set(ref as Ref, requireSha(value));
  }
  return values;
}

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
  const follows = findFollows(location, updates);
  for (const { checkouts, from, to } of follows) {
    const why = await firstBlocker(location.git, checkouts, { from, to });
    if (why !== undefined) return { kind: "blocked", why };
  }
  const intents = follows.map(({ ref, from }): Update => ({ ref, expected: null, next: from }));
  const swap = await transact(location, [...updates, ...intents], why);
  if (swap.kind === "landed") for (const one of follows) await follow(location, one);
  return swap;
}

/** Why a response could not be applied to a branch now (a dirty checkout, a rebase), or undefined. */
export async function branchBlocker(location: GitLocation, branch: Branch): Promise<string | undefined> {
  return firstBlocker(location.git, checkoutsOf(location, branch));
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

const checkoutsOf = (location: GitLocation, branch: Branch): Checkout[] =>
  listCheckouts(location).filter((one) => one.branch === branch);

/** Finishes moving a checkout after a crash. */
export async function resumeFollow(
  location: GitLocation,
  branch: Branch,
  ref: Ref,
  from: Sha,
  to: Sha,
): Promise<void> {
  await follow(location, { checkouts: checkoutsOf(location, branch), ref, from, to });
}

async function follow(location: GitLocation, { checkouts, from, to, ref }: CheckoutFollow): Promise<void> {
  let all = true;
  for (const checkout of checkouts) all = (await followCheckout(location.git, checkout, from, to)) && all;
  if (all) await transact(location, [{ ref, expected: from, next: null }], "checkout followed");
}

function findFollows(location: GitLocation, updates: readonly Update[]): CheckoutFollow[] {
  const moves = updates.flatMap(({ ref, expected, next }) => {
    const branch = branchOf(ref);
    return branch && expected && next ? [{ branch, from: expected, to: next }] : [];
  });
  return moves.flatMap(({ branch, from, to }) => {
    const checkouts = checkoutsOf(location, branch);
    return checkouts.length === 0 ? [] : [{ checkouts, from, to, ref: refsOf(branchKey(branch)).follow }];
  });
}

/** One transaction, after which no checkout follows. See git-update-ref(1) for the commands. */
export async function transact(
  location: GitLocation,
  updates: readonly Update[],
  why: string,
): Promise<Swap> {
  const commands = updates.map(({ ref, expected, next }) => {
    if (next === null) return expected === null ? `verify ${ref}\0` : `delete ${ref}\0${expected}`;
    return expected === null ? `create ${ref}\0${next}` : `update ${ref}\0${next}\0${expected}`;
  });
  try {
    await sessionsOf(location.git).refs.commit(commands, `trailhand: ${why}`);
    return { kind: "landed" };
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    return resolveFailure(location, updates, error);
  }
}

/** Messages of git about another process that holds or moves a ref: a retry may succeed. */
const TRANSIENT =
  /\.lock['"]?: File exists|reference already exists|but expected|unable to resolve reference '[^']*'$/m;

/** Reads the refs after an error to find out what happened. */
async function resolveFailure(
  location: GitLocation,
  updates: readonly Update[],
  error: GitExit | GitLimit,
): Promise<Swap> {
  const said = error instanceof GitExit ? error.stderr : "";
  const values = await readRefs(
    location,
    updates.map(({ ref }) => ref),
  );
  const all = (valueOf: (update: Update) => Sha | null) =>
    updates.every((update) => values.get(update.ref) === valueOf(update));
  // git names the step that failed. Before the commit step nothing was written by this transaction.
  const isWritten = !/^fatal: (?!commit:)/m.test(said) && all(({ next }) => next);
  if (isWritten) return { kind: "landed" };
  if (!all(({ expected }) => expected)) return { kind: "refused" };
  if (error instanceof GitLimit) return { kind: "unknown", why: error.message };
  if (TRANSIENT.test(said))
    return { kind: "unknown", why: "a ref is locked, or was changed and changed back" };
  throw new UserError(MESSAGES.readOnly(location.git.target.dir, error.message), { cause: error });
}

/** 40 hexadecimal digits of the SHA-256 of the full branch ref. */
export function branchKey(branch: Branch): string {
  return hash("sha256", refOf(branch), "hex").slice(0, 40);
}
