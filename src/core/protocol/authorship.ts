/**
 * The request that began a line of hand-offs: what all of it is for.
 *
 * What must hold: what scripts committed in between is passed over; work that ended before, and
 * the work of another branch, is no part of the line; a child begins with what it was handed.
 */
import { valueOf } from "./message.ts";
import type { Commit, Request } from "./request.ts";
import { readHandOffs } from "./hand-offs.ts";
import { KEY } from "./trailer-keys.ts";

export interface Origin {
  readonly commit: string;
  readonly header: string;
  readonly body: string;
}

/** `trail` is the first-parent history of the request, newest first. */
export function originOf(request: Request, trail: readonly Commit[]): Origin {
  const { header, body } = request.message;
  let origin: Origin = { commit: request.commit, header, body };
  for (const [at, { commit, message, answers, byHand }] of readHandOffs(trail).entries()) {
    const state = valueOf(message.trailers, request.key);
    const branch = valueOf(message.trailers, KEY.branch);
    if (branch !== undefined && branch !== request.branch) break;
    // A line may begin again where one has ended.
    if (at > 0 && (state === "done" || state === "cancelled")) break;
    if (answers !== undefined || state === undefined) continue;
    origin = { commit: commit.commit, header: message.header, body: message.body };
    if (!byHand) break;
  }
  return origin;
}
