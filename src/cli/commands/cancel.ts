/** `trailhand cancel`: ends the work on a branch. */
import { cancelBranch } from "../../app/cancel.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { branchArgument, jsonOption, messageOption, remoteOption } from "../options.ts";
import { printable, printJson } from "../render/terminal.ts";

/** More children than this are counted, not listed. */
const SHOWN = 8;

export const command: Command = {
  name: "cancel",
  aliases: ["stop"],
  writes: true,
  group: "fix",
  what: "End the work on a branch; its running script is stopped and its work is saved.",
  arguments: [branchArgument],
  options: [messageOption, remoteOption, jsonOption],
  examples: [{ line: "trailhand cancel feat/login", what: "stop it" }],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const text = { messages: input.values("message"), trailers: [] };
  const cancellation = await cancelBranch(await openForCall(call), input.arguments[0], text);
  const { branch, commit, children } = cancellation;
  if (input.has("json")) printJson(terminal, cancellation);
  else {
    terminal.print(`${branch} is cancelled (${commit.slice(0, 10)})`);
    if (children.length > 0) terminal.say(childrenHint(children));
  }
  return EXIT_CODE.done;
}

function childrenHint(children: readonly string[]): string {
  const count = children.length === 1 ? "1 child is" : `${children.length} children are`;
  const names = [
    ...children.slice(0, SHOWN).map((name) => printable(name, 80)),
    ...(children.length > SHOWN ? [`${children.length - SHOWN} more`] : []),
  ].join(", ");
  return `${count} cancelled with it by the next run: ${names}`;
}
