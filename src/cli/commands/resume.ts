/** `trailhand resume`: continues where the work stopped, after `parked` or after commits of a person. */
import { resumeBranch } from "../../app/resume.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, messageOption, remoteOption, trailerOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";

export const command: Command = {
  name: "resume",
  writes: true,
  group: "fix",
  what: "Continue where the work stopped: after `parked`, or after your own commits.",
  arguments: [branchArgument],
  options: [messageOption, trailerOption, remoteOption, jsonOption],
  examples: [
    { line: "trailhand resume feat/login", what: "go on after your own commits" },
    { line: 'trailhand resume feat/login --trailer "Budget: 10 USD"', what: "allow it to spend more" },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const text = { messages: input.values("message"), trailers: input.values("trailer") };
  const request = await resumeBranch(await openForCall(call), input.arguments[0], text);
  printRequest(terminal, input.has("json"), request);
  return EXIT_CODE.done;
}
