/**
 * Reads the hand-offs in the history of a branch: its requests, responses and commits of people.
 *
 * Invariants:
 * - Commits that a script made lie between a request and its response. They are skipped, whatever
 *   their trailers say.
 * - Reading stops at a response whose request is not in the history.
 */
import type { Sha } from "./ids.ts";
import { parseMessage, valueOf, type Message } from "./message.ts";
import type { Commit } from "./request.ts";
import { KEY } from "./trailer-keys.ts";

export interface HandOff {
  readonly commit: Commit;
  readonly message: Message;
  /** The answered request; undefined for a commit of a person, and for the first request of a child. */
  readonly answers: Sha | undefined;
  readonly isByPerson: boolean;
}

/** Returns them newest first, with the head. `trail` is first-parent history, newest first. */
export function readHandOffs(trail: readonly Commit[]): HandOff[] {
  const steps: HandOff[] = [];
  for (let at = 0; at >= 0 && at < trail.length;) {
    const commit = trail[at];
    if (!commit) break;
    const message = parseMessage(commit.message);
    const answers = valueOf(message.trailers, KEY.answers) as Sha | undefined;
    const isNewBranch = answers === undefined && valueOf(message.trailers, KEY.parent) !== undefined;
    steps.push({ commit, message, answers, isByPerson: answers === undefined && !isNewBranch });
    at = answers === undefined ? at + 1 : trail.findIndex(({ commit: id }) => id === answers);
  }
  return steps;
}
