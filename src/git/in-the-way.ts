/**
 * Finds a file that a checkout would lose when it follows its branch.
 *
 * What must hold: only what the old commit has may be replaced. git itself takes no care of files
 * that it ignores, and those are the very ones that nobody can bring back.
 */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../core/text/ids.ts";
import type { Git } from "./exec.ts";

/** The first such path; undefined when there is none. `git` works in the checkout. */
export async function findInTheWay(git: Git, from: Sha, to: Sha): Promise<string | undefined> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--name-status", from, to];
  const fields = (await git.text(args)).split("\0");
  const pathsOf = (status: string) => fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === status);
  const gone = new Set(pathsOf("D"));
  return pathsOf("A").find((path) => isInTheWay(git.place.dir, path, gone));
}

function isInTheWay(dir: string, path: string, gone: ReadonlySet<string>): boolean {
  const parts = path.split("/");
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join("/");
    const found = lstatSync(join(dir, part), { throwIfNoEntry: false });
    if (!found || gone.has(part)) return false;
    if (!found.isDirectory()) return true;
  }
  return holdsMore(dir, path, gone);
}

/** True for a folder with anything but files that go. */
function holdsMore(dir: string, folder: string, gone: ReadonlySet<string>): boolean {
  return readdirSync(join(dir, folder), { withFileTypes: true }).some((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? holdsMore(dir, path, gone) : !gone.has(path);
  });
}
