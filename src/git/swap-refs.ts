/**
 * Compare-and-swap on the refs of a local repository.
 *
 * What must hold: one `update-ref --stdin` transaction, all or nothing; whether it was refused is
 * read from the refs, never from git's prose; a branch that is checked out moves together with its
 * clean checkout or not at all.
 */
import { type Branch, branchOf, type Ref, refOf, type Sha } from "../core/protocol/ids.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Swap, Update } from "../engine/ports.ts";
import { type Checkout, checkoutBlocker, followCheckout, listCheckouts } from "./checkouts.ts";
import { type Git, GitExit } from "./git.ts";
import type { GitLocation } from "./open-repository.ts";
import { parseRecords, requireSha } from "./parse-output.ts";
import { hash } from "node:crypto";

/** The present values of some refs; null where there is none. One git process. */
export async function readRefs(git: Git, refs: readonly Ref[]): Promise<Map<Ref, Sha | null>> {
  const values = new Map<Ref, Sha | null>(refs.map((ref) => [ref, null]));
  const output = await git.text(["for-each-ref", "--format=%(refname)%00%(objectname)%00", ...refs]);
  for (const [ref = "", value = ""] of parseRecords(output, 2)) {
    if (values.has(ref as Ref)) values.set(ref as Ref, requireSha(value));
  }
  return values;
}

interface Following {
  /** More than one when somebody forced a second worktree on the branch. */
  readonly checkouts: readonly Checkout[];
  readonly from: Sha;
  readonly to: Sha;
  readonly ref: Ref;
}

/** Moves all refs or none; checkouts of moved branches follow. */
export async function swapLocal(place: GitLocation, updates: readonly Update[], why: string): Promise<Swap> {
  const following = findFollowing(place, updates);
  for (const { checkouts, from, to } of following) {
    const why = await firstBlocker(place.git, checkouts, { from, to });
    if (why !== undefined) return { kind: "blocked", why };
  }
  const intents = following.map(({ ref, from }): Update => ({ ref, expected: null, next: from }));
  const swap = await transact(place.git, [...updates, ...intents], why);
  if (swap.kind === "landed") for (const one of following) await follow(place, one);
  return swap;
}

/** Why a branch could not be answered now: a dirty checkout, a rebase; undefined when it could. */
export async function branchBlocker(place: GitLocation, branch: Branch): Promise<string | undefined> {
  return firstBlocker(place.git, checkoutsOf(place, branch));
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

const checkoutsOf = (place: GitLocation, branch: Branch): Checkout[] =>
  listCheckouts(place).filter((one) => one.branch === branch);

/** Finishes a follow that a crash cut short. */
export async function resumeFollow(
  place: GitLocation,
  branch: Branch,
  ref: Ref,
  from: Sha,
  to: Sha,
): Promise<void> {
  await follow(place, { checkouts: checkoutsOf(place, branch), ref, from, to });
}

async function follow(place: GitLocation, { checkouts, from, to, ref }: Following): Promise<void> {
  let all = true;
  for (const checkout of checkouts) all = (await followCheckout(place.git, checkout, from, to)) && all;
  if (all) await transact(place.git, [{ ref, expected: from, next: null }], "checkout followed");
}

function findFollowing(place: GitLocation, updates: readonly Update[]): Following[] {
  const moved = updates.flatMap(({ ref, expected, next }) => {
    const branch = branchOf(ref);
    return branch && expected && next ? [{ branch, from: expected, to: next }] : [];
  });
  return moved.flatMap(({ branch, from, to }) => {
    const checkouts = checkoutsOf(place, branch);
    return checkouts.length === 0 ? [] : [{ checkouts, from, to, ref: refsOf(branchKey(branch)).follow }];
  });
}

/** One transaction, and no checkout follows; see git-update-ref(1) for the commands. */
export async function transact(git: Git, updates: readonly Update[], why: string): Promise<Swap> {
  const commands = updates.map(({ ref, expected, next }) => {
    if (next === null) return expected === null ? `verify ${ref}\0\0` : `delete ${ref}\0${expected}\0`;
    return expected === null ? `create ${ref}\0${next}\0` : `update ${ref}\0${next}\0${expected}\0`;
  });
  const stdin = ["start", ...commands.map((c) => c.slice(0, -1)), "prepare", "commit"].join("\0") + "\0";
  try {
    await git.run(["update-ref", "-m", `trailhand: ${why}`, "--stdin", "-z"], { stdin });
    return { kind: "landed" };
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    return settle(git, updates, error);
  }
}

/** What git says when another process was in the way: trying again may help. */
const PASSING =
  /\.lock['"]?: File exists|reference already exists|but expected|unable to resolve reference '[^']*'$/m;

/** After an error the refs themselves say what happened. */
async function settle(git: Git, updates: readonly Update[], error: GitExit): Promise<Swap> {
  const values = await readRefs(
    git,
    updates.map(({ ref }) => ref),
  );
  const all = (wanted: (update: Update) => Sha | null) =>
    updates.every((update) => values.get(update.ref) === wanted(update));
  // git says at which step it gave up; before the commit nothing was written, so somebody else was.
  const isWritten = !/^fatal: (?!commit:)/m.test(error.stderr) && all(({ next }) => next);
  if (isWritten) return { kind: "landed" };
  if (!all(({ expected }) => expected)) return { kind: "refused" };
  if (PASSING.test(error.stderr))
    return { kind: "unknown", why: "a ref is locked, or was changed and changed back" };
  throw new UserError(MESSAGES.readOnly(git.target.dir, error.message), { cause: error });
}

/** 40 hex digits of SHA-256 of the full branch ref. */
export function branchKey(branch: Branch): string {
  return hash("sha256", refOf(branch), "hex").slice(0, 40);
}
