/** Each rule that a mutant takes out of the runner's source is one that the simulation checks. */
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { load } from "./bundle.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The known seed detects a mutant at once; after a change of the runner, one of the next does. */
const SEEDS = 1000;

it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))("detects: %s", async (_, mutant) => {
  const { simulate } = await load(ROOT, mutant);
  for (let seed = mutant.seed; seed < mutant.seed + SEEDS; seed++) {
    if ((await simulate(seed)).violations.length > 0) return;
  }
  throw new Error(`${SEEDS} seeds from ${mutant.seed} did not detect the mutant`);
});
