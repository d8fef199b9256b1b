/** Times hand-offs from a request to its response, in this process, against bare git. */
import { performance } from "node:perf_hooks";
import { Runner } from "../src/engine/runner.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { createRunner } from "../src/app/create-runner.ts";
import { bareHandOff, bareHandOffs } from "./bare-hand-offs.ts";
import { compare, type Figure } from "./compare.ts";
import { withLab, type Lab } from "./lab.ts";
import { importPipeline, resetBranches, type PipelineSize } from "./pipeline.ts";

const CONCURRENCY = 2;

/** One hand-off: until the response is on its branch, and until the runner has cleaned up. */
export async function handOff(rounds: number): Promise<Figure[]> {
  return withLab(importPipeline({ branches: 1, steps: 1 }), async (lab) => {
    const prepare = () => resetBranches(lab, 1);
    const response = { prepare, run: () => runAll(lab, 1) };
    const cleanUp = { prepare, run: async () => void (await runAll(lab, 1)) };
    const bareResponse = { prepare, run: () => bareHandOff(lab, "work/1") };
    const bareCleanUp = { prepare, run: async () => void (await bareHandOff(lab, "work/1")) };
    return [
      await compare(lab, "one hand-off, to the response", rounds, response, bareResponse),
      await compare(lab, "one hand-off, to the clean-up", rounds, cleanUp, bareCleanUp),
    ];
  });
}

/** Many hand-offs: every branch goes through every state, two branches at once. */
export async function chain(rounds: number, size: PipelineSize): Promise<Figure[]> {
  return withLab(importPipeline(size), async (lab) => {
    const prepare = () => resetBranches(lab, size.branches);
    const handOffs = size.branches * size.steps;
    const ours = { prepare, run: async () => void (await runAll(lab, handOffs)) };
    const floor = { prepare, run: () => bareHandOffs(lab, size, CONCURRENCY) };
    return [await compare(lab, `${handOffs} hand-offs, ${CONCURRENCY} at once`, rounds, ours, floor)];
  });
}

/**
 * Runs all pending requests and returns the time of the last response.
 * Throws when the number of responses is not the expected one.
 */
async function runAll(lab: Lab, expected: number): Promise<number> {
  let responses = 0;
  let respondedAt = 0;
  const workspace = await openWorkspace(lab.dir, lab.env);
  const { ports, dispose } = createRunner(workspace, lab.env, (event) => {
    if (event.kind !== "answered") return;
    responses++;
    respondedAt = performance.now();
  });
  const options = {
    once: false,
    watch: false,
    branches: [],
    concurrency: CONCURRENCY,
    ttlMs: 60_000,
    shared: false,
    pollInterval: { shortestMs: 1000, longestMs: 1000 },
    onWake: () => undefined,
  };
  await new Runner(ports, options).run();
  await dispose();
  if (responses !== expected) throw new Error(`expected ${expected} responses, got ${responses}`);
  return respondedAt;
}
