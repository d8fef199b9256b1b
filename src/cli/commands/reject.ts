/** `trailhand reject`: sends back work that waits for a person. */
import { rejectBranch } from "../../app/reject.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, messageOption, remoteOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";

export const command: Command = {
  name: "reject",
  writes: true,
  group: "work",
  what: "Send back work that waits for a person.",
  more: "The work goes to the one state that leads back: a state that it has passed, `failed`, or a state named `rejected`. A request that waits for approvals goes to the `otherwise` of its state. Where several states lead back, the command lists them; where none does, the work is cancelled.",
  arguments: [branchArgument],
  options: [
    { ...messageOption, what: "The reason; each further one is a paragraph." },
    remoteOption,
    jsonOption,
  ],
  examples: [
    { line: 'trailhand reject feat/login -m "The limit applies to each address"', what: "send it back" },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const text = { messages: input.values("message"), trailers: [] };
  const request = await rejectBranch(await openForCall(call), input.arguments[0], text);
  printRequest(terminal, input.has("json"), request);
  return EXIT_CODE.done;
}
