/**
 * Matches paths against the globs that a piece of work may or may not change.
 *
 * Invariants:
 * - A path without wildcards also covers everything below it.
 * - `isWithin` returns false unless it is certain.
 */
import picomatch from "picomatch/posix.js";
import { globsMeet } from "./overlap.ts";

/** The paths that are covered by none of the globs. */
export function pathsOutside(paths: readonly string[], globs: readonly string[]): string[] {
  const covers = covering(globs);
  return paths.filter((path) => !covers(path));
}

/** The paths that are covered by at least one glob. */
export function pathsInside(paths: readonly string[], globs: readonly string[]): string[] {
  return globs.length === 0 ? [] : paths.filter(covering(globs));
}

/** A matcher for any of the globs. Without globs it matches nothing. */
function covering(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const all = globs.flatMap((glob) => (isPlain(glob) ? [glob, `${glob.replace(/\/+$/, "")}/**`] : [glob]));
  // Flag `s`: a line break in a file name must not defeat `**`.
  return picomatch(all, { dot: true, flags: "s" });
}

/** The first glob of one list that may share a path with the other list; undefined if none can. */
export function findOverlap(these: readonly string[], those: readonly string[]): string | undefined {
  return these.find((one) => those.some((other) => globsMeet(one, other)));
}

/** True if the list certainly covers everything that the glob covers. */
export function isWithin(glob: string, globs: readonly string[]): boolean {
  const fixed = stem(glob);
  const isBelow = (other: string) => isOpen(other) && `${fixed}/`.startsWith(folder(other));
  return globs.some((other) => other === glob || isBelow(other)) || (isPlain(glob) && covering(globs)(glob));
}

const isPlain = (glob: string): boolean => !/[*?[\]{}()!|@+\\]/.test(glob);
/** A plain path, or a plain path and `/**`. */
const isOpen = (glob: string): boolean => isPlain(glob.replace(/\/\*\*$/, ""));
const folder = (glob: string): string => `${glob.replace(/\/?(?:\*\*)?$/, "")}/`;
/** The part before the first wildcard. */
const stem = (glob: string): string => /^[^*?[\]{}()!|@+\\]*/.exec(glob)?.[0].replace(/\/$/, "") ?? "";
