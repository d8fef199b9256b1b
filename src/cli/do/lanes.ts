/** `trailhand lanes`: places, quotas and queues. */
import { formatDuration } from "../../core/util/duration.ts";
import { lanesInUse, type LaneUse } from "../../core/analysis/lane-use.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { renderColumns } from "../render/render-table.ts";
import { currentTime, listBranches } from "../../app/branch-listing.ts";
import { printJson, printable, type Colors } from "../render/terminal.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const { snapshot, trustedConfig, decisions, now } = await listBranches(site, currentTime());
  const lanes = lanesInUse(snapshot, trustedConfig.workflow, decisions, now);
  if (input.has("json")) {
    printJson(terminal, {
      lanes: lanes.map(({ closedUntil, ...lane }) => ({
        ...lane,
        places: lane.places ?? null,
        used: lane.used ?? null,
        closedUntil: closedUntil === undefined ? null : new Date(closedUntil).toISOString(),
        oldestMs: lane.oldestMs ?? null,
      })),
    });
    return EXIT_CODE.done;
  }
  const titles = ["LANE", "PLACES", "USED", "CLOSED", "WAITING", "OLDEST"];
  const rows = lanes.map((lane) => toRow(lane, now.wall, terminal.colors));
  terminal.print(renderColumns([titles.map((title) => terminal.colors.bold(title)), ...rows]));
  return EXIT_CODE.done;
};

function toRow(lane: LaneUse, wall: number, colors: Colors): string[] {
  const { name, taken, places, closedUntil, waiting, oldestMs } = lane;
  return [
    printable(name, 40),
    places === undefined ? String(taken) : `${taken}/${places}`,
    describeUse(lane),
    closedUntil === undefined ? "-" : colors.yellow(`for ${formatDuration(closedUntil - wall)} more`),
    String(waiting),
    oldestMs === undefined ? "-" : formatDuration(oldestMs),
  ];
}

function describeUse({ used, most, windowMs }: LaneUse): string {
  if (!used) return "-";
  const part = (key: keyof typeof used, unit: string): string[] =>
    most[key] === undefined ? [] : [`${Number(used[key].toFixed(6))}/${most[key]} ${unit}`];
  const parts = [...part("runs", "runs"), ...part("tokens", "tokens"), ...part("cost", "USD")];
  return `${parts.join(", ")} in ${formatDuration(windowMs ?? 0)}`;
}
