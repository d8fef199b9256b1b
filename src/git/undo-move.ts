/**
 * Undoes a move of a checkout's files that was interrupted in the middle.
 *
 * Invariants:
 * - Before the move the checkout was clean, so a file that is the new one, or its beginning, is not a person's.
 * - Every other file is left as it is.
 */
import { lstatSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LockPlan } from "./lock-plan.ts";
import { checkoutGitOf } from "./checkouts.ts";
import type { Git } from "./git.ts";

type Move = NonNullable<LockPlan["moves"]>[number];

/** The files are those of `from` afterwards, but for what a person changed. */
export async function undoMove(repositoryGit: Git, move: Move): Promise<void> {
  const { dir, from, to } = move;
  const git = checkoutGitOf(repositoryGit, move);
  const isMoved = await git.run(["diff-index", "--cached", "--quiet", to, "--"], { allowedCodes: [1, 128] });
  // The index is written last.
  if (isMoved.code === 0) return;
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--name-status", "--diff-filter=AMT", from, to];
  const fields = (await git.text(args)).split("\0");
  const restored: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const path = fields[at + 1] ?? "";
    if (!(await isBeginningOf(git, dir, path, `${to}:${path}`))) continue;
    if (fields[at] === "A") rmSync(join(dir, path));
    else restored.push(path);
  }
  if (restored.length > 0)
    await git.run(["checkout-index", "--force", "-z", "--stdin"], { stdin: `${restored.join("\0")}\0` });
}

/** True when the file at a path is the beginning of this one, or all of it. */
async function isBeginningOf(git: Git, dir: string, path: string, name: string): Promise<boolean> {
  const found = contentAt(dir, path);
  if (found === undefined) return false;
  const content = await git.bytes(["cat-file", "--filters", name]);
  return content.subarray(0, found.length).equals(found);
}

/** The content of a file, or the target of a link; undefined below a link, and for anything else. */
function contentAt(dir: string, path: string): Buffer | undefined {
  const parts = path.split("/");
  for (let length = 1; length < parts.length; length++) {
    const folder = join(dir, ...parts.slice(0, length));
    if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  }
  const file = join(dir, path);
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats?.isSymbolicLink()) return readlinkSync(file, { encoding: "buffer" });
  return stats?.isFile() ? readFileSync(file) : undefined;
}
