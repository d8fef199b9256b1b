/** `trailhand cancel`: ends the work on a branch. A runner that is at it sees the branch move. */
import type { Branch } from "../../core/protocol/ids.ts";
import { EXIT } from "../../core/messages/messages.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../../app/branch-listing.ts";
import { printJson, shown } from "../render/terminal.ts";
import { writeRequest } from "../../app/write-request.ts";
import { calledOff, cancelOf } from "../../app/cancel.ts";

export const run: Run = async ({ input, terminal, env }) => {
  const site = await openSite(input.directory, env, { remote: input.value("remote") });
  const { view } = await survey(site, present());
  const head = requireHead(site, view.heads, input.arguments[0]);
  const { branch } = head;
  const wish = cancelOf(view, head, { messages: input.values("message"), trailers: [] });
  const written = await writeRequest(site, wish);
  const children = calledOff(branch, view.heads);
  if (input.has("json")) printJson(terminal, { branch, state: "cancelled", commit: written, children });
  else {
    terminal.print(`${branch} is cancelled (${written.slice(0, 10)})`);
    if (children.length > 0)
      terminal.say(`${counted(children.length)} called off with it by the next run: ${listed(children)}`);
  }
  return EXIT.done;
};

const SHOWN = 8;
const counted = (n: number): string => (n === 1 ? "1 child is" : `${n} children are`);
const listed = (all: readonly Branch[]): string =>
  [
    ...all.slice(0, SHOWN).map((one) => shown(one, 80)),
    ...(all.length > SHOWN ? [`${all.length - SHOWN} more`] : []),
  ].join(", ");
