/**
 * `npm run bench [-- <name>...]`: measures Trailhand beside bare git on this machine.
 *
 * Invariants:
 * - Figures are compared with a floor of the same run, never with a number from another machine.
 * - The program prints its figures and writes no files.
 */
import { parseArgs } from "node:util";
import { BENCHMARKS, FULL, SMALL } from "./benchmarks.ts";
import type { Figure } from "./compare.ts";
import { printJson, printTable } from "./print-figures.ts";

const USAGE = `usage: npm run bench -- [<name>...] [options]

Runs the named benchmarks, or all of them. Each figure stands beside its floor: the bare git commands
that the work cannot do without, in the same environment.

${Object.entries(BENCHMARKS)
  .map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}`)
  .join("\n")}

  --small     Run a small size, once: to see that the benchmarks work.
  --heads n   Number of branches for scan and idle; repeatable; default ${FULL.heads.join(", ")}.
  --rounds n  Number of rounds for each side. The table shows the median. One round has no warm-up.
  --json      Print every round and the git commands of each side as JSON.
  -h, --help  Show this help.

examples:
  npm run bench -- process
      the whole program from a shell, beside bare git and \`node -e 0\`
  npm run bench -- --small
      every benchmark in seconds
`;

/** Throws a TypeError unless the text is a whole number of at least `min`. */
function readCount(option: string, text: string, min: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min) return value;
  throw new TypeError(`--${option} needs a whole number of at least ${min}, not "${text}"`);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      small: { type: "boolean" },
      heads: { type: "string", multiple: true },
      rounds: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const unknown = positionals.find((name) => !Object.hasOwn(BENCHMARKS, name));
  if (unknown !== undefined) throw new TypeError(`there is no benchmark "${unknown}"`);
  const preset = values.small ? SMALL : FULL;
  const heads = values.heads?.map((text) => readCount("heads", text, 2)) ?? preset.heads;
  const rounds = values.rounds === undefined ? undefined : readCount("rounds", values.rounds, 1);
  const names = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
  const figures: Figure[] = [];
  for (const name of names) {
    const benchmark = BENCHMARKS[name];
    if (!benchmark) continue;
    process.stderr.write(`${name} …\n`);
    const roundCount = rounds ?? (values.small ? 1 : benchmark.rounds);
    figures.push(...(await benchmark.measure(roundCount, { ...preset, heads })));
  }
  (values.json ? printJson : printTable)(figures);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsageError = error instanceof TypeError;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`bench: ${message}\n${isUsageError ? `\n${USAGE}` : ""}`);
  process.exitCode = isUsageError ? 2 : 1;
}
