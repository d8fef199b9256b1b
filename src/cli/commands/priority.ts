/** `trailhand priority`: sets how early the request of a branch starts. */
import { prioritizeBranch } from "../../app/priority.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";

export const command: Command = {
  name: "priority",
  writes: true,
  group: "work",
  what: "Set the priority of a branch's request; a higher number starts earlier.",
  more: "Asks for the same state again, with the trailer `Priority`. Put a negative number after `--`, as in `trailhand priority -- -5`.",
  arguments: [{ name: "n", what: "A whole number from -1000 to 1000." }, branchArgument],
  options: [remoteOption, jsonOption],
  examples: [{ line: "trailhand priority 10 feat/login", what: "start it before the others" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const [priority = "", branch] = input.arguments;
  printRequest(
    terminal,
    input.has("json"),
    await prioritizeBranch(await openForCall(call), priority, branch),
  );
  return EXIT_CODE.done;
}
