/** Suggests the known word that a mistyped one probably means. */
import { closest, distance } from "fastest-levenshtein";

/** Undefined if no candidate is near enough to be a typing error. */
export function suggest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0 || word.length > 64) return undefined;
  const nearest = closest(word, candidates);
  return distance(word, nearest) <= Math.max(2, Math.floor(nearest.length / 3)) ? nearest : undefined;
}

/** The suggestion as the end of a sentence; empty without one. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const suggestion = suggest(word, candidates);
  return suggestion === undefined ? "" : `; did you mean "${suggestion}"?`;
}
