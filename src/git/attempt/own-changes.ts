/**
 * Lists what the commits of a script changed themselves.
 *
 * Invariants:
 * - Commits of trusted refs do not count, nor what a merge takes over from them unchanged.
 * - Each path counts once, as the newest commit has it.
 */
import type { Sha } from "../../core/protocol/ids.ts";
import type { BoundedGit } from "../bounded-git.ts";

export interface OwnChange {
  readonly path: string;
  /** The mode and the id in the newest commit; `000000` for a path that is gone. */
  readonly mode: string;
  readonly id: string;
}

/** `objects` has no tree whose .gitmodules could hide a link. */
export async function listOwnChanges(objects: BoundedGit, base: Sha, head: Sha): Promise<OwnChange[]> {
  if (base === head) return [];
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
  const range = [`${base}..${head}`, "--not", "--branches", "--tags", "--remotes"];
  const fields = (await objects.with({ settings }).text(["log", "-r", ...format, ...range])).split("\0");
  const changes = new Map<string, OwnChange>();
  for (const [at, field] of fields.entries()) {
    // A merge has one colon, old mode and old id for each of its parents.
    const [, colons = "", rest = ""] = /^\s*(:+)([0-7]{6} [^]*)$/.exec(field) ?? [];
    const words = rest.split(" ");
    const [mode, id, path] = [words[colons.length], words[2 * colons.length + 1], fields[at + 1]];
    if (mode === undefined || id === undefined || path === undefined || changes.has(path)) continue;
    changes.set(path, { path, mode, id });
  }
  return [...changes.values()];
}
