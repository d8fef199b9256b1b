/** Rings in what waits for what. */

/** The way from one thing back to itself along what each waits for; undefined when there is none. */
export function findRing<T>(from: T, next: (one: T) => readonly T[]): T[] | undefined {
  const seen = new Set<T>();
  const visit = (one: T, path: readonly T[]): T[] | undefined => {
    for (const to of next(one)) {
      if (to === from) return [...path, to];
      if (seen.has(to)) continue;
      seen.add(to);
      const ring = visit(to, [...path, to]);
      if (ring) return ring;
    }
    return undefined;
  };
  return visit(from, [from]);
}
