/** Repeats the last request of a branch, for `resume` and `retry`. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { parseRequest, type Commit, type Request } from "../core/protocol/request.ts";
import { isReservedState } from "../core/workflow/workflow.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { Update } from "../engine/ports.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import { parseTrailerOption, requireNoCycle } from "./parse-trailer-option.ts";
import type { Workspace } from "./workspace.ts";
import { writeRequest } from "./write-request.ts";
import type { RequestText, WrittenRequest } from "../core/protocol/request-text.ts";

/** What is repeated, and where. */
export interface RepeatRequest {
  readonly verb: "resume" | "retry";
  readonly head: Head;
  /** Default: the last one in the history of the branch. */
  readonly request?: Request | undefined;
  /** The subject when the person gives none. */
  readonly header: (state: string) => string;
  readonly also?: readonly Update[];
}

/** Throws a UserError when the branch has no request in its history. */
export async function requestAgain(
  workspace: Workspace,
  { verb, head, request: known, header, also = [] }: RepeatRequest,
  { messages, trailers }: RequestText,
): Promise<WrittenRequest> {
  const { branch, commit } = head;
  const request = known ?? lastRequest(branch, await readTrail(workspace.location, commit, DEPTH.request));
  if (!request) throw new UserError(MESSAGES.nothingTo(verb, branch, "its history has no request"));
  const { state, key } = request;
  const written = await writeRequest(workspace, {
    branch,
    parent: commit,
    expected: commit,
    state,
    key,
    trailers,
    messages: messages.length > 0 ? messages : [header(state)],
    also,
  });
  return { branch, state, commit: written };
}

/** The newest request for a state that is not reserved. `trail` is newest first. */
function lastRequest(branch: Branch, trail: readonly Commit[]): Request | undefined {
  for (const commit of trail) {
    const reading = parseRequest(branch, commit);
    if (reading.kind === "request" && !isReservedState(reading.state)) return reading;
  }
  return undefined;
}

/** What a person typed: trailers as `Key: value`. */
export interface TypedText {
  readonly messages: readonly string[];
  readonly trailers: readonly string[];
}

/** Throws a UserError also for trailers that a runner could not read, or that close a cycle. */
export async function requestAgainAsTyped(
  workspace: Workspace,
  again: RepeatRequest,
  typed: TypedText,
): Promise<WrittenRequest> {
  const trailers = typed.trailers.map(parseTrailerOption);
  await requireNoCycle(workspace, again.head.branch, trailers);
  return requestAgain(workspace, again, { messages: typed.messages, trailers });
}
