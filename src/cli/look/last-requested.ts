/** The newest commit of a history that asks for a state a script can have. */
import type { Branch } from "../../core/text/ids.ts";
import { parseRequest, type Commit, type Request } from "../../core/history/request.ts";
import { isReservedState } from "../../core/workflow/workflow.ts";

/** Undefined when there is none. `trail` is newest first. */
export function lastRequested(branch: Branch, trail: readonly Commit[]): Request | undefined {
  for (const commit of trail) {
    const asked = parseRequest(branch, commit);
    if (asked.kind === "request" && !isReservedState(asked.state)) return asked;
  }
  return undefined;
}
