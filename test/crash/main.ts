/**
 * `npm run crash`: kills a runner with its git at every file-system step of a hand-off, and lets the next
 * runner recover.
 *
 * Invariants:
 * - The exit code is 0 only when every crash was recovered without a person.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkRecovery, type Program } from "./check-recovery.ts";
import {
  copyStage,
  makeStage,
  PLACES,
  WORKS,
  type CrashStage,
  type Place,
  type Work,
} from "./crash-stage.ts";
import { hasStrace, runTraced, type TracedEnd } from "./traced-run.ts";

const USAGE = `npm run crash -- [options]

  --sample n    only every n-th step (default: 1)
  --first n     the first step (default: 1)
  --place p     ${PLACES.join(", ")}; default: each
  --work w      the script leaves changed ${WORKS.join(" or makes ")}; default: both
  --keep        keep the folders of crashes that were not recovered
  --verbose     print each step

Needs strace.
`;

const { values } = parseArgs({
  options: {
    sample: { type: "string", default: "1" },
    first: { type: "string", default: "1" },
    place: { type: "string", multiple: true, default: [...PLACES] },
    work: { type: "string", multiple: true, default: [...WORKS] },
    keep: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

interface Figures {
  crashes: number;
  faults: number;
}

const crashAt = (stage: CrashStage, { node, program }: Program, step: number): Promise<TracedEnd> =>
  runTraced(
    {
      command: [node, program, "run", ...(stage.isRemote ? ["--remote", "origin"] : [])],
      cwd: stage.repo,
      env: stage.env,
      root: stage.root,
      except: stage.remote,
    },
    step,
  );

async function crashEverywhere(folder: string, place: Place, work: Work, program: Program): Promise<Figures> {
  const figures = { crashes: 0, faults: 0 };
  const template = join(folder, `${place}-${work}`);
  mkdirSync(template);
  const stage = makeStage(template, place, work);
  for (let step = Number(values.first); ; step += Number(values.sample)) {
    const copy = copyStage(stage, `${template}-${step}`, place);
    const end = await crashAt(copy, program, step);
    if (end.killedAt === undefined) {
      console.log(
        `${place}, ${work}: ${end.steps} steps, ${figures.crashes} crashes, ${figures.faults} faults`,
      );
      return figures;
    }
    figures.crashes++;
    const problems = checkRecovery(copy, program);
    if (problems.length > 0) figures.faults++;
    const say = (text: string) => console.log(text.replaceAll(`${copy.root}/`, "").slice(0, 400));
    if (problems.length > 0 || values.verbose) say(`${place}, ${work}, step ${step}: ${end.killedAt}`);
    for (const problem of problems) say(`  ${problem}`);
    if (problems.length === 0 || !values.keep) rmSync(copy.root, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (!hasStrace()) {
    process.stderr.write("crash: strace is not installed\n");
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "trailhand-crash-"));
  // A copy, so that another build does not change the program meanwhile.
  cpSync(fileURLToPath(new URL(".", import.meta.url)), join(folder, "program"), { recursive: true });
  const program = { node: process.execPath, program: join(folder, "program/trailhand.js") };
  let faults = 0;
  for (const place of PLACES.filter((one) => values.place.includes(one)))
    for (const work of WORKS.filter((one) => values.work.includes(one)))
      faults += (await crashEverywhere(folder, place, work, program)).faults;
  if (faults === 0 || !values.keep) rmSync(folder, { recursive: true, force: true });
  else console.log(`the folders are in ${folder}`);
  return faults === 0 ? 0 : 1;
}

process.exitCode = await main();
