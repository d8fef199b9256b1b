/** Finds side refs, logs and worktrees that are no longer needed, and removes them on demand. */
import { randomUUID } from "node:crypto";
import { DAY_MS } from "../core/util/duration.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { Remover } from "../git/attempt/remover.ts";
import { findGarbage, type Garbage } from "../git/garbage.ts";
import { BackgroundRemover } from "../process/background-remover.ts";
import { createRunner } from "./create-runner.ts";
import { APP } from "./timing.ts";
import type { Environment, Workspace } from "./workspace.ts";

export interface GarbageOptions {
  /** Younger salvage, shadows, journals and logs are kept; default: 14. */
  readonly keepDays: number | undefined;
  /** Remove what is found. */
  readonly prune: boolean;
}

export async function collectGarbage(
  workspace: Workspace,
  env: Environment,
  { keepDays = APP.keepDays, prune }: GarbageOptions,
): Promise<readonly Garbage[]> {
  const { location, repository, cache, remote } = workspace;
  // The work of dead runners is saved first, so that it is listed as salvage.
  if (prune) await createRunner(workspace, env, () => undefined).ports.trees.sweep();
  const refs = await repository.listRefs();
  await remote?.fetchSideRefs();
  const { workflow, problems } = await workspace.trustedConfig(refs.target, refs.heads);
  const now = Date.now();
  const lanes = problems.length > 0 ? undefined : { now, windows: quotaWindows(workflow) };
  const garbage = await findGarbage(location, refs, cache, now - keepDays * DAY_MS, lanes);
  const background = new BackgroundRemover(cache.trash);
  const options = { trash: cache.trash, removeLater: (name: string) => background.remove(name) };
  const remover = new Remover(options, `gc-${randomUUID()}`);
  if (prune) for (const item of garbage) await remove(workspace, item, remover);
  return garbage;
}

/** The lanes with a quota, each with the time in milliseconds over which it counts. */
function quotaWindows({ lanes }: Workflow): Map<string, number> {
  const counting = Object.entries(lanes).filter(
    ([, { runs, tokens, cost }]) => runs !== undefined || tokens !== undefined || cost !== undefined,
  );
  return new Map(counting.map(([name, { window }]) => [name, window]));
}

async function remove({ repository, remote }: Workspace, garbage: Garbage, remover: Remover): Promise<void> {
  if (garbage.kind === "file") return remover.remove(garbage.name);
  const { name: ref, value } = garbage;
  const swap = await repository.swap([{ ref, expected: value, next: null }], "gc");
  if (swap.kind === "refused") await remote?.dropLocally(ref, value);
}
