/**
 * Removes the locks of killed gits, and undoes a move of files that one of them began.
 *
 * Invariants:
 * - A lock goes only if a git of ours was about to take it when it was killed, or if it is older than the
 *   start of this machine. In the first case its text is one that this git writes.
 * - A lock that is younger than a git may need for a transaction stays until it is older.
 */
import { readFileSync, rmSync, statSync, type Stats } from "node:fs";
import { uptime } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import type { Update } from "../engine/ports.ts";
import type { Git } from "./git.ts";
import type { LockPlan, PlannedLock } from "./lock-plan.ts";
import type { GitLocation } from "./open-repository.ts";
import { readRefs, runTransaction } from "./ref-transaction.ts";
import { LOCKS } from "./timing.ts";
import { undoMove } from "./undo-move.ts";

type Location = Pick<GitLocation, "commonDir" | "git" | "locks">;

/** Recovers from every git of ours that was killed. */
export async function recoverLocks(location: Location): Promise<void> {
  const { git, locks } = location;
  await locks?.recover(async ({ locks: planned, updates = [], moves = [] }) => {
    for (const lock of planned) await removeLock(lock);
    await finishTransaction(location, updates);
    for (const move of moves) await undoMove(git, move);
  });
}

/** git moves one ref after the other. If it was killed after the first, the others have to follow. */
async function finishTransaction(location: Location, updates: readonly Update[]): Promise<void> {
  if (updates.length < 2) return;
  const values = await readRefs(
    location,
    updates.map(({ ref }) => ref),
  );
  const left = updates.filter(({ ref, next }) => values.get(ref) !== next);
  const isHalf = left.length > 0 && left.length < updates.length;
  if (isHalf && left.every(({ ref, expected }) => values.get(ref) === expected))
    await runTransaction(location, left, "finished after a crash");
}

/** Runs a git while its plan is written down. Locks in its way that nothing can hold any more go first. */
export async function withLocks<T>(
  location: Location,
  plan: LockPlan,
  act: (git: Git) => Promise<T>,
): Promise<T> {
  const inTheWay = plan.locks.filter(({ path }) => statOf(path) !== undefined);
  if (inTheWay.length > 0) await recoverLocks(location);
  for (const { path } of inTheWay) if (isFromBeforeBoot(path)) rmSync(path, { force: true });
  const { git, locks } = location;
  return locks ? locks.during(plan, () => act(git)) : act(git);
}

async function removeLock(lock: PlannedLock): Promise<void> {
  const first = statOf(lock.path);
  if (!first || !isTextOf(lock)) return;
  const age = Date.now() - first.mtimeMs;
  if (age < LOCKS.youngMs) await wait(LOCKS.youngMs - Math.max(age, 0));
  const now = statOf(lock.path);
  const isSame = now?.ino === first.ino && now.mtimeMs === first.mtimeMs;
  if (isSame && isTextOf(lock)) rmSync(lock.path, { force: true });
}

/** git may have been killed before it wrote all of the text, or any of it. */
function isTextOf({ path, text }: PlannedLock): boolean {
  try {
    return text === undefined || text.startsWith(readFileSync(path, "utf8"));
  } catch {
    return false;
  }
}

function isFromBeforeBoot(path: string): boolean {
  const booted = Date.now() - uptime() * 1000 - LOCKS.youngMs;
  return (statOf(path)?.mtimeMs ?? Number.POSITIVE_INFINITY) < booted;
}

/** Undefined also where a part of the path is a file. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
