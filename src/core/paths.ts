/**
 * Which paths a piece of work may change.
 *
 * What must hold: a glob that names a folder means all that is below it; whether two globs can meet is
 * answered "yes" when it is not certain that they cannot.
 */
import picomatch from "picomatch/posix.js";

/** The paths that no glob covers. */
export function outside(paths: readonly string[], globs: readonly string[]): string[] {
  const covers = covering(globs);
  return paths.filter((path) => !covers(path));
}

/** The paths that some glob covers. */
export function inside(paths: readonly string[], globs: readonly string[]): string[] {
  return globs.length === 0 ? [] : paths.filter(covering(globs));
}

function covering(globs: readonly string[]): (path: string) => boolean {
  return picomatch(
    globs.flatMap((glob) => [glob, `${glob.replace(/\/+$/, "")}/**`]),
    { dot: true },
  );
}

/** The first glob of one list that may meet one of another; undefined: they surely do not. */
export function findOverlap(these: readonly string[], those: readonly string[]): string | undefined {
  return these.find((one) => those.some((other) => mayMeet(one, other)));
}

/** True when all that a glob covers is surely covered by a list. */
export function isWithin(glob: string, globs: readonly string[]): boolean {
  const fixed = stem(glob);
  return (
    globs.some((other) => other === glob || (isOpen(other) && fixed.startsWith(stem(other)))) ||
    covering(globs)(fixed)
  );
}

/** A folder, or everything below one. */
const isOpen = (glob: string): boolean => /^[^*?[{(!+@]*(?:\/\*\*)?$/.test(glob);

function mayMeet(one: string, other: string): boolean {
  const [a, b] = [stem(one), stem(other)];
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (!long.startsWith(short)) return false;
  // `src/auth` and `src/author` begin alike and are two.
  const whole = a.length <= b.length ? one : other;
  if (!isGlob(whole) && long !== short && !short.endsWith("/") && long[short.length] !== "/") return false;
  const [x, y] = [ending(one), ending(other)];
  return x === "" || y === "" || x.endsWith(y) || y.endsWith(x);
}

const isGlob = (text: string): boolean => /[*?[{(!+@]/.test(text);
/** What stands before the first wild card. */
const stem = (glob: string): string => /^[^*?[{(!+@]*/.exec(glob)?.[0] ?? "";
/** What stands after the last wild card; nothing where the glob may go on below it. */
function ending(glob: string): string {
  return isGlob(glob) ? (/[^*?\]})]*$/.exec(glob)?.[0] ?? "") : "";
}
