/** Texts so large that a step that is worse than linear takes minutes for one, and a linear step well under a second. */
import { expect } from "vitest";
import { processorSeconds } from "../processor-time.ts";
import { cases } from "../scale.ts";

export const LARGE = cases(1_000_000);

/** One line, or a few, repeated to the length of a large text. */
export const repeat = (part: string, length = LARGE): string => part.repeat(Math.ceil(length / part.length));

/** Fails when the work takes far longer than a linear step does, in time of the processor. */
export function expectLinear(work: () => void): void {
  expect(processorSeconds(work)).toBeLessThan((LARGE / 1_000_000) * 15);
}
