/** `trailhand fork`: a new branch at any commit of past work, to try the same work another way. */
import { forkBranch } from "../../app/fork.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { jsonOption, messageOption, trailerOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";

export const command: Command = {
  name: "fork",
  writes: true,
  group: "fix",
  what: "Create a branch at any commit of past work, with a request to try the same work another way.",
  more: "The state is the one that was last requested at the commit or in its history. The prompt is repeated after your message, and `Forked-From` names the commit. The old branch stays as it is.",
  arguments: [
    { name: "commit", what: "Anything that names a commit of past work.", offers: "branch" },
    { name: "branch", what: "The new branch." },
  ],
  options: [
    messageOption,
    { name: "state", short: "s", value: "state", offers: "state", what: "Ask for this state." },
    trailerOption,
    jsonOption,
  ],
  examples: [
    {
      line: 'trailhand fork feat/login~2 feat/login-again -m "feat: log in, with a cache"',
      what: "the other branch goes on as it was",
    },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const [from = "", branch = ""] = input.arguments;
  const request = await forkBranch(await openForCall(call), {
    from,
    branch,
    state: input.value("state"),
    messages: input.values("message"),
    trailers: input.values("trailer"),
  });
  printRequest(terminal, input.has("json"), request);
  return EXIT_CODE.done;
}
