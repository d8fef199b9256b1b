/**
 * What an answer moves beyond its own branch: the trusted one, and requests of others.
 *
 * What must hold: all of it goes in the swap of the answer, each ref from the value that was looked
 * at; the history of what lands is kept.
 */
import { refOf, type Branch, type Sha } from "../../core/protocol/ids.ts";
import { archiveRef } from "../../core/protocol/refs.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { Claim } from "./lease-holder.ts";
import type { Ports, Update } from "../ports.ts";

export interface LandingUpdates {
  /** The trusted branch. */
  readonly land: Update | undefined;
  /** What its own branch is answered with. */
  readonly state: string;
  /** Answers to requests of other branches. */
  readonly others: readonly {
    readonly request: Request;
    readonly state: string;
    readonly message: string;
  }[];
}

/** The updates of what an answer moves beyond its own branch. What lands is kept under the archive. */
export async function landingUpdates(
  { repository }: Ports,
  held: Claim,
  beyond: LandingUpdates | undefined,
  commit: Sha,
): Promise<Update[]> {
  if (!beyond) return [];
  const isOwn = beyond.land !== undefined && beyond.state === "done";
  const landed: [Branch, Sha][] = isOwn ? [[held.run.head.branch, commit]] : [];
  const moves: Update[] = beyond.land ? [beyond.land] : [];
  for (const { request, state, message } of beyond.others) {
    const next = await repository.commit(request.commit, request.commit, message);
    moves.push({ ref: refOf(request.branch), expected: request.commit, next });
    if (beyond.land && state === "done") landed.push([request.branch, next]);
  }
  const archived = landed.map(([branch, next]): Update => ({
    ref: archiveRef(branch, next),
    expected: null,
    next,
  }));
  return [...moves, ...archived];
}
