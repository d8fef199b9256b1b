/**
 * Times the built program as a whole process, from a shell.
 *
 * Each figure stands beside the bare git commands that the work cannot do without, and beside
 * `node -e 0`, all in the same environment.
 */
import { bareHandOffs } from "./bare-hand-offs.ts";
import { compare, type Figure } from "./compare.ts";
import { withLab, type Lab } from "./lab.ts";
import { importPipeline, resetBranches, type PipelineSize } from "./pipeline.ts";
import { PROGRAM, runProcess } from "./run-process.ts";
import { BARE_SCAN } from "./scan.ts";

const CONCURRENCY = 2;
const ONE: PipelineSize = { branches: 1, steps: 1 };
/** Many hand-offs take seconds, so fewer rounds are enough. */
const MOST_ROUNDS_OF_MANY = 3;

/** Figures for `run` with nothing to do, one hand-off, many hand-offs, and `status`. */
export async function wholeProcess(rounds: number, size: PipelineSize): Promise<Figure[]> {
  const single = await withLab(importPipeline(ONE), (lab) => measureHandOffs(lab, rounds, ONE));
  return withLab(importPipeline(size), async (lab) => {
    const roundsOfMany = Math.min(rounds, MOST_ROUNDS_OF_MANY);
    const many = await measureHandOffs(lab, roundsOfMany, size);
    return [await measureIdleRun(lab, rounds, size), single, many, await measureStatus(lab, rounds, size)];
  });
}

async function measureHandOffs(lab: Lab, rounds: number, size: PipelineSize): Promise<Figure> {
  const prepare = () => resetBranches(lab, size.branches);
  const handOffs = size.branches * size.steps;
  const ours = { prepare, run: () => expectResponses(lab, handOffs) };
  const floor = {
    prepare,
    async run() {
      await bareScan(lab);
      await bareHandOffs(lab, size, CONCURRENCY);
    },
  };
  const name = `trailhand run, ${handOffs === 1 ? "one hand-off" : `${handOffs} hand-offs`}`;
  return compare(lab, name, rounds, ours, floor, emptyNode(lab));
}

async function measureIdleRun(lab: Lab, rounds: number, size: PipelineSize): Promise<Figure> {
  await resetBranches(lab, size.branches);
  await expectResponses(lab, size.branches * size.steps);
  const ours = { run: () => expectResponses(lab, 0) };
  const floor = { run: () => bareScan(lab) };
  return compare(lab, "trailhand run, nothing to do", rounds, ours, floor, emptyNode(lab));
}

async function measureStatus(lab: Lab, rounds: number, size: PipelineSize): Promise<Figure> {
  await resetBranches(lab, size.branches);
  const ours = { run: async () => void (await lab.shell(process.execPath, [PROGRAM, "status"])) };
  const floor = { run: () => bareScan(lab) };
  const name = `trailhand status, ${size.branches} branches`;
  return compare(lab, name, rounds, ours, floor, emptyNode(lab));
}

/** Runs the program once. Throws when the number of responses is not the expected one. */
async function expectResponses(lab: Lab, expected: number): Promise<void> {
  const { responses } = await runProcess(lab, ["--concurrency", String(CONCURRENCY)]);
  if (responses !== expected) throw new Error(`expected ${expected} responses, got ${responses}`);
}

const bareScan = async (lab: Lab): Promise<void> =>
  void (await lab.shell("git", [...BARE_SCAN, "refs/trailhand"]));

const emptyNode = (lab: Lab) => ({
  run: async () => void (await lab.shell(process.execPath, ["-e", "0"])),
});
