/**
 * The hand-offs in a branch's history: the commits that were heads when somebody acted on them.
 *
 * What must hold: what a script committed on its own lies between a request and its answer and is
 * passed over, whatever its trailers say; nothing below the first commit that cannot be followed counts.
 */
import type { Sha } from "./ids.ts";
import { parseMessage, valueOf, type Message } from "./message.ts";
import type { Commit } from "./request.ts";
import { KEY } from "./trailer-keys.ts";

export interface HandOff {
  readonly commit: Commit;
  readonly message: Message;
  /** The request that it answers; undefined for a commit of a person, and for the first of a child. */
  readonly answers: Sha | undefined;
  /** True for what a person wrote. */
  readonly byHand: boolean;
}

/** Newest first, the given head included. `trail` is first-parent history, newest first. */
export function readHandOffs(trail: readonly Commit[]): HandOff[] {
  const steps: HandOff[] = [];
  for (let at = 0; at >= 0 && at < trail.length;) {
    const commit = trail[at];
    if (!commit) break;
    const message = parseMessage(commit.message);
    const answers = valueOf(message.trailers, KEY.answers) as Sha | undefined;
    const isBirth = answers === undefined && valueOf(message.trailers, KEY.parent) !== undefined;
    steps.push({ commit, message, answers, byHand: answers === undefined && !isBirth });
    at = answers === undefined ? at + 1 : trail.findIndex(({ commit: id }) => id === answers);
  }
  return steps;
}
