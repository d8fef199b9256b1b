/** `trailhand cost`: what the work on a branch has spent, and how much it may spend. */
import { readCost } from "../../app/cost.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { formatAmounts } from "../../core/util/amounts.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "cost",
  group: "inspect",
  what: "Show what the work on a branch has spent, and how much it may spend.",
  more: "Counts money, tokens, turns of agents and time, over all attempts since the work began. The limits are those of the workflow, unless a `Budget` trailer set others for this work.",
  arguments: [branchArgument],
  options: [remoteOption, jsonOption],
  examples: [{ line: "trailhand cost feat/login", what: "how much is left?" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const cost = await readCost(await openForCall(call), input.arguments[0]);
  if (input.has("json")) printJson(terminal, cost);
  else {
    terminal.print(`spent: ${formatAmounts(cost.spent) ?? "nothing"}`);
    terminal.print(`allowed: ${formatAmounts(cost.budget) ?? "no limit"}`);
  }
  return EXIT_CODE.done;
}
