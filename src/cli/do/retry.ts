/** `trailhand retry`: asks again for a state that failed, or ends a rest before its time. */
import { EXIT, Fault, words } from "../../core/words.ts";
import { readTrail } from "../../git/repository.ts";
import { openSite } from "../../wire.ts";
import { lastRequested } from "../last-requested.ts";
import type { Run } from "../call.ts";
import { present, requireHead, survey } from "../survey.ts";
import { writeRequest } from "../write-request.ts";
import { report } from "./request.ts";

const DEPTH = 500;

export const run: Run = async ({ input, terminal, env }) => {
  const site = await openSite(input.directory, env);
  const { view } = await survey(site, present());
  const head = requireHead(site, view.heads, input.arguments[0]);
  const { asked, branch, commit } = head;
  const lease = view.leases.get(head.key);
  const resting = lease?.lease?.rest !== undefined && lease.lease.request === commit;
  const failed =
    asked.kind === "request" && ["failed", "cancelled", "parked", "stalled"].includes(asked.state);
  if (!failed && !resting) {
    const why =
      asked.kind === "request" ? `it is at ${asked.state}, and nothing failed` : "nothing failed there";
    throw new Fault(words.nothingTo("retry", branch, why));
  }
  const below = lastRequested(branch, await readTrail(site.place, commit, DEPTH));
  if (!below) throw new Fault(words.nothingTo("retry", branch, "no request is below its head"));
  const { state, key } = below;
  const also = resting ? [{ ref: lease.ref, expected: lease.value, next: null }] : [];
  const messages =
    input.values("message").length > 0 ? input.values("message") : [`trailhand: ${state} once more`];
  const wish = { branch, parent: commit, expected: commit, state, key, trailers: [], messages, also };
  report(terminal, input.has("json"), { branch, state, commit: await writeRequest(site, wish) });
  return EXIT.done;
};
