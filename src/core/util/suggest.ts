/** The nearest known word to a mistyped one, for "did you mean". */
import { closest, distance } from "fastest-levenshtein";

/** Returns the nearest candidate, or undefined when none is near enough to be a slip of the hand. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || word.length > 64) return undefined;
  const found = closest(word, candidates);
  return distance(word, found) <= Math.max(2, Math.floor(found.length / 3)) ? found : undefined;
}
