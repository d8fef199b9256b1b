/** `trailhand assign`: gives the present state of a branch to another agent. */
import { assignBranch } from "../../app/assign.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, remoteOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";

export const command: Command = {
  name: "assign",
  writes: true,
  group: "work",
  what: "Give the present state of a branch to another agent of the workflow.",
  more: "Asks for the same state again, with the trailer `Assigned-To`. Parked work is resumed, and failed work is retried.",
  arguments: [{ name: "agent", what: "An agent of the workflow, or default." }, branchArgument],
  options: [remoteOption, jsonOption],
  examples: [{ line: "trailhand assign claude feat/login", what: "let another agent try" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const [agent = "", branch] = input.arguments;
  printRequest(terminal, input.has("json"), await assignBranch(await openForCall(call), agent, branch));
  return EXIT_CODE.done;
}
