/** `trailhand hold`: sets, shows and releases the hold that stops all runners. */
import { readHold, releaseHold, setHold } from "../../app/hold.ts";
import { EXIT_CODE, MESSAGES, UserError } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { openForCall } from "../open-for-call.ts";
import { jsonOption, messageOption, remoteOption } from "../options.ts";
import { printable, printJson } from "../render/terminal.ts";

const DEFAULT_REASON = "everything is stopped";

export const command: Command = {
  name: "hold",
  writes: true,
  group: "fix",
  what: "Stop everything: nothing new starts, and running scripts are stopped and their work is saved.",
  more: "Holds every runner of the repository, or of the remote, until someone releases it. No attempt is used up. While something is held, the command shows who holds it and why.",
  options: [
    { ...messageOption, what: "The reason, for everyone who waits." },
    { name: "off", what: "Release the hold, so that everything goes on." },
    remoteOption,
    jsonOption,
  ],
  examples: [
    { line: 'trailhand hold -m "the tests are broken on main"', what: "stop all runners" },
    { line: "trailhand hold --off", what: "go on" },
  ],
  run,
};

async function run(call: CommandCall): Promise<number> {
  const { input, terminal } = call;
  const isJson = input.has("json");
  const messages = input.values("message");
  if (input.has("off") && messages.length > 0)
    throw new UserError(MESSAGES.conflict("hold", "off", "message"));
  const workspace = await openForCall(call);
  if (input.has("off")) {
    await releaseHold(workspace);
    if (isJson) printJson(terminal, { held: false });
    else terminal.print("Nothing is held any more.");
    return EXIT_CODE.done;
  }
  const present = messages.length > 0 ? undefined : await readHold(workspace);
  const hold = present ?? (await setHold(workspace, messages.join(" ") || DEFAULT_REASON));
  const reason = printable(hold?.reason ?? "", 200);
  if (isJson) printJson(terminal, { held: true, ...hold });
  else if (present)
    terminal.print(`Everything is held by ${printable(present.by)} since ${present.since}: ${reason}`);
  else terminal.print(`Everything is held: ${reason}`);
  terminal.say("next: trailhand hold --off");
  return EXIT_CODE.done;
}
