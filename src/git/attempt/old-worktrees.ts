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
import { isFolder, type AttemptFolder, type RunRecord } from "./attempt-folder.ts";
import { readSmall } from "./own-git.ts";
import { OWNER, TAKEN } from "./runner-folders.ts";

export interface OldWorktree {
  /** It has no git directory of its own. */
  readonly folder: AttemptFolder;
  readonly record: RunRecord;
  /** The commit that was checked out there, which is in the trusted repository. */
  readonly head: Sha | undefined;
}

/** Moves the folders of runners that are gone below `own`, and returns their names. */
export function takeOldRunners(root: string, own: string, isGone: (owner: unknown) => boolean): string[] {
  if (!existsSync(root)) return [];
  const gone = readdirSync(root).filter((name) => {
    const owner = readJson(join(root, name, OWNER));
    return owner !== undefined && isGone(owner);
  });
  // A runner that died while it cleaned up for another one has the other's name in its folder.
  const others = gone.flatMap((name) =>
    readdirSync(join(root, name)).flatMap((file) =>
      file.endsWith(TAKEN) ? [file.slice(0, -TAKEN.length)] : [],
    ),
  );
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

/** The worktrees of a runner whose folder was moved here, with their runs. */
export function readOldWorktrees(runner: string, root: string, commonDir: string): OldWorktree[] {
  const name = basename(runner);
  const sides = readdirSync(runner).filter((side) => isFolder(join(runner, side)));
  return sides.flatMap((sideName): OldWorktree[] => {
    const side = join(runner, sideName);
    const record = readJson(join(side, "run.json")) as RunRecord | undefined;
    const treeName = `tree-${name}-${sideName}`;
    const tree = join(side, treeName);
    if (!record || !isFolder(tree)) return [];
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
    return [{ folder, record, head }];
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
