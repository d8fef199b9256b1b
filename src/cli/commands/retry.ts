/** `trailhand retry`: requests a state again after it failed, or ends its back-off early. */
import { retryBranch } from "../../app/retry.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, messageOption, remoteOption, trailerOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";

export const command: Command = {
  name: "retry",
  writes: true,
  group: "fix",
  what: "Request a state again after it failed, or end its back-off early.",
  arguments: [branchArgument],
  options: [messageOption, trailerOption, remoteOption, jsonOption],
  examples: [{ line: "trailhand retry feat/login", what: "with all its attempts again" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const text = { messages: input.values("message"), trailers: input.values("trailer") };
  const request = await retryBranch(await openForCall(call), input.arguments[0], text);
  printRequest(terminal, input.has("json"), request);
  return EXIT_CODE.done;
}
