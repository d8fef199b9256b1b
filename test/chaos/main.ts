/**
 * `npm run chaos`: real runners and real git on a bare remote, with many faults at once.
 *
 * Invariants:
 * - The exit code is 0 only when nothing was found.
 * - The seed decides the faults and their order, but not their time: two trials with one seed are
 *   similar, not identical.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildRevision } from "./build-revision.ts";
import { checkTrial } from "./check/check-trial.ts";
import { evidenceOf, tableOf } from "./trial-report.ts";
import { runTrial } from "./trial.ts";

const USAGE = `npm run chaos -- [options]

  --runners n       processes of trailhand run --watch (default: 8)
  --branches n      branches with a request at the start (default: 50)
  --kills n         runners and git processes to kill (default: 200)
  --pauses n        runners to suspend for longer than their lease (default: 60)
  --people n        pushes by people (default: 60)
  --seed n          decides the faults and their order (default: 1)
  --minutes n       the longest time with faults (default: 10)
  --ttl ms          lease time (default: 6000)
  --concurrency n   attempts at once in one runner (default: 2)
  --old revision    half of the runners run the program of this older revision
  --keep dir        work in this directory, which must not exist, and keep it
  --check dir       check the directory of an earlier trial again, and run nothing
  --json            figures and findings as JSON
`;

const NUMBERS = {
  runners: "8",
  branches: "50",
  kills: "200",
  pauses: "60",
  people: "60",
  seed: "1",
  minutes: "10",
  ttl: "6000",
  concurrency: "2",
} as const;

const QUIET_MS = 600_000;

function readArguments(args: readonly string[]) {
  const numbers = Object.entries(NUMBERS).map(([name, value]) => [name, { type: "string", default: value }]);
  return parseArgs({
    args: [...args],
    options: {
      ...(Object.fromEntries(numbers) as Record<keyof typeof NUMBERS, { type: "string"; default: string }>),
      keep: { type: "string" },
      old: { type: "string" },
      check: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
}

/** Throws a TypeError for anything but a number of at least `low`. */
function readNumber(option: string, text: string, low: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= low) return value;
  throw new TypeError(`--${option} needs a number of ${low} or more, not "${text}"`);
}

function progressReporter(): (line: string) => void {
  const startedAt = Date.now();
  return (line) => {
    const text = `${Math.round((Date.now() - startedAt) / 1000)} s: ${line}`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
  };
}

/** The built program of an older revision; it is removed when this process ends. */
function buildOld(dist: string, revision: string): string {
  const folder = mkdtempSync(join(tmpdir(), "trailhand-old-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return buildRevision(join(dist, ".."), revision, join(folder, "source"));
}

async function main(args: readonly string[]): Promise<number> {
  const values = readArguments(args);
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.check !== undefined) {
    const result = checkTrial(values.check);
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return result.findings.length > 0 ? 1 : 0;
  }
  const dist = fileURLToPath(new URL(".", import.meta.url));
  const oldDist = values.old === undefined ? undefined : buildOld(dist, values.old);
  const trial = await runTrial({
    dist,
    oldDist,
    seed: readNumber("seed", values.seed, 0),
    runners: readNumber("runners", values.runners, 1),
    branches: readNumber("branches", values.branches, 1),
    kills: readNumber("kills", values.kills, 0),
    pauses: readNumber("pauses", values.pauses, 0),
    people: readNumber("people", values.people, 0),
    faultsMs: readNumber("minutes", values.minutes, 0.1) * 60_000,
    quietMs: QUIET_MS,
    ttlMs: readNumber("ttl", values.ttl, 1000),
    concurrency: readNumber("concurrency", values.concurrency, 1),
    keep: values.keep,
    reportProgress: progressReporter(),
  });
  process.stderr.write(process.stderr.isTTY ? "\n" : "");
  process.stdout.write(values.json ? `${JSON.stringify(trial, undefined, 2)}\n` : tableOf(trial));
  if (!values.json) process.stderr.write(evidenceOf(trial));
  return trial.findings.length > 0 ? 1 : 0;
}

for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(130));

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isUsage = error instanceof TypeError;
  const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(isUsage ? `chaos: ${error.message}\n\n${USAGE}` : `chaos: ${what}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
