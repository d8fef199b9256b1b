/**
 * Lists what the commits of a script changed themselves.
 *
 * Invariants:
 * - Commits of trusted refs do not count, nor what a merge takes over from them unchanged.
 */
import type { Sha } from "../../core/protocol/ids.ts";
import type { BoundedGit } from "../bounded-git.ts";

export interface OwnChange {
  readonly path: string;
  /** The mode and the id in the commit; `000000` for a path that is gone. */
  readonly mode: string;
  readonly id: string;
}

/** Each path once, as the newest commit has it. `objects` has no tree whose .gitmodules could hide a link. */
export async function listOwnChanges(objects: BoundedGit, base: Sha, head: Sha): Promise<OwnChange[]> {
  if (base === head) return [];
  return newestOf(await listEachChange(objects, [head], base));
}

/** Each path once, as the newest commit has it. */
export function newestOf(changes: readonly OwnChange[]): OwnChange[] {
  const newest = new Map<string, OwnChange>();
  for (const change of changes) if (!newest.has(change.path)) newest.set(change.path, change);
  return [...newest.values()];
}

/** What each commit changed, newest first. */
export async function listEachChange(
  objects: BoundedGit,
  heads: readonly Sha[],
  base: Sha | undefined,
): Promise<OwnChange[]> {
  const format = [
    "-c",
    "--format=",
    "-z",
    "--raw",
    "--no-abbrev",
    "--no-renames",
    "--ignore-submodules=none",
  ];
  const settings = [
    ["log.showRoot", "true"],
    ["log.follow", "false"],
  ] as const;
  const known = ["--not", ...(base === undefined ? [] : [base]), "--branches", "--tags", "--remotes"];
  const range = [...heads, ...known];
  const fields = (await objects.with({ settings }).text(["log", "-r", ...format, ...range])).split("\0");
  const changes: OwnChange[] = [];
  for (const [at, field] of fields.entries()) {
    // A merge has one colon, old mode and old id for each of its parents.
    const [, colons = "", rest = ""] = /^\s*(:+)([0-7]{6} [^]*)$/.exec(field) ?? [];
    const words = rest.split(" ");
    const [mode, id, path] = [words[colons.length], words[2 * colons.length + 1], fields[at + 1]];
    if (mode === undefined || id === undefined || path === undefined) continue;
    changes.push({ path, mode, id });
  }
  return changes;
}
