/** `trailhand gc`: what is no longer needed, and why; with `--prune` it is removed. */
import { rmSync } from "node:fs";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { findGarbage, type Garbage } from "../../git/garbage.ts";
import type { Workspace } from "../../app/workspace.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import { createRunner } from "../../app/create-runner.ts";
import type { CommandRun } from "../call.ts";
import { numberOption } from "../input.ts";
import { renderColumns } from "../render/render-table.ts";
import { printJson, printable } from "../render/terminal.ts";
import { DAY_MS } from "../../core/util/duration.ts";
import { APP } from "../../app/timing.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const keepDays = numberOption(input, "keep-days", 0, 10_000) ?? APP.keepDays;
  const prune = input.has("prune");
  // What dead runners left is saved first, so that it is found as salvage like any other.
  if (prune) await createRunner(site, env, () => undefined).ports.trees.sweep();
  const look = await site.repository.listRefs();
  await site.remote?.fetchSideRefs();
  const { workflow, problems } = await site.trustedConfig(look.target, look.heads);
  const now = Date.now();
  const lanes = problems.length > 0 ? undefined : { now, windows: windowsOf(workflow) };
  const garbage = await findGarbage(site.location, look, site.cache, now - keepDays * DAY_MS, lanes);
  if (prune) for (const one of garbage) await remove(site, one);
  if (input.has("json")) printJson(terminal, { pruned: prune, garbage });
  else {
    if (garbage.length > 0)
      terminal.print(renderColumns(garbage.map(({ name, why }) => [printable(name, 90), why])));
    const kept = input.value("keep-days");
    const same = kept === undefined ? "" : ` --keep-days ${kept}`;
    const next = prune || garbage.length === 0 ? "" : ` next: trailhand gc --prune${same}`;
    terminal.say(`${garbage.length} ${prune ? "removed" : "could be removed"}.${next}`);
  }
  return EXIT_CODE.done;
};

/** The lanes that count what is begun in them, each with the time that it counts over. */
function windowsOf({ lanes }: Workflow): Map<string, number> {
  const counting = Object.entries(lanes).filter(
    ([, { runs, tokens, cost }]) => runs !== undefined || tokens !== undefined || cost !== undefined,
  );
  return new Map(counting.map(([name, { window }]) => [name, window]));
}

async function remove({ repository, remote }: Workspace, garbage: Garbage): Promise<void> {
  if (garbage.kind === "file") return rmSync(garbage.name, { recursive: true, force: true });
  const { name: ref, value } = garbage;
  const swap = await repository.swap([{ ref, expected: value, next: null }], "gc");
  if (swap.kind === "refused") await remote?.dropLocally(ref, value);
}
