/**
 * Builds the updates of a response besides its own branch: the trusted branch, and requests of others.
 *
 * Invariants:
 * - They go in the swap of the response, each from the value in the snapshot.
 * - The history of a landed branch is kept under an archive ref.
 */
import { refOf, type Branch, type Sha } from "../../core/protocol/ids.ts";
import { archiveRef } from "../../core/protocol/refs.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { Claim } from "./lease-holder.ts";
import type { Repository, Update } from "../ports.ts";

export interface LandingUpdates {
  /** The update of the trusted branch. */
  readonly target: Update | undefined;
  /** The next state of its own branch. */
  readonly state: string;
  /** Responses to requests of other branches. */
  readonly others: readonly {
    readonly request: Request;
    readonly state: string;
    readonly message: string;
  }[];
}

export async function landingUpdates(
  objects: Pick<Repository, "commit" | "sign">,
  { run }: Pick<Claim, "run">,
  landing: LandingUpdates | undefined,
  response: Sha,
): Promise<Update[]> {
  if (!landing) return [];
  const { target, state, others } = landing;
  const landed: [Branch, Sha][] = target && state === "done" ? [[run.head.branch, response]] : [];
  const updates: Update[] = target ? [target] : [];
  for (const { request, state: otherState, message } of others) {
    const next = await objects.sign(await objects.commit(request.commit, request.commit, message));
    updates.push({ ref: refOf(request.branch), expected: request.commit, next });
    if (target && otherState === "done") landed.push([request.branch, next]);
  }
  const archived = landed.map(([branch, next]): Update => ({
    ref: archiveRef(branch, next),
    expected: null,
    next,
  }));
  return [...updates, ...archived];
}
