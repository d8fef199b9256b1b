/**
 * `npm run bench [-- <name>...]`: measures Trailhand against bare git on this machine, now.
 *
 * What must hold: it prints and writes nothing; figures are compared with a floor of the same run,
 * never with a number from another machine.
 */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { chain, handOff } from "./handoff.ts";
import { claimAndAnswer, fleet, idle } from "./remote.ts";
import { scan } from "./scan.ts";
import { median, type Figure } from "./support.ts";
import { startUp, watch } from "./watch.ts";
import { webhooks } from "./webhooks.ts";

const USAGE = `npm run bench -- [scan] [hand-off] [chain] [watch] [start-up] [remote] [idle] [fleet] [webhooks] [options]

  scan        one look at many branches: cold, nothing changed, one changed
  hand-off    one request to its answer
  chain       a hundred hand-offs, two at once
  watch       from a commit to its claim by a watching runner
  start-up    --version and status against an empty node

  remote      one claim and one answer at a remote, against the bare pushes
  idle        a look at a remote where nothing moved, against ls-remote
  fleet       1, 2, 4 and 8 runners on 200 requests of one remote
  webhooks    5000 signed webhooks at 200 a second, and again with a kill -9 in the middle

  --heads n   branches for scan and idle; may be given again (100, 1000 and 10000 when left out)
  --rounds n  rounds of each side; the median counts
  --json      every round, and the git commands that were started, as JSON
`;

type Benchmark = (heads: readonly number[], rounds: number | undefined) => Promise<Figure[]>;

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  async scan(heads, rounds) {
    const figures: Figure[] = [];
    for (const count of heads) figures.push(...(await scan(count, rounds ?? 7)));
    return figures;
  },
  "hand-off": (_, rounds) => handOff(rounds ?? 15),
  chain: (_, rounds) => chain(rounds ?? 3),
  watch: (_, rounds) => watch(rounds ?? 15),
  remote: (_, rounds) => claimAndAnswer(rounds ?? 15),
  idle: (heads, rounds) => idle(heads, rounds ?? 7),
  fleet: (_, rounds) => fleet(rounds ?? 1),
  webhooks: (_, rounds) => webhooks(rounds ?? 1),
  "start-up": (_, rounds) => startUp(rounds ?? 15),
};

const COLUMNS = ["", "ours", "floor", "ratio", "git processes", "floor's"];

function printTable(figures: readonly Figure[]): void {
  const rows = figures.map(({ name, ours, floor, ourGit, floorGit }) => [
    name,
    `${median(ours).toFixed(1)} ms`,
    `${median(floor).toFixed(1)} ms`,
    `${(median(ours) / median(floor)).toFixed(2)}x`,
    String(ourGit.length),
    String(floorGit.length),
  ]);
  const widths = COLUMNS.map((title, at) =>
    Math.max(...[COLUMNS, ...rows].map((row) => row[at]?.length ?? title.length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
  process.stdout.write(`${[COLUMNS, ...rows].map(line).join("\n")}\n`);
}

function printJson(figures: readonly Figure[]): void {
  const shown = figures.map((figure) => ({
    ...figure,
    medians: { ours: median(figure.ours), floor: median(figure.floor) },
  }));
  const machine = { node: process.version, platform: process.platform, cpus: cpus().length };
  process.stdout.write(`${JSON.stringify({ machine, figures: shown }, undefined, 2)}\n`);
}

/** A count of at least 1; throws on anything else. */
function readCount(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new TypeError(`--${option} needs a number of 1 or more, not "${text}"`);
}

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      heads: { type: "string", multiple: true },
      rounds: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  const unknown = positionals.find((name) => !(name in BENCHMARKS));
  if (unknown !== undefined) throw new TypeError(`there is no benchmark "${unknown}"`);
  const heads = (values.heads ?? ["100", "1000", "10000"]).map((text) =>
    Math.max(2, readCount("heads", text)),
  );
  const rounds = values.rounds === undefined ? undefined : readCount("rounds", values.rounds);
  const chosen = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
  const figures: Figure[] = [];
  for (const name of chosen) {
    process.stderr.write(`${name} …\n`);
    figures.push(...((await BENCHMARKS[name]?.(heads, rounds)) ?? []));
  }
  (values.json ? printJson : printTable)(figures);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof TypeError;
  process.stderr.write(
    `bench: ${error instanceof Error ? error.message : String(error)}\n${isUsage ? `\n${USAGE}` : ""}`,
  );
  process.exitCode = isUsage ? 2 : 1;
}
