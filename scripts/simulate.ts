/**
 * `npm run simulate`: runs the real runner under seeded faults and stops at the first violation.
 *
 * Invariants:
 * - A failing seed prints its trace and the command that replays it.
 * - Only a bundle in a temporary folder is written, and deleted at once.
 */
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadSimulation } from "../test/simulation/bundle.ts";
import { MUTANTS, type Mutant } from "../test/simulation/mutants.ts";
import type { SimulationResult } from "../test/simulation/simulate.ts";

/** How many seeds `--aim` tries for each mutant. */
const AIM_SEEDS = 10_000;

const USAGE = `npm run simulate -- [options]

  --seeds n      how many seeds (default: 1000)
  --from n       the first of them (default: 1)
  --seed n       only this one
  --trace        with --seed: print what happened, violation or not
  --keep-going   do not stop at the first violation
  --aim          print the first seed that detects each mutant, or the one of --mutant; it is the
                 value of \`seed\` in test/simulation/mutants.ts. Tries 10000 seeds, or --seeds
  --mutant name  plant a mutant in the source first; one of:
${MUTANTS.map(({ name }) => `                   ${name}`).join("\n")}
`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    aim: { type: "boolean", default: false },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    mutant: { type: "string" },
    trace: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const mutant = MUTANTS.find(({ name }) => name === values.mutant);
if (values.mutant !== undefined && !mutant) {
  process.stderr.write(`There is no mutant "${values.mutant}".\n\n${USAGE}`);
  process.exit(2);
}
const root = fileURLToPath(new URL("..", import.meta.url));
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds ?? (values.aim ? AIM_SEEDS : 1000)) : 1;
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count)) {
  process.stderr.write(`--seeds, --from and --seed must be integers.\n\n${USAGE}`);
  process.exit(2);
}

if (values.aim) {
  for (const target of mutant ? [mutant] : MUTANTS) {
    const seed = await firstDetectingSeed(target);
    process.stdout.write(`${target.name} ${seed ?? `is not detected by ${count} seeds`}\n`);
    if (seed === undefined) process.exitCode = 1;
  }
  process.exit();
}

async function firstDetectingSeed(target: Mutant): Promise<number | undefined> {
  const mutated = await loadSimulation(root, target);
  for (let seed = from; seed < from + count; seed++) {
    if ((await mutated.simulate(seed)).violations.length > 0) return seed;
  }
  return undefined;
}

const { simulate } = await loadSimulation(root, mutant);
const total = new Map<string, number>();
const add = (key: string, value: number) => total.set(key, (total.get(key) ?? 0) + value);
const failing: number[] = [];
const startedAt = performance.now();
let shownAt = startedAt;

/** Runs a failing seed again and prints its trace. */
async function explain({ seed, violations }: SimulationResult): Promise<void> {
  failing.push(seed);
  if (values["keep-going"]) {
    process.stdout.write(`seed ${seed}: ${violations.join(" | ")}\n`);
    return;
  }
  const { trace } = await simulate(seed, true);
  const replay = `npm run simulate -- --seed ${seed} --trace${mutant ? ` --mutant "${mutant.name}"` : ""}`;
  process.stdout.write(
    `${trace.join("\n")}\n\nseed ${seed}: ${violations.join("\n  ")}\nreplay: ${replay}\n`,
  );
}

for (let seed = from; seed < from + count; seed++) {
  const result = await simulate(seed, values.trace && count === 1);
  add("schedules", 1);
  add("events", result.events);
  add("virtual hours", result.virtualMs / 3_600_000);
  for (const [key, value] of Object.entries(result.stats)) add(key, value);
  add("violations", result.violations.length);
  if (result.violations.length > 0) {
    await explain(result);
    if (!values["keep-going"]) break;
  } else if (values.trace) process.stdout.write(`${result.trace.join("\n")}\n`);
  if (performance.now() - shownAt > 5000) {
    shownAt = performance.now();
    process.stderr.write(
      `${seed - from + 1} of ${count} seeds, ${Math.round((shownAt - startedAt) / 1000)} s\n`,
    );
  }
}

const figures = [...total].map(([key, value]) => `${Math.round(value)} ${key}`).join(", ");
process.stderr.write(`${figures}; ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`);
process.exitCode = failing.length > 0 ? 1 : 0;
