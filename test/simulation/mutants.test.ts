/** The simulation detects every mutant of the runner. */
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { loadSimulation } from "./bundle.ts";
import { MUTANTS } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The known seed detects a mutant at once. After a change of the runner, one of the next seeds does. */
const SEEDS = 1000;

it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))("detects: %s", async (_, mutant) => {
  const { simulate } = await loadSimulation(ROOT, mutant);
  for (let seed = mutant.seed; seed < mutant.seed + SEEDS; seed++) {
    if ((await simulate(seed)).violations.length > 0) return;
  }
  throw new Error(`${SEEDS} seeds from ${mutant.seed} did not detect the mutant`);
});
