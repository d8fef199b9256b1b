/** `trailhand cancel`: ends the work on a branch. A runner that is at it sees the branch move. */
import type { Branch } from "../../core/protocol/ids.ts";
import type { Head, View } from "../../core/scheduling/snapshot.ts";
import { isTerminal } from "../../core/workflow/workflow.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { present, requireHead, stateOf, survey } from "../../app/branch-listing.ts";
import { printJson, shown } from "../render/terminal.ts";
import { writeRequest, type Wish } from "../../app/write-request.ts";

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

/** The end of the work on a branch. Throws a Fault when there is none that goes on. */
export function cancelOf(
  view: View,
  head: Head,
  { messages, trailers }: Pick<Wish, "messages" | "trailers">,
): Wish {
  const { branch, commit, asked } = head;
  const state = stateOf(view, head);
  if (state === undefined) throw new Fault(words.nothingTo("cancel", branch, "nothing is asked for there"));
  if (isTerminal(state)) throw new Fault(words.nothingTo("cancel", branch, `it ended as ${state}`));
  const lease = view.leases.get(head.key);
  const resting = lease?.lease?.rest !== undefined;
  return {
    branch,
    parent: commit,
    expected: commit,
    state: "cancelled",
    key: asked.kind === "request" ? asked.key : "State",
    trailers,
    messages: messages.length > 0 ? messages : [`trailhand: ${state} is cancelled`],
    also: resting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [],
  };
}

/** The branches that it handed out, and that those did, as far as their work goes on. */
function calledOff(branch: Branch, heads: readonly Head[]): Branch[] {
  const own = heads.filter(
    ({ asked }) => asked.kind === "request" && asked.parent === branch && !isTerminal(asked.state),
  );
  return own.flatMap((head) => [head.branch, ...calledOff(head.branch, heads)]);
}

const SHOWN = 8;
const counted = (n: number): string => (n === 1 ? "1 child is" : `${n} children are`);
const listed = (all: readonly Branch[]): string =>
  [
    ...all.slice(0, SHOWN).map((one) => shown(one, 80)),
    ...(all.length > SHOWN ? [`${all.length - SHOWN} more`] : []),
  ].join(", ");
