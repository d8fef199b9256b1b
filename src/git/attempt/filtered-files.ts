/**
 * Finds changed files that the person's git would store through a filter whose program is switched off.
 *
 * Invariants:
 * - Such a file is never stored as it is: a secret would be stored in the clear, or a large file in git.
 * - A file that only looks changed, because a program replaced the pointer of git-lfs by its content, is untouched.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type BoundedGit, isGitProblem } from "../bounded-git.ts";
import { diskPath, isPlainText } from "../byte-text.ts";
import { statOf } from "./attempt-folder.ts";
import type { AttemptGits } from "./attempt.ts";
import { readPointer } from "./lfs-pointer.ts";
import type { OwnChange } from "./own-changes.ts";
import type { TreeListing } from "./tree-git.ts";

/** A file with its driver. */
export type FilteredFile = readonly [path: string, driver: string];

export interface FilteredFiles {
  readonly untouched: readonly string[];
  readonly changed: readonly FilteredFile[];
}

export function filterProblem(file: FilteredFile | undefined): string | undefined {
  return (
    file &&
    `${file[0]} is stored through the filter "${file[1]}", which may not run here; list it under filters in states/workflow.yml, or leave the file alone`
  );
}

export async function findFilteredFiles(
  { trusted, offDrivers }: Pick<AttemptGits, "offDrivers" | "trusted">,
  tree: string,
  { changed: changedPaths, untracked, tracked }: TreeListing,
): Promise<FilteredFiles> {
  const paths = [...new Set([...changedPaths, ...untracked])];
  const untouched: string[] = [];
  const changed: FilteredFile[] = [];
  for (const [path, driver] of await filtersOf(trusted, paths, offDrivers)) {
    const blob = tracked.get(path)?.id;
    const file = join(tree, path);
    if (!statOf(file)?.isFile()) continue;
    const isUntouched = blob !== undefined && (await isContentOf(trusted, blob, file));
    if (isUntouched) untouched.push(path);
    else changed.push([path, driver]);
  }
  return { untouched, changed };
}

/**
 * What is wrong with files that commits of a script hold. A driver that may run gives back what it stored. For
 * the others, raw content is recognised by not being a pointer of git-lfs. `git` has the objects and the tree.
 */
export async function rawCommitProblem(
  { drivers, offDrivers, lfs }: Pick<AttemptGits, "drivers" | "lfs" | "offDrivers">,
  git: BoundedGit,
  commits: readonly OwnChange[],
): Promise<string | undefined> {
  const files = commits.filter(({ mode }) => mode.startsWith("100"));
  const filters = new Map(
    await filtersOf(
      git,
      files.map(({ path }) => path),
      drivers,
    ),
  );
  for (const { path, id } of files) {
    const driver = filters.get(path);
    if (driver === undefined) continue;
    const isOff = offDrivers.includes(driver);
    const isPointer = isOff || lfs.drivers.includes(driver);
    if (isPointer ? await isPointerOrEmpty(git, id) : await isStoredBy(git, path, id)) continue;
    if (isOff) return filterProblem([path, driver]);
    return `its commits hold ${path} as it is, and not as the filter "${driver}" stores it; commit it through the filter, or leave it uncommitted`;
  }
  return undefined;
}

async function isPointerOrEmpty(git: BoundedGit, id: string): Promise<boolean> {
  return (
    (await git.text(["cat-file", "-s", id])).trim() === "0" || (await readPointer(git, id)) !== undefined
  );
}

/** True when the driver stores the content that it reads from a blob as the same blob. */
async function isStoredBy(git: BoundedGit, path: string, id: string): Promise<boolean> {
  if (!isPlainText(path)) return false;
  try {
    const read = ["cat-file", "--filters", `--path=${path}`, id];
    return (await git.pipe(read, "", git, ["hash-object", "--stdin", `--path=${path}`])).trim() === id;
  } catch (error) {
    if (isGitProblem(error)) return false;
    throw error;
  }
}

/** The paths whose driver is one of these. */
async function filtersOf(
  trusted: BoundedGit,
  paths: readonly string[],
  drivers: readonly string[],
): Promise<FilteredFile[]> {
  if (paths.length === 0 || drivers.length === 0) return [];
  const stdin = paths.map((path) => `${path}\0`).join("");
  const fields = (await trusted.text(["check-attr", "-z", "--stdin", "filter"], { stdin })).split("\0");
  const found: FilteredFile[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) found.push([fields[at] ?? "", fields[at + 2] ?? ""]);
  return found.filter(([, driver]) => drivers.includes(driver));
}

/** True when the file is the content that a pointer of git-lfs stands for. */
async function isContentOf(trusted: BoundedGit, blob: string, file: string): Promise<boolean> {
  const expected = await readPointer(trusted, blob);
  if (expected === undefined) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(diskPath(file)), hash);
  return hash.digest("hex") === expected.oid;
}
