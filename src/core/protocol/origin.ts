/**
 * Finds the request that started a piece of work.
 *
 * Invariants:
 * - Commits of scripts are skipped.
 * - Finished work below, and work of other branches, is not part of the piece.
 * - The work of a child starts with the request that its parent created.
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
export function findOrigin(request: Request, trail: readonly Commit[]): Origin {
  const { header, body } = request.message;
  let origin: Origin = { commit: request.commit, header, body };
  for (const [at, { commit, message, answers, isByPerson }] of readHandOffs(trail).entries()) {
    const state = valueOf(message.trailers, request.key);
    const branch = valueOf(message.trailers, KEY.branch);
    if (branch !== undefined && branch !== request.branch) break;
    // New work may start on top of finished work.
    if (at > 0 && (state === "done" || state === "cancelled")) break;
    if (answers !== undefined || state === undefined) continue;
    origin = { commit: commit.commit, header: message.header, body: message.body };
    if (!isByPerson) break;
  }
  return origin;
}
