/** `trailhand cancel`: ends the work on a branch. A runner that is at it sees the branch move. */
import type { Branch } from "../../core/protocol/ids.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { currentTime, requireHead, listBranches } from "../../app/branch-listing.ts";
import { printJson, printable } from "../render/terminal.ts";
import { writeRequest } from "../../app/write-request.ts";
import { cancelledChildren, planCancel } from "../../app/cancel.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote") });
  const { snapshot } = await listBranches(site, currentTime());
  const head = requireHead(site, snapshot.heads, input.arguments[0]);
  const { branch } = head;
  const wish = planCancel(snapshot, head, { messages: input.values("message"), trailers: [] });
  const written = await writeRequest(site, wish);
  const children = cancelledChildren(branch, snapshot.heads);
  if (input.has("json")) printJson(terminal, { branch, state: "cancelled", commit: written, children });
  else {
    terminal.print(`${branch} is cancelled (${written.slice(0, 10)})`);
    if (children.length > 0)
      terminal.say(`${counted(children.length)} called off with it by the next run: ${listed(children)}`);
  }
  return EXIT_CODE.done;
};

const SHOWN = 8;
const counted = (n: number): string => (n === 1 ? "1 child is" : `${n} children are`);
const listed = (all: readonly Branch[]): string =>
  [
    ...all.slice(0, SHOWN).map((one) => printable(one, 80)),
    ...(all.length > SHOWN ? [`${all.length - SHOWN} more`] : []),
  ].join(", ");
