/** `trailhand lanes`: slots, quotas and queues. */
import { readLanes, type LaneUse } from "../../app/lanes.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { formatDuration } from "../../core/util/duration.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { jsonOption, remoteOption } from "../options.ts";
import { renderColumns } from "../render/render-table.ts";
import { printable, printJson, type Colors } from "../render/terminal.ts";

export const command: Command = {
  name: "lanes",
  group: "inspect",
  what: "List the lanes: slots taken, quotas used, and requests that wait.",
  options: [remoteOption, jsonOption],
  examples: [{ line: "trailhand lanes", what: "where is the queue?" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const { lanes, now } = await readLanes(await openForCall(call));
  if (input.has("json")) printJson(terminal, { lanes: lanes.map(describe) });
  else {
    const titles = ["LANE", "PLACES", "USED", "CLOSED", "WAITING", "OLDEST"];
    const rows = lanes.map((lane) => renderRow(lane, now, terminal.colors));
    terminal.print(renderColumns([titles.map((title) => terminal.colors.bold(title)), ...rows]));
  }
  return EXIT_CODE.done;
}

const describe = ({ closedUntil, ...lane }: LaneUse): object => ({
  ...lane,
  places: lane.places ?? null,
  used: lane.used ?? null,
  closedUntil: closedUntil === undefined ? null : new Date(closedUntil).toISOString(),
  oldestMs: lane.oldestMs ?? null,
});

function renderRow(lane: LaneUse, now: number, colors: Colors): string[] {
  const { name, taken, places, closedUntil, waiting, oldestMs } = lane;
  return [
    printable(name, 40),
    places === undefined ? String(taken) : `${taken}/${places}`,
    formatUse(lane),
    closedUntil === undefined ? "-" : colors.yellow(`for ${formatDuration(closedUntil - now)} more`),
    String(waiting),
    oldestMs === undefined ? "-" : formatDuration(oldestMs),
  ];
}

function formatUse({ used, most, windowMs }: LaneUse): string {
  if (!used) return "-";
  const part = (key: keyof typeof used, unit: string): string[] =>
    most[key] === undefined ? [] : [`${Number(used[key].toFixed(6))}/${most[key]} ${unit}`];
  const parts = [...part("runs", "runs"), ...part("tokens", "tokens"), ...part("cost", "USD")];
  return `${parts.join(", ")} in ${formatDuration(windowMs ?? 0)}`;
}
