/** Writes the request that `resume` and `retry` have in common: the last one of a branch, once more. */
import type { Branch, Sha } from "../core/protocol/ids.ts";
import type { Request } from "../core/protocol/request.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { EXIT, Fault, words } from "../core/messages/messages.ts";
import { readTrail } from "../git/repository.ts";
import type { Update } from "../engine/ports.ts";
import type { Site } from "../app/workspace.ts";
import type { Call } from "./call.ts";
import { report } from "./do/request.ts";
import { lastRequested } from "../app/history-queries.ts";
import { readTrailer, requireNoRing } from "../app/parse-trailer-option.ts";
import { writeRequest, type Wish } from "../app/write-request.ts";

const DEPTH = 500;

export interface Again {
  readonly head: Head;
  /** What is asked for; looked for in the history when left out. */
  readonly below?: Request | undefined;
  /** The first line, when the person gives none. */
  readonly header: (state: string) => string;
  readonly also?: readonly Update[];
}

/** Returns the exit code. Throws a Fault when the branch has no request in its history. */
export async function askAgain({ input, terminal }: Call, site: Site, again: Again): Promise<number> {
  const trailers = input.values("trailer").map(readTrailer);
  await requireNoRing(site, again.head.branch, trailers);
  const said = { messages: input.values("message"), trailers };
  report(terminal, input.has("json"), await requestAgain(site, again, input.command.name, said));
  return EXIT.done;
}

/** Asks again. Throws a Fault when the branch has no request in its history. */
export async function requestAgain(
  site: Site,
  again: Again,
  verb: string,
  { messages, trailers }: Pick<Wish, "messages" | "trailers">,
): Promise<{ readonly branch: Branch; readonly state: string; readonly commit: Sha }> {
  const { branch, commit } = again.head;
  const below = again.below ?? lastRequested(branch, await readTrail(site.place, commit, DEPTH));
  if (!below) throw new Fault(words.nothingTo(verb, branch, "no request is below its head"));
  const { state, key } = below;
  const written = await writeRequest(site, {
    branch,
    parent: commit,
    expected: commit,
    state,
    key,
    trailers,
    messages: messages.length > 0 ? messages : [again.header(state)],
    also: again.also ?? [],
  });
  return { branch, state, commit: written };
}
