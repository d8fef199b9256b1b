/**
 * Reads what a script did to submodules, and judges links to their commits.
 *
 * Invariants:
 * - A response may link to a commit only if others have it: a ref of the trusted repository links to it, or
 *   the submodule's remote has it. Any other commit would be gone with the attempt.
 * - The configuration of a submodule is only read to find its commit, by a git that gets no secret.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { BoundedGit } from "../bounded-git.ts";
import { GitExit } from "../git.ts";
import { isFolder, statOf, type AttemptFolder } from "./attempt-folder.ts";
import type { AttemptGits } from "./attempt.ts";
import { LINK, listTree, type IndexEntry } from "./tree-git.ts";

/** Ends the descent into submodules of submodules. */
const LONGEST_INDEX = 500;

/** A link to a commit of another repository. */
export interface Link {
  readonly path: string;
  readonly id: string;
}

export const linksIn = (entries: ReadonlyMap<string, IndexEntry>): Link[] =>
  [...entries].flatMap(([path, { mode, id }]) => (mode === LINK ? [{ path, id }] : []));

export interface SubmoduleState {
  /** Folders of submodules, which git must not enter. */
  readonly present: readonly string[];
  /** Links whose folder was removed. */
  readonly removed: readonly string[];
  /** Folders with edits that are in no commit. */
  readonly edited: readonly string[];
  /** Folders with another commit than their link. */
  readonly moved: readonly Link[];
}

/** Compares the folders of submodules with their links. */
export async function readSubmodules(
  { own, trusted }: Pick<AttemptGits, "own" | "trusted">,
  { tree, folder: attempt }: Pick<AttemptFolder, "folder" | "tree">,
  links: readonly Link[],
): Promise<SubmoduleState> {
  const state = {
    present: [] as string[],
    removed: [] as string[],
    edited: [] as string[],
    moved: [] as Link[],
  };
  for (const { path, id } of links) {
    const folder = join(tree, path);
    const stats = statOf(folder);
    if (!stats) state.removed.push(path);
    // A file in its place becomes a file of the tree.
    if (!stats?.isDirectory()) continue;
    state.present.push(path);
    // Submodules start empty.
    if (!statOf(join(folder, ".git"))) continue;
    const head = await readHead(own, trusted, folder, join(attempt, "submodule-index"));
    if (head === undefined) state.edited.push(path);
    else if (head !== id) state.moved.push({ path, id: head });
  }
  return state;
}

/**
 * The commit of a submodule's folder; undefined when its files differ from that. The files are compared by
 * the trusted git, with the objects of the submodule: a filter that its configuration names does not run.
 */
async function readHead(
  own: BoundedGit,
  trusted: BoundedGit,
  folder: string,
  index: string,
): Promise<string | undefined> {
  const inside = own.with({ dir: folder, env: { GIT_CEILING_DIRECTORIES: join(folder, "..") } });
  const options = [
    "--path-format=absolute",
    "--git-path",
    "objects",
    "--git-path",
    "info/exclude",
    "HEAD^{commit}",
  ];
  rmSync(index, { force: true });
  try {
    const output = await inside.text(["rev-parse", ...options]);
    const [objects = "", exclude = "", head = ""] = output.trim().split("\n");
    const compare = trusted.with({
      dir: folder,
      env: { GIT_WORK_TREE: folder, GIT_INDEX_FILE: index, GIT_OBJECT_DIRECTORY: objects },
      settings: [["core.excludesFile", exclude]],
    });
    await compare.run(["read-tree", head]);
    const { tracked, changed, untracked, nested } = await listTree(compare);
    if (changed.length + untracked.length + nested.length > 0) return undefined;
    for (const { path, id } of linksIn(tracked)) {
      if (!isFilled(folder, path)) continue;
      // Each level needs an index of its own, and a file name has an end.
      const inner =
        index.length < LONGEST_INDEX
          ? await readHead(own, trusted, join(folder, path), `${index}-`)
          : undefined;
      if (inner !== id) return undefined;
    }
    return head;
  } catch (error) {
    if (error instanceof GitExit) return undefined;
    throw error;
  }
}

/** True for a repository that no link leads to. */
function isFilled(folder: string, path: string): boolean {
  const parts = path.split("/");
  const isPlain = parts.every((_, at) => isFolder(join(folder, ...parts.slice(0, at + 1))));
  return isPlain && statOf(join(folder, path, ".git")) !== undefined;
}
