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
import type { BoundedGit } from "../bounded-git.ts";
import { diskPath } from "../byte-text.ts";
import { statOf } from "./attempt-folder.ts";
import type { AttemptGits } from "./attempt.ts";
import type { OwnChange } from "./own-changes.ts";
import type { TreeListing } from "./tree-git.ts";

/** A pointer of git-lfs is shorter. */
const LONGEST_POINTER = 1024;

export interface FilteredFiles {
  readonly untouched: readonly string[];
  /** The files that the attempt changed, with their drivers. */
  readonly changed: readonly (readonly [path: string, driver: string])[];
}

export async function findFilteredFiles(
  { trusted, offDrivers }: Pick<AttemptGits, "offDrivers" | "trusted">,
  tree: string,
  { changed: changedPaths, untracked, tracked }: TreeListing,
  commits: readonly OwnChange[],
): Promise<FilteredFiles> {
  const committed = new Map(
    commits.flatMap(({ path, mode, id }) => (mode.startsWith("100") ? [[path, id]] : [])),
  );
  const paths = [...new Set([...changedPaths, ...untracked, ...committed.keys()])];
  if (offDrivers.length === 0 || paths.length === 0) return { untouched: [], changed: [] };
  const filtered = (await filtersOf(trusted, paths)).filter(([, driver]) => offDrivers.includes(driver));
  const untouched: string[] = [];
  const changed: (readonly [string, string])[] = [];
  for (const [path, driver] of filtered) {
    const blob = tracked.get(path)?.id;
    const file = join(tree, path);
    const ownBlob = committed.get(path);
    if (ownBlob !== undefined && (await readPointer(trusted, ownBlob)) === undefined) {
      changed.push([path, driver]);
      continue;
    }
    if (ownBlob !== undefined && !changedPaths.includes(path)) continue;
    if (!statOf(file)?.isFile()) continue;
    const isUntouched = blob !== undefined && (await isContentOf(trusted, blob, file));
    if (isUntouched) untouched.push(path);
    else changed.push([path, driver]);
  }
  return { untouched, changed };
}

async function filtersOf(
  trusted: BoundedGit,
  paths: readonly string[],
): Promise<(readonly [string, string])[]> {
  const stdin = paths.map((path) => `${path}\0`).join("");
  const fields = (await trusted.text(["check-attr", "-z", "--stdin", "filter"], { stdin })).split("\0");
  const found: (readonly [string, string])[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3) found.push([fields[at] ?? "", fields[at + 2] ?? ""]);
  return found;
}

/** True when the file is the content that a pointer of git-lfs stands for. */
async function isContentOf(trusted: BoundedGit, blob: string, file: string): Promise<boolean> {
  const expected = await readPointer(trusted, blob);
  if (expected === undefined) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(diskPath(file)), hash);
  return hash.digest("hex") === expected;
}

/** The hash of the content that a pointer of git-lfs stands for; undefined for any other blob. */
async function readPointer(trusted: BoundedGit, blob: string): Promise<string | undefined> {
  const size = Number(await trusted.text(["cat-file", "-s", blob]));
  if (!(size <= LONGEST_POINTER)) return undefined;
  const pointer = await trusted.text(["cat-file", "blob", blob]);
  const line = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n[^]*^oid sha256:([0-9a-f]{64})$/m;
  return line.exec(pointer)?.[1];
}
