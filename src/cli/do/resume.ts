/** `trailhand resume`: asks again for the state at which a branch was parked or taken over. */
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
  const { asked } = head;
  const standing = asked.kind === "request" && ["parked", "stalled", "waiting"].includes(asked.state);
  const takenOver = view.takenOver.get(head.key);
  if (!standing && !takenOver) {
    const why = asked.kind === "request" ? `it is at ${asked.state}` : "no request is below its head";
    throw new Fault(words.nothingTo("resume", head.branch, why));
  }
  const below = takenOver ?? lastRequested(head.branch, await readTrail(site.place, head.commit, DEPTH));
  if (!below) throw new Fault(words.nothingTo("resume", head.branch, "no request is below its head"));
  const { branch, commit } = head;
  const { state, key } = below;
  const wish = { branch, parent: commit, expected: commit, state, key, trailers: [] };
  const messages =
    input.values("message").length > 0 ? input.values("message") : [`trailhand: go on with ${state}`];
  report(terminal, input.has("json"), {
    branch,
    state,
    commit: await writeRequest(site, { ...wish, messages }),
  });
  return EXIT.done;
};
