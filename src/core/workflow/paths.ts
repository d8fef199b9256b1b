/**
 * Which paths a piece of work may change.
 *
 * What must hold: a plain path means all that is below it too; a glob means what git's own people
 * expect of it; whether a glob lies within others is answered "no" when it is not certain.
 */
import picomatch from "picomatch/posix.js";
import { globsMeet } from "./overlap.ts";

/** The paths that no glob covers. */
export function pathsOutside(paths: readonly string[], globs: readonly string[]): string[] {
  const covers = covering(globs);
  return paths.filter((path) => !covers(path));
}

/** The paths that some glob covers. */
export function pathsInside(paths: readonly string[], globs: readonly string[]): string[] {
  return globs.length === 0 ? [] : paths.filter(covering(globs));
}

/** No glob covers nothing. */
function covering(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => false;
  const all = globs.flatMap((glob) => (isPlain(glob) ? [glob, `${glob.replace(/\/+$/, "")}/**`] : [glob]));
  // A name may hold line breaks, and must not slip past `**` by one.
  return picomatch(all, { dot: true, flags: "s" });
}

/** The first glob of one list that may meet one of another; undefined: they surely do not. */
export function findOverlap(these: readonly string[], those: readonly string[]): string | undefined {
  return these.find((one) => those.some((other) => globsMeet(one, other)));
}

/** True when all that a glob covers is surely covered by a list. */
export function isWithin(glob: string, globs: readonly string[]): boolean {
  const fixed = stem(glob);
  const isBelow = (other: string) => isOpen(other) && `${fixed}/`.startsWith(folder(other));
  return globs.some((other) => other === glob || isBelow(other)) || (isPlain(glob) && covering(globs)(glob));
}

const isPlain = (glob: string): boolean => !/[*?[\]{}()!|@+\\]/.test(glob);
/** A plain path, or everything below one. */
const isOpen = (glob: string): boolean => isPlain(glob.replace(/\/\*\*$/, ""));
const folder = (glob: string): string => `${glob.replace(/\/?(?:\*\*)?$/, "")}/`;
/** What stands before the first wild card. */
const stem = (glob: string): string => /^[^*?[\]{}()!|@+\\]*/.exec(glob)?.[0].replace(/\/$/, "") ?? "";
