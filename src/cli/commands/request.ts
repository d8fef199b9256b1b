/** `trailhand request`: commits a request for a state. */
import { requestState } from "../../app/request.ts";
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { jsonOption, messageOption, remoteOption, trailerOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "request",
  aliases: ["set-state"],
  writes: true,
  group: "work",
  what: "Commit a request for a state, bound to its branch.",
  more: "The same as an empty commit with the trailers `State: <state>` and `Branch: <branch>`. Your files stay untouched, and need not be clean.",
  arguments: [{ name: "state", what: "The state to ask for.", offers: "state" }],
  options: [
    messageOption,
    {
      name: "branch",
      short: "b",
      value: "name",
      offers: "branch",
      what: "On this branch; default: the checked-out one.",
    },
    { name: "new", short: "n", value: "name", what: "On a new branch, created at the trusted branch." },
    trailerOption,
    {
      name: "event",
      value: "id",
      what: "The id of an external event. If the branch has it already, nothing is written.",
    },
    remoteOption,
    jsonOption,
  ],
  examples: [
    { line: "trailhand request check", what: "ask for a check of the checked-out branch" },
    {
      line: 'trailhand request check --new feat/login -m "feat: log in" -m "Five attempts a minute."',
      what: "on a new branch, with a prompt",
    },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const [newBranch, branch] = [input.value("new"), input.value("branch")];
  if (newBranch !== undefined && branch !== undefined)
    throw new UserError(MESSAGES.conflict("request", "branch", "new"));
  const isJson = input.has("json");
  const result = await requestState(await openForCall(call), {
    state: input.arguments[0] ?? "",
    branch,
    newBranch,
    messages: input.values("message"),
    trailers: input.values("trailer"),
    event: input.value("event"),
  });
  if (result.kind === "written") printRequest(terminal, isJson, result);
  else {
    const { branch: existing, state, commit, event } = result;
    if (isJson) printJson(terminal, { branch: existing, state, commit, known: true });
    else
      terminal.print(
        `${commit.slice(0, 10)} on ${existing} has the event ${event} already; nothing was written`,
      );
  }
  return EXIT_CODE.done;
}
