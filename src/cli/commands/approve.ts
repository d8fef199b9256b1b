/** `trailhand approve`: lets work that waits for a person go on. */
import { approveBranch } from "../../app/approve.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall, pushLogOf } from "../open-for-call.ts";
import { branchArgument, jsonOption, messageOption, remoteOption } from "../options.ts";
import { printRequest } from "../render/print-request.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "approve",
  writes: true,
  group: "work",
  what: "Let work that waits for a person go on.",
  more: "A request that waits for approvals gets yours: the same as an empty commit with the trailer `Approves: <full id of the request>` on top of it. Any other commit there voids the approvals. Where the workflow says `proof: signature`, your ssh key signs the commit (`gpg.format ssh` and `user.signingkey`). At a state of a person, the work goes to the one state that leads forward; where there are several, the command lists them. Exit code 3: nothing was approved, and why.",
  arguments: [branchArgument],
  options: [
    { ...messageOption, what: "Your comment; each further one is a paragraph." },
    remoteOption,
    jsonOption,
  ],
  examples: [
    { line: "trailhand approve feat/login", what: "let it go on" },
    { line: 'trailhand approve feat/login -m "Looks good"', what: "with a comment" },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const isJson = input.has("json");
  const text = { messages: input.values("message"), trailers: [] };
  const workspace = await openForCall(call, await pushLogOf(call));
  const result = await approveBranch(workspace, input.arguments[0], text);
  if (result.kind === "requested") {
    printRequest(terminal, isJson, result);
    return EXIT_CODE.done;
  }
  const { branch, commit, approves, by, missing } = result;
  if (isJson) printJson(terminal, { branch, commit, approves, by, missing });
  else {
    terminal.print(`${commit.slice(0, 10)} approves ${approves.slice(0, 10)} on ${branch}`);
    terminal.say(missing === 0 ? "next: trailhand run" : `${missing} more to go`);
  }
  return EXIT_CODE.done;
}
