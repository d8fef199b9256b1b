/** Provides texts so large that linear work takes under a second, and quadratic work takes minutes. */
import { expect } from "vitest";
import { processorSeconds } from "../processor-time.ts";
import { cases } from "../scale.ts";

export const LARGE = cases(1_000_000);

/** Repeats a part to the length of a large text. */
export const repeat = (part: string, length = LARGE): string => part.repeat(Math.ceil(length / part.length));

/** Fails if the work takes far more processor time than linear work. */
export function expectLinear(work: () => void): void {
  expect(processorSeconds(work)).toBeLessThan((LARGE / 1_000_000) * 15);
}
