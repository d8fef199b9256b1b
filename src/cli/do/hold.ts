/** `trailhand hold`: stops everything, says who did, and lets it go on. */
import { formatHold } from "../../core/scheduling/side-refs.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { findHold, type HoldInfo } from "../../app/history-queries.ts";
import { printJson, printable } from "../render/terminal.ts";
import { changeHold } from "../../app/hold.ts";

const REASON = "everything is stopped";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const given = input.values("message");
  if (input.has("off") && given.length > 0) throw new UserError(MESSAGES.conflict("hold", "off", "message"));
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  // At a remote, the look tells where the workflow wants our refs.
  await site.repository.listRefs();
  const held = await findHold(site);
  const say = (now: HoldInfo | undefined, text: string) => {
    if (input.has("json")) printJson(terminal, now ? { held: true, ...now } : { held: false });
    else terminal.print(text);
  };
  if (input.has("off")) {
    if (!held) throw new UserError(MESSAGES.notHeld());
    await changeHold(site, held, null);
    say(undefined, "Nothing is held any more.");
  } else if (held) {
    if (given.length > 0) throw new UserError(MESSAGES.alreadyHeld(held.reason, held.by));
    say(
      held,
      `Everything is held by ${printable(held.by)} since ${held.since}: ${printable(held.reason, 200)}`,
    );
    terminal.say("next: trailhand hold --off");
  } else {
    await changeHold(site, undefined, formatHold(given.join(" ") || REASON));
    const now = await findHold(site);
    say(now, `Everything is held: ${printable(now?.reason ?? "", 200)}`);
    terminal.say("next: trailhand hold --off");
  }
  return EXIT_CODE.done;
};
