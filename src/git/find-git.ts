/**
 * Finds the git program once, by its absolute path.
 *
 * Invariants:
 * - A relative entry of PATH never counts: git runs in the folders of scripts, which could hold a `git`.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** PATH without its relative entries, of which the empty one is the current folder. */
export const absolutePath = (path: string | undefined): string =>
  (path ?? "")
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .join(delimiter);

const found = new Map<string, string>();

/** The path of git; just its name when there is none, so that the start fails with "not found". */
export function findGit(path: string | undefined): string {
  const folders = absolutePath(path);
  const known = found.get(folders);
  if (known !== undefined) return known;
  const file = folders
    .split(delimiter)
    .map((folder) => join(folder, "git"))
    .find(isExecutable);
  if (file !== undefined) found.set(folders, file);
  return file ?? "git";
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
