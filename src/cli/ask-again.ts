/** Writes the request that `resume` and `retry` have in common: the last one of a branch, once more. */
import type { Request } from "../core/request.ts";
import type { Head } from "../core/view.ts";
import { EXIT, Fault, words } from "../core/words.ts";
import { readTrail } from "../git/repository.ts";
import type { Update } from "../runner/ports.ts";
import type { Site } from "../site.ts";
import type { Call } from "./call.ts";
import { report } from "./do/request.ts";
import { lastRequested } from "./last-requested.ts";
import { readTrailer, requireNoRing } from "./read-trailer.ts";
import { writeRequest } from "./write-request.ts";

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
  const { branch, commit } = again.head;
  const trailers = input.values("trailer").map(readTrailer);
  const below = again.below ?? lastRequested(branch, await readTrail(site.place, commit, DEPTH));
  if (!below) throw new Fault(words.nothingTo(input.command.name, branch, "no request is below its head"));
  const { state, key } = below;
  const given = input.values("message");
  await requireNoRing(site, branch, trailers);
  const written = await writeRequest(site, {
    branch,
    parent: commit,
    expected: commit,
    state,
    key,
    trailers,
    messages: given.length > 0 ? given : [again.header(state)],
    also: again.also ?? [],
  });
  report(terminal, input.has("json"), { branch, state, commit: written });
  return EXIT.done;
}
