/** Writes the last request of a branch again, for `resume` and `retry`. */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Branch, Sha } from "../core/protocol/ids.ts";
import type { Update } from "../engine/ports.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { Request } from "../core/protocol/request.ts";
import { readTrail } from "../git/local-repository.ts";
import { lastRequest } from "./history-queries.ts";
import type { Workspace } from "./workspace.ts";
import { type RequestDraft, writeRequest } from "./write-request.ts";
import { DEPTH } from "../engine/timing.ts";

/** Asks again. Throws a Fault when the branch has no request in its history. */
export async function requestAgain(
  workspace: Workspace,
  again: RepeatRequest,
  verb: string,
  { messages, trailers }: Pick<RequestDraft, "messages" | "trailers">,
): Promise<{ readonly branch: Branch; readonly state: string; readonly commit: Sha }> {
  const { branch, commit } = again.head;
  const below =
    again.below ?? lastRequest(branch, await readTrail(workspace.location, commit, DEPTH.request));
  if (!below) throw new UserError(MESSAGES.nothingTo(verb, branch, "no request is below its head"));
  const { state, key } = below;
  const written = await writeRequest(workspace, {
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

export interface RepeatRequest {
  readonly head: Head;
  /** What is asked for; looked for in the history when left out. */
  readonly below?: Request | undefined;
  /** The first line, when the person gives none. */
  readonly header: (state: string) => string;
  readonly also?: readonly Update[];
}
