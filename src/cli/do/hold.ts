/** `trailhand hold`: stops everything, says who did, and lets it go on. */
import { formatHold } from "../../core/scheduling/side-refs.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { findHold, type Held } from "../../app/history-queries.ts";
import { printJson, shown } from "../render/terminal.ts";
import { moveHold } from "../../app/hold.ts";

const REASON = "everything is stopped";

export const run: Run = async ({ input, terminal, env }) => {
  const given = input.values("message");
  if (input.has("off") && given.length > 0) throw new Fault(words.conflict("hold", "off", "message"));
  const site = await openSite(input.directory, env, { remote: input.value("remote") });
  // At a remote, the look tells where the workflow wants our refs.
  await site.repository.look();
  const held = await findHold(site);
  const say = (now: Held | undefined, text: string) => {
    if (input.has("json")) printJson(terminal, now ? { held: true, ...now } : { held: false });
    else terminal.print(text);
  };
  if (input.has("off")) {
    if (!held) throw new Fault(words.notHeld());
    await moveHold(site, held, null);
    say(undefined, "Nothing is held any more.");
  } else if (held) {
    if (given.length > 0) throw new Fault(words.alreadyHeld(held.reason, held.by));
    say(held, `Everything is held by ${shown(held.by)} since ${held.since}: ${shown(held.reason, 200)}`);
    terminal.say("next: trailhand hold --off");
  } else {
    await moveHold(site, undefined, formatHold(given.join(" ") || REASON));
    const now = await findHold(site);
    say(now, `Everything is held: ${shown(now?.reason ?? "", 200)}`);
    terminal.say("next: trailhand hold --off");
  }
  return EXIT.done;
};
