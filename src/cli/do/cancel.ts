/** `trailhand cancel`: ends the work on a branch. A runner that is at it sees the branch move. */
import { isTerminal } from "../../core/workflow.ts";
import { EXIT, Fault, words } from "../../core/words.ts";
import { openSite } from "../../wire.ts";
import type { Run } from "../call.ts";
import { present, requireHead, stateOf, survey } from "../survey.ts";
import { printJson } from "../terminal.ts";
import { writeRequest } from "../write-request.ts";

export const run: Run = async ({ input, terminal, env }) => {
  const site = await openSite(input.directory, env, { remote: input.value("remote") });
  const { view } = await survey(site, present());
  const head = requireHead(site, view.heads, input.arguments[0]);
  const { branch, commit, asked } = head;
  const state = stateOf(view, head);
  if (state === undefined) throw new Fault(words.nothingTo("cancel", branch, "nothing is asked for there"));
  if (isTerminal(state)) throw new Fault(words.nothingTo("cancel", branch, `it ended as ${state}`));
  const lease = view.leases.get(head.key);
  const resting = lease?.lease?.rest !== undefined;
  const also = resting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [];
  const key = asked.kind === "request" ? asked.key : "State";
  const messages =
    input.values("message").length > 0 ? input.values("message") : [`trailhand: ${state} is cancelled`];
  const wish = {
    branch,
    parent: commit,
    expected: commit,
    state: "cancelled",
    key,
    trailers: [],
    messages,
    also,
  };
  const written = await writeRequest(site, wish);
  if (input.has("json")) printJson(terminal, { branch, state: "cancelled", commit: written });
  else terminal.print(`${branch} is cancelled (${written.slice(0, 10)})`);
  return EXIT.done;
};
