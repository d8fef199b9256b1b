/** `trailhand output`: what the script or agent of a branch's running or last attempt printed. */
import { readAttemptOutput } from "../../app/output.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { cleanText } from "../../core/util/redact.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { printable, printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "output",
  group: "inspect",
  what: "Print the output of the script or agent of a branch's running or last attempt.",
  more: "The output is in a log file on the machine that ran the attempt. Control characters are left out.",
  arguments: [branchArgument],
  options: [remoteOption, jsonOption],
  examples: [{ line: "trailhand output feat/login", what: "why did it fail?" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const output = await readAttemptOutput(await openForCall(call), input.arguments[0]);
  if (input.has("json")) {
    printJson(terminal, output);
    return EXIT_CODE.done;
  }
  const { runner, isRunning, file, text } = output;
  terminal.say(`${isRunning ? "running" : "ran"} at ${printable(runner)}; log: ${file}`);
  if (text !== "") terminal.print(cleanText(text).trimEnd());
  return EXIT_CODE.done;
}
