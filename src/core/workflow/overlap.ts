/**
 * Decides whether two globs can match the same path.
 *
 * Invariants:
 * - Never returns false if a path matches both. May return true if none does: waiting for a sibling
 *   is cheaper than a merge conflict.
 * - A path without wildcards also covers everything below it.
 */
import picomatch from "picomatch/posix.js";

const MAGIC = /[*?[\]\\]/;
/** Alternatives may contain slashes, and `!` negates a glob. Such a part may match anything. */
const ANYTHING = /[{}()!|]/;

/** True if some path may match both globs. */
export function globsMeet(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  const seen = new Map<number, boolean>();
  const meet = (i: number, j: number): boolean => {
    const at = i * (b.length + 1) + j;
    const known = seen.get(at);
    if (known !== undefined) return known;
    const found = meetAt(i, j);
    seen.set(at, found);
    return found;
  };
  const meetAt = (i: number, j: number): boolean => {
    const [x, y] = [a[i], b[j]];
    if (x === "**" && (meet(i + 1, j) || (y !== undefined && meet(i, j + 1)))) return true;
    if (y === "**" && (meet(i, j + 1) || (x !== undefined && meet(i + 1, j)))) return true;
    if (x === undefined) return y === undefined || a.every(isPlain);
    if (y === undefined) return b.every(isPlain);
    return partsMeet(x, y) && meet(i + 1, j + 1);
  };
  return meet(0, 0);
}

/** True if a glob of one list overlaps a glob of the other. */
export const listsMeet = (one: readonly string[], other: readonly string[]): boolean =>
  one.some((a) => other.some((b) => globsMeet(a, b)));

function partsOf(glob: string): string[] {
  const parts = glob.split("/").filter((part) => part !== "" && part !== ".");
  const odd = parts.findIndex((part) => ANYTHING.test(part));
  return odd < 0 ? parts : [...parts.slice(0, odd), "**"];
}

const isPlain = (part: string): boolean => !MAGIC.test(part);

function partsMeet(one: string, other: string): boolean {
  if (one === "**" || other === "**") return true;
  if (isPlain(one)) return one === other || (!isPlain(other) && picomatch(other, { dot: true })(one));
  if (isPlain(other)) return picomatch(one, { dot: true })(other);
  const [headA, headB] = [one, other].map((part) => part.split(MAGIC)[0] ?? "") as [string, string];
  const [tailA, tailB] = [one, other].map((part) => part.split(MAGIC).at(-1) ?? "") as [string, string];
  return (
    (headA.startsWith(headB) || headB.startsWith(headA)) && (tailA.endsWith(tailB) || tailB.endsWith(tailA))
  );
}
