/**
 * `npm run simulate`: runs the real runner under seeded faults, and stops at the first violation.
 *
 * What must hold: a failing seed prints its trace and the command that replays it; nothing is
 * written but a bundle in a temporary folder, which goes at once. With `--aim` it says which seed
 * notices each mutant first, for `seed` in test/simulation/mutants.ts.
 */
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { load } from "../test/simulation/bundle.ts";
import { MUTANTS, type Mutant } from "../test/simulation/mutants.ts";
import type { Result } from "../test/simulation/simulate.ts";

/** How many seeds a mutant is looked for in. */
const AIMED = 10_000;

const USAGE = `npm run simulate -- [options]

  --seeds n      how many seeds (1000 when left out)
  --from n       the first of them (1 when left out)
  --seed n       only this one
  --trace        with --seed: print what happened, violation or not
  --keep-going   do not stop at the first violation
  --aim          for each mutant, or the one that is named: the first seed that notices it,
                 of the first 10000, or of so many as --seeds says
  --mutant name  plant a fault in the source first; one of:
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
const count = values.seed === undefined ? Number(values.seeds ?? (values.aim ? AIMED : 1000)) : 1;
if (!Number.isSafeInteger(from) || !Number.isSafeInteger(count)) {
  process.stderr.write(`--seeds, --from and --seed are whole numbers.\n\n${USAGE}`);
  process.exit(2);
}

if (values.aim) {
  for (const one of mutant ? [mutant] : MUTANTS) {
    const seed = await aim(one);
    process.stdout.write(`${one.name} ${seed ?? `is not noticed by ${count} seeds`}\n`);
    if (seed === undefined) process.exitCode = 1;
  }
  process.exit();
}

/** The first seed that notices a mutant. */
async function aim(one: Mutant): Promise<number | undefined> {
  const planted = await load(root, one);
  for (let seed = from; seed < from + count; seed++) {
    if ((await planted.simulate(seed)).violations.length > 0) return seed;
  }
  return undefined;
}

const { simulate } = await load(root, mutant);
const total = new Map<string, number>();
const add = (key: string, value: number) => total.set(key, (total.get(key) ?? 0) + value);
const failing: number[] = [];
const begun = performance.now();
let shownAt = begun;

/** Runs a failing seed again, to see what happened. */
async function explain({ seed, violations }: Result): Promise<void> {
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
  add("virtual hours", result.took / 3_600_000);
  for (const [key, value] of Object.entries(result.stats)) add(key, value);
  add("violations", result.violations.length);
  if (result.violations.length > 0) {
    await explain(result);
    if (!values["keep-going"]) break;
  } else if (values.trace) process.stdout.write(`${result.trace.join("\n")}\n`);
  if (performance.now() - shownAt > 5000) {
    shownAt = performance.now();
    process.stderr.write(`${seed - from + 1} of ${count} seeds, ${Math.round((shownAt - begun) / 1000)} s\n`);
  }
}

const figures = [...total].map(([key, value]) => `${Math.round(value)} ${key}`).join(", ");
process.stderr.write(`${figures}; ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
process.exitCode = failing.length > 0 ? 1 : 0;
