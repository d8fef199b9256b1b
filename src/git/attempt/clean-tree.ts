/**
 * Makes the tree of an ended attempt clean: what its index does not hold is moved away.
 *
 * Invariants:
 * - The folders themselves are read, because git lists no pipes, and nothing that is called `.git`.
 * - git afterwards compares each file with the index by its times. It sees no change of a mode within the
 *   second of the checkout, so modes are compared here.
 * - No process works in the tree. A link in the place of a folder is never followed.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, type Dirent } from "node:fs";
import { dirname, join } from "node:path";
import type { BoundedGit } from "../bounded-git.ts";
import { isFolder, statOf, type AttemptFolder } from "./attempt-folder.ts";
import { LINK } from "./tree-git.ts";

/** False: it cannot be made clean. `git` works with the index of this tree. */
export async function cleanTree(
  { folder, tree }: Pick<AttemptFolder, "folder" | "tree">,
  git: BoundedGit,
): Promise<boolean> {
  if (!isFolder(tree)) return false;
  const content = await readContent(git);
  if (!content) return false;
  const aside = join(folder, "others");
  mkdirSync(aside);
  let count = 0;
  const moveAside = (path: string) => {
    // A folder can only be moved elsewhere if it may be written to.
    if (isFolder(path)) chmodSync(path, 0o700);
    renameSync(path, join(aside, String(++count)));
  };
  chmodSync(tree, 0o700);
  const folders = [""];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    for (const entry of readdirSync(join(tree, path), { withFileTypes: true })) {
      const inner = path === "" ? entry.name : `${path}/${entry.name}`;
      const use = useOf(content, inner, entry);
      if (use === "move" || (use === "keep" && hasOtherMode(join(tree, inner), content.files.get(inner))))
        moveAside(join(tree, inner));
      if (use === "enter") {
        restoreMode(join(tree, inner));
        folders.push(inner);
      }
    }
  }
  return true;
}

interface IndexContent {
  /** Each file with its mode. */
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlySet<string>;
}

/** What an index holds besides submodules, whose folders a checkout creates. Undefined: names are not UTF-8. */
async function readContent(git: BoundedGit): Promise<IndexContent | undefined> {
  const lines = (await git.text(["ls-files", "-z", "--stage"])).split("\0");
  const files = new Map<string, string>();
  const folders = new Set<string>();
  for (const line of lines) {
    const path = line.slice(line.indexOf("\t") + 1);
    if (path.includes("\ufffd")) return undefined;
    if (line === "" || line.startsWith(LINK)) continue;
    files.set(path, line.slice(0, line.indexOf(" ")));
    addFolders(folders, dirname(path));
  }
  return { files, folders };
}

function addFolders(folders: Set<string>, folder: string): void {
  if (folder === "." || folders.has(folder)) return;
  folders.add(folder);
  addFolders(folders, dirname(folder));
}

/** git tells the kinds of files apart, but opens what it takes for a file. */
function useOf({ files, folders }: IndexContent, path: string, entry: Dirent): "enter" | "keep" | "move" {
  if (entry.isDirectory()) return folders.has(path) ? "enter" : "move";
  return files.has(path) && (entry.isFile() || entry.isSymbolicLink()) ? "keep" : "move";
}

/** True for a file whose mode a checkout would not give it. */
function hasOtherMode(path: string, mode: string | undefined): boolean {
  const stats = statOf(path);
  const expected = (mode === "100755" ? 0o777 : 0o666) & ~process.umask();
  return stats?.isFile() === true && (stats.mode & 0o7777) !== expected;
}

/** Gives a folder the mode that a checkout gives it. */
function restoreMode(path: string): void {
  const mode = 0o777 & ~process.umask();
  if (((statOf(path)?.mode ?? 0) & 0o7777) !== mode) chmodSync(path, mode);
}
