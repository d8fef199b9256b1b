/**
 * Finds new symbolic links that lead out of the tree.
 *
 * Invariants:
 * - Such a link is never committed: it holds a path of this machine, and other machines follow it elsewhere.
 */
import { readlinkSync } from "node:fs";
import { isAbsolute, join, normalize } from "node:path";
import type { BoundedGit } from "../bounded-git.ts";
import { decodeBytes, diskPath } from "../byte-text.ts";
import { statOf } from "./attempt-folder.ts";
import type { OwnChange } from "./own-changes.ts";
import type { TreeListing } from "./tree-git.ts";

/** What is wrong with the first such link, or undefined. */
export async function outsideLinkProblem(
  objects: BoundedGit,
  tree: string,
  { changed, untracked }: TreeListing,
  commits: readonly OwnChange[],
): Promise<string | undefined> {
  for (const path of [...changed, ...untracked]) {
    const file = join(tree, path);
    if (!statOf(file)?.isSymbolicLink()) continue;
    const target = decodeBytes(readlinkSync(diskPath(file), "buffer"));
    if (leavesTree(path, target)) return problem(path, target);
  }
  for (const { path, mode, id } of commits) {
    if (mode !== "120000") continue;
    const target = await objects.text(["cat-file", "blob", id]);
    if (leavesTree(path, target)) return problem(path, target);
  }
  return undefined;
}

/** A relative link starts at the folder that it is in. */
export const leavesTree = (path: string, target: string): boolean =>
  isAbsolute(target) || normalize(join(path, "..", target)).split("/")[0] === "..";

const problem = (path: string, target: string): string =>
  `${path} is a link to ${target}, outside the tree; let .gitignore list it, or link to a path of the tree`;
