/** Looks for a schedule that notices a rule that was taken out. */
import { fileURLToPath } from "node:url";
import { load } from "./bundle.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Seeds within which a mutant must be noticed. */
const PATIENCE = 1000;

export async function expectNoticed(mutant: Mutant): Promise<void> {
  const { simulate } = await load(ROOT, mutant);
  for (let seed = mutant.seed; seed < mutant.seed + PATIENCE; seed++) {
    if ((await simulate(seed)).violations.length > 0) return;
  }
  throw new Error(`${PATIENCE} schedules did not notice it`);
}
