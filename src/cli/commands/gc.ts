/** `trailhand gc`: lists what is no longer needed, and why; with `--prune` removes it. */
import { collectGarbage } from "../../app/gc.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { numberOption } from "../input.ts";
import { openForCall } from "../open-for-call.ts";
import { jsonOption, remoteOption } from "../options.ts";
import { renderColumns } from "../render/render-table.ts";
import { printable, printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "gc",
  writes: true,
  group: "fix",
  what: "List side refs, logs and quarantined work that are no longer needed, and why.",
  more: "The history of landed work, below refs/trailhand/archive, is always kept.",
  options: [
    { name: "prune", what: "Remove them." },
    {
      name: "keep-days",
      value: "n",
      what: "Keep salvage, shadows, journals, logs and quarantined work that are younger; default: 14.",
    },
    remoteOption,
    jsonOption,
  ],
  examples: [{ line: "trailhand gc --prune", what: "remove what is no longer needed" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal, env } = call;
  const keepDays = numberOption(input, "keep-days", 0, 10_000);
  const prune = input.has("prune");
  const garbage = await collectGarbage(await openForCall(call), env, { keepDays, prune });
  if (input.has("json")) printJson(terminal, { pruned: prune, garbage });
  else {
    if (garbage.length > 0)
      terminal.print(renderColumns(garbage.map(({ name, why }) => [printable(name, 90), why])));
    const same = keepDays === undefined ? "" : ` --keep-days ${keepDays}`;
    const next = prune || garbage.length === 0 ? "" : ` next: trailhand gc --prune${same}`;
    terminal.say(`${garbage.length} ${prune ? "removed" : "could be removed"}.${next}`);
  }
  return EXIT_CODE.done;
}
