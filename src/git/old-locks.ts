/** Finds locks of git that are too old for a git that is at work. */
import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LOCKS } from "./timing.ts";

/** Locks of refs, of lists of refs, and of the indexes of worktrees. `now` is in milliseconds since 1970. */
export function findOldLocks(gitDir: string, now: number): string[] {
  const worktrees = join(gitDir, "worktrees");
  const folders = [gitDir, ...namesIn(worktrees).map((name) => join(worktrees, name))];
  const locks = [...folders.flatMap(locksIn), ...locksBelow(join(gitDir, "refs"))];
  return locks.filter((path) => now - (timeOf(path) ?? now) > LOCKS.oldMs);
}

/** For a repository of our own. A git that still held such a lock fails, and its caller tries again. */
export function removeOldLocks(gitDir: string, now: number): void {
  for (const path of findOldLocks(gitDir, now)) rmSync(path, { force: true });
}

const namesIn = (folder: string): string[] =>
  existsSync(folder) && lstatSync(folder).isDirectory() ? readdirSync(folder) : [];

const locksIn = (folder: string): string[] =>
  namesIn(folder)
    .filter((name) => name.endsWith(".lock"))
    .map((name) => join(folder, name));

const locksBelow = (folder: string): string[] =>
  namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    return name.endsWith(".lock") ? [path] : locksBelow(path);
  });

/** Undefined: its git has just removed it. */
const timeOf = (path: string): number | undefined => lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
