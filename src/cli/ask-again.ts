/** Writes the request that `resume` and `retry` have in common: the last one of a branch, once more. */
import { EXIT_CODE } from "../core/messages/messages.ts";
import type { Workspace } from "../app/workspace.ts";
import type { CommandCall } from "./call.ts";
import { report } from "./do/request.ts";
import { parseTrailerOption, requireNoCycle } from "../app/parse-trailer-option.ts";
import { type RepeatRequest, requestAgain } from "../app/request-again.ts";

/** Returns the exit code. Throws a Fault when the branch has no request in its history. */
export async function repeatRequest(
  { input, terminal }: CommandCall,
  site: Workspace,
  again: RepeatRequest,
): Promise<number> {
  const trailers = input.values("trailer").map(parseTrailerOption);
  await requireNoCycle(site, again.head.branch, trailers);
  const said = { messages: input.values("message"), trailers };
  report(terminal, input.has("json"), await requestAgain(site, again, input.command.name, said));
  return EXIT_CODE.done;
}
