/** Writes the request that `resume` and `retry` have in common: the last one of a branch, once more. */
import { EXIT } from "../core/messages/messages.ts";
import type { Site } from "../app/workspace.ts";
import type { Call } from "./call.ts";
import { report } from "./do/request.ts";
import { readTrailer, requireNoRing } from "../app/parse-trailer-option.ts";
import { type Again, requestAgain } from "../app/request-again.ts";

/** Returns the exit code. Throws a Fault when the branch has no request in its history. */
export async function askAgain({ input, terminal }: Call, site: Site, again: Again): Promise<number> {
  const trailers = input.values("trailer").map(readTrailer);
  await requireNoRing(site, again.head.branch, trailers);
  const said = { messages: input.values("message"), trailers };
  report(terminal, input.has("json"), await requestAgain(site, again, input.command.name, said));
  return EXIT.done;
}
