/** `trailhand log`: the hand-offs of a branch as a time line. */
import { refsOf } from "../../core/protocol/refs.ts";
import { readTimeline, type TimelineStep } from "../../core/analysis/timeline.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { readTrail } from "../../git/local-repository.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { numberOption } from "../input.ts";
import { carriedRows, readCarried } from "../../app/read-carried.ts";
import { renderColumns } from "../render/render-table.ts";
import { requireHead } from "../../app/branch-listing.ts";
import { printJson, printable, type Colors } from "../render/terminal.ts";
import { DEPTH } from "../../engine/timing.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const limit = numberOption(input, "limit", 1, 100_000) ?? DEPTH.timeline;
  const look = await site.repository.listRefs();
  const head = requireHead(site, look.heads, input.arguments[0]);
  const { journal } = refsOf(head.key);
  const exists = (await site.repository.read([journal])).get(journal);
  const [trail, attempts] = await Promise.all([
    readTrail(site.location, head.commit, Math.max(limit, DEPTH.timeline)),
    exists ? readTrail(site.location, exists, limit) : [],
  ]);
  const steps = readTimeline(head.branch, trail.slice(0, limit), attempts);
  const carried = await readCarried(site, look, head, trail);
  if (input.has("json")) {
    printJson(terminal, { branch: head.branch, steps, ...carried });
    return EXIT_CODE.done;
  }
  if (steps.length === 0)
    terminal.say(`No hand-off on ${head.branch}. next: trailhand request <state> --branch ${head.branch}`);
  else terminal.print(renderSteps(steps, terminal.colors));
  const rows = carriedRows(carried);
  if (rows.length > 0) terminal.print(`\n${renderColumns(rows)}`);
  return EXIT_CODE.done;
};

function renderSteps(steps: readonly TimelineStep[], colors: Colors): string {
  const paid = steps.some((step) => step.cost !== undefined);
  const titles = ["WHEN", "COMMIT", "HAND-OFF", "TOOK", "ATTEMPT", ...(paid ? ["COST"] : []), "WHAT"];
  const rows = steps.map((step) => [
    colors.dim(new Date(step.at * 1000).toISOString().slice(0, 19).replace("T", " ")),
    colors.yellow(step.commit.slice(0, 9)),
    handOff(step, colors),
    step.took ?? "",
    step.attempt ?? "",
    ...(paid ? [step.cost ?? ""] : []),
    printable(step.subject, 60) + (step.commits > 0 ? colors.dim(` (+${step.commits} commits)`) : ""),
  ]);
  return renderColumns([titles.map((title) => colors.bold(title)), ...rows]);
}

function handOff({ kind, from, state }: TimelineStep, colors: Colors): string {
  if (kind === "attempt") return colors.red(`  ${state} ✗`);
  return kind === "answer" ? `${from ?? "?"} → ${state}` : colors.cyan(`● ${state}`);
}
