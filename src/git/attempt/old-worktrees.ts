/**
 * Finds what runners of older versions left: linked worktrees of the trusted repository.
 *
 * Invariants:
 * - `git worktree` is not used, because one broken record makes it fail for all worktrees.
 * - Only records that lead into our own cache are removed.
 * - A folder is moved into that of the runner that cleans it up. Should that runner die, the next one finds it there.
 */
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join, sep } from "node:path";
import { parseSha, type Sha } from "../../core/protocol/ids.ts";
import { readJson } from "../read-json.ts";
import { isFolder, readRecord, statOf, type AttemptFolder, type RunRecord } from "./attempt-folder.ts";
import { readSmall } from "./own-git.ts";
import { OWNER, TAKEN } from "./runner-folders.ts";

export interface OldWorktree {
  /** It has no git directory of its own. */
  readonly folder: AttemptFolder;
  /** Undefined: it cannot be read. */
  readonly record: RunRecord | undefined;
  /** The commit that was checked out there, which is in the trusted repository. */
  readonly head: Sha | undefined;
}

/** Moves the folders of runners that are gone below `own`, and returns their names. */
export function takeOldRunners(root: string, own: string, isGone: (owner: unknown) => boolean): string[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root);
  const taken = new Set(names.flatMap((name) => takenBy(join(root, name))));
  // A folder whose owner's name another runner took is cleaned up by that one.
  // A living runner of an older version creates its folder under a name with a dot, before its own name.
  const isDue = (name: string) => !name.startsWith(".") && !taken.has(name);
  const gone = names.filter((name) => isDue(name) && isGone(readJson(join(root, name, OWNER))));
  // A runner that died while it cleaned up for another one has the other's name in its folder.
  const others = gone.flatMap((name) => takenBy(join(root, name)));
  return [...gone, ...others].filter((name) => {
    try {
      renameSync(join(root, name), join(own, name));
      return true;
    } catch {
      // Another runner was faster.
      return false;
    }
  });
}

/** The runners whose owner's names this one took. */
const takenBy = (runner: string): string[] =>
  (isFolder(runner) ? readdirSync(runner) : []).flatMap((file) =>
    file.endsWith(TAKEN) ? [file.slice(0, -TAKEN.length)] : [],
  );

/** The worktrees of a runner whose folder was moved here, with their runs. */
export function readOldWorktrees(runner: string, root: string, commonDir: string): OldWorktree[] {
  const name = basename(runner);
  const sides = isFolder(runner) ? readdirSync(runner).filter((side) => isFolder(join(runner, side))) : [];
  return sides.flatMap((sideName): OldWorktree[] => {
    const side = join(runner, sideName);
    const treeName = `tree-${name}-${sideName}`;
    const tree = join(side, treeName);
    // Between two runs, a worktree has no record, and nothing to save.
    if (statOf(join(side, "run.json")) === undefined || !isFolder(tree)) return [];
    const [gitDir] = recordsBelow(commonDir, join(root, name, sideName, treeName));
    const head = gitDir === undefined ? undefined : parseSha(readSmall(join(gitDir, "HEAD"))?.trim() ?? "");
    const folder: AttemptFolder = {
      folder: side,
      tree,
      gitDir: join(side, "none"),
      index: join(side, "index"),
      refs: join(side, "none"),
      side,
      record: join(side, "run.json"),
    };
    return [{ folder, record: readRecord(folder), head }];
  });
}

/** Removes git's records of the worktrees that the runner had below `root`. */
export function removeRecords(commonDir: string, root: string, runner: string): void {
  const records = recordsBelow(commonDir, join(root, basename(runner)));
  for (const record of records) rmSync(record, { recursive: true, force: true });
}

/** git names a record after the folder of its worktree, and a death may have left its link empty. */
function recordsBelow(commonDir: string, folder: string): string[] {
  const records = join(commonDir, "worktrees");
  return (existsSync(records) ? readdirSync(records) : []).flatMap((id) => {
    const path = join(records, id);
    const link = readSmall(join(path, "gitdir"))?.trim() ?? "";
    const isOurs =
      link === "" ? id.startsWith(`tree-${basename(folder)}-`) : `${link}${sep}`.startsWith(folder + sep);
    return isOurs ? [path] : [];
  });
}
