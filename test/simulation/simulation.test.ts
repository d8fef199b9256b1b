/** Runs the real runner under seeded faults: no schedule violates an invariant. */
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { cases } from "../support/scale.ts";
import { loadSimulation } from "./bundle.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SEEDS = cases(120);

describe("the runner", () => {
  it(`violates no invariant in ${SEEDS} schedules full of faults`, async () => {
    const { simulate } = await loadSimulation(ROOT);
    const total = { answers: 0, takeovers: 0, fenced: 0, crashes: 0, pauses: 0, unknown: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, stats } = await simulate(seed);
      expect(violations, `npm run simulate -- --seed ${seed} --trace`).toEqual([]);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += stats[key];
    }
    // Schedules without faults would prove little.
    for (const [name, count] of Object.entries(total)) expect(count, name).toBeGreaterThan(SEEDS / 15);
  });

  it("repeats the same events for the same seed", async () => {
    const { simulate } = await loadSimulation(ROOT);
    const [first, second] = [await simulate(7, true), await simulate(7, true)];
    expect(second.trace).toEqual(first.trace);
    expect(first.trace.length).toBeGreaterThan(20);
  });
});
