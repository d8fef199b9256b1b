/** `trailhand log`: the hand-offs of a branch as a time line. */
import { readLog } from "../../app/log.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { numberOption } from "../input.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { renderCarried, renderSteps } from "../render/render-log.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "log",
  group: "inspect",
  what: "List the hand-offs of a branch in time: duration, attempt, cost.",
  arguments: [branchArgument],
  options: [
    { name: "limit", short: "n", value: "n", what: "At most this many commits; default: 200." },
    remoteOption,
    jsonOption,
  ],
  examples: [{ line: "trailhand log feat/login", what: "who did what, and how long it took" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const limit = numberOption(input, "limit", 1, 100_000);
  const { branch, steps, carried } = await readLog(await openForCall(call), input.arguments[0], limit);
  if (input.has("json")) {
    printJson(terminal, { branch, steps, ...carried });
    return EXIT_CODE.done;
  }
  if (steps.length === 0)
    terminal.say(`No hand-off on ${branch}. next: trailhand request <state> --branch ${branch}`);
  else terminal.print(renderSteps(steps, terminal.colors));
  const table = renderCarried(carried);
  if (table !== "") terminal.print(`\n${table}`);
  return EXIT_CODE.done;
}
