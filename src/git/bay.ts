/**
 * A bay of the pool: the folder of one worktree, and git's own record of that worktree.
 *
 * What must hold: the record is found by the link that git wrote into it, never by the worktree's
 * `.git`, which a script may have written.
 */
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface Bay {
  readonly side: string;
  readonly path: string;
  readonly gitDir: string;
}

/** What git keeps in a worktree's git directory when nothing is half done there. */
const AT_REST = new Set(
  "HEAD ORIG_HEAD commondir gitdir index logs refs COMMIT_EDITMSG FETCH_HEAD".split(" "),
);

/** The folder's own name is unique, because git names a worktree's record after it. */
export function treePath(side: string): string {
  return join(side, `tree-${basename(join(side, ".."))}-${basename(side)}`);
}

/** The bay in a folder, when git has a record of its worktree. */
export function bayAt(side: string, commonDir: string): Bay | undefined {
  const path = treePath(side);
  const records = join(commonDir, "worktrees");
  for (const id of existsSync(records) ? readdirSync(records) : []) {
    if (readText(join(records, id, "gitdir")) === join(path, ".git")) {
      return { side, path, gitDir: join(records, id) };
    }
  }
  return undefined;
}

export const isWhole = (bay: Bay): boolean =>
  existsSync(join(bay.gitDir, "HEAD")) && isFolder(bay.path) && existsSync(join(bay.path, ".git"));

/** A link in the place of a worktree leads to files that are not ours to save, clean or remove. */
export const isFolder = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** True when there are files to save, whatever became of the link to git. */
export const hasFiles = (bay: Bay): boolean => isFolder(bay.path) && readdirSync(bay.path).length > 0;

/** True when the next run may have it: detached, nothing half done, its link as git wrote it. */
export function isAtRest(bay: Bay): boolean {
  const head = readText(join(bay.gitDir, "HEAD"));
  return (
    readText(join(bay.path, ".git")) === `gitdir: ${bay.gitDir}` &&
    head !== undefined &&
    !head.startsWith("ref:") &&
    readdirSync(bay.gitDir).every((name) => AT_REST.has(name))
  );
}

/** Package managers leave folders that nobody may write to; such a folder cannot be emptied. */
export function makeRemovable(folder: string): void {
  if (!isFolder(folder)) return;
  chmodSync(folder, 0o700);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) makeRemovable(join(folder, entry.name));
  }
}

/** A small file, or undefined: there is none, or it is no plain file. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** A JSON file that we wrote, or undefined. */
export function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
