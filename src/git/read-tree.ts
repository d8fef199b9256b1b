/** Reads the entries of a tree object. */
import type { Sha } from "../core/protocol/ids.ts";
import { type Git, GitExit } from "./git.ts";
import { requireSha } from "./parse-output.ts";
import { sessionsOf } from "./sessions.ts";

export interface TreeEntry {
  /** As in the object, without leading zeros. */
  readonly mode: string;
  readonly name: string;
  readonly id: Sha;
}

export const FILE = "100644";
export const PROGRAM = "100755";
export const TREE = "40000";

/** The entries of a tree, by its id or by another name of it. Throws GitExit when it is not there. */
export async function readTree(git: Git, name: string): Promise<TreeEntry[]> {
  const [tree] = await sessionsOf(git).objects.session.contents([name]);
  if (tree?.type !== "tree") throw new GitExit(["cat-file"], 128, `fatal: there is no tree ${name}`);
  const { bytes } = tree;
  const idLength = tree.id.length / 2;
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(" ", at);
    const end = bytes.indexOf(0, space);
    const next = end + 1 + idLength;
    const id = requireSha(bytes.toString("hex", end + 1, next));
    entries.push({
      mode: bytes.toString("latin1", at, space),
      name: bytes.toString("utf8", space + 1, end),
      id,
    });
    at = next;
  }
  return entries;
}
