/** Every second rule taken out of the runner's source: each must be noticed. Two files, for two workers. */
import { it } from "vitest";
import { MUTANTS } from "./mutants.ts";
import { expectNoticed } from "./expect-caught.ts";

it.each(MUTANTS.filter((_, at) => at % 2 === 1).map((mutant) => [mutant.name, mutant] as const))(
  "is noticed: %s",
  (_, mutant) => expectNoticed(mutant),
);
