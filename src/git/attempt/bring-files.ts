/**
 * Copies files of the person into the tree of an attempt, such as a `.env` that git ignores.
 *
 * Invariants:
 * - Only files that the trusted workflow names. A link never counts, at the source or in the tree.
 * - What was brought is recorded before the script starts, and never becomes part of a commit.
 */
import { appendFileSync, constants, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { diskPath } from "../byte-text.ts";
import { blobId } from "../copy-files.ts";
import { isPlainFile, statOf, type AttemptFolder, type BroughtFile } from "./attempt-folder.ts";
import { isInside, type TreeListing } from "./tree-git.ts";

/** Copies the files that exist, and tells the script's git to ignore them. */
export function bringFiles(
  paths: readonly string[],
  source: string,
  { tree, gitDir }: Pick<AttemptFolder, "gitDir" | "tree">,
  idLength: number,
): BroughtFile[] {
  const brought = paths.flatMap((path): BroughtFile[] => {
    if (!isInside(path) || !isPlainFile(source, path) || !isFree(tree, path)) return [];
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    copyFileSync(join(source, path), join(tree, path), constants.COPYFILE_EXCL);
    const bytes = readFileSync(join(tree, path));
    return [{ path, id: blobId(bytes, idLength), size: bytes.length }];
  });
  if (brought.length === 0) return [];
  const exclude = join(gitDir, "info/exclude");
  const text = brought.map(({ path }) => `/${path.replace(/[\\*?[\]!# ]/g, "\\$&")}\n`).join("");
  if (statOf(exclude)) appendFileSync(exclude, `\n${text}`);
  else writeFileSync(exclude, text);
  return brought;
}

/** The changed files that were brought, or have the content of one that was. */
export function findBroughtFiles(
  tree: string,
  { changed, untracked }: Pick<TreeListing, "changed" | "untracked">,
  brought: readonly BroughtFile[] = [],
): string[] {
  if (brought.length === 0) return [];
  return [...changed, ...untracked].filter((path) => {
    if (brought.some((one) => one.path === path)) return true;
    const stats = statOf(join(tree, path));
    const alike = stats?.isFile() ? brought.filter(({ size }) => size > 0 && size === stats.size) : [];
    if (alike.length === 0) return false;
    const bytes = readFileSync(diskPath(join(tree, path)));
    return alike.some(({ id }) => blobId(bytes, id.length) === id);
  });
}

/** True when nothing is at the path, and no part of it is a link: the tree comes from the pushed branch. */
function isFree(root: string, path: string): boolean {
  const parts = path.split("/");
  return parts.every((_, at) => {
    const stats = statOf(join(root, ...parts.slice(0, at + 1)));
    return stats === undefined || (at < parts.length - 1 && stats.isDirectory());
  });
}
