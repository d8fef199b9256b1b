/**
 * Writes a person's request or verdict as a commit on a branch.
 *
 * What must hold: it is the person's own commit, so an identity is needed; the branch moves by
 * compare-and-swap; the tree does not change, so no checkout needs to be clean.
 */
import { composeMessage } from "../core/protocol/compose.ts";
import { refOf, type Branch, type Sha } from "../core/protocol/ids.ts";
import type { Trailer } from "../core/protocol/trailer-block.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Update } from "../engine/ports.ts";
import type { Workspace } from "./workspace.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

export interface RequestDraft {
  readonly branch: Branch;
  readonly parent: Sha;
  /** Null when the branch is new. */
  readonly expected: Sha | null;
  readonly state: string;
  /** The key of the state; `State` when left out. */
  readonly key?: string;
  readonly messages: readonly string[];
  readonly trailers: readonly Trailer[];
  /** Further refs to move in the same swap. */
  readonly also?: readonly Update[];
}

/** Returns the commit. Throws a Fault without an identity, or when the branch moved meanwhile. */
export async function writeRequest(workspace: Workspace, wish: RequestDraft): Promise<Sha> {
  const [commit] = await writeRequests(workspace, [wish]);
  return commit as Sha;
}

/** Writes all of them in one swap, or none. */
export async function writeRequests(
  { repository, location }: Workspace,
  wishes: readonly RequestDraft[],
): Promise<Sha[]> {
  const commits = await Promise.all(wishes.map((wish) => commitOf(repository, location.person, wish)));
  const moves = wishes.map(({ branch, expected }, at): Update => ({
    ref: refOf(branch),
    expected,
    next: commits[at] as Sha,
  }));
  const also = wishes.flatMap((wish) => wish.also ?? []);
  const [{ branch, state } = { branch: "", state: "" }] = wishes;
  const swap = await repository.moveWithoutCheckouts([...moves, ...also], `request ${state}`);
  if (swap.kind !== "landed") throw new UserError(MESSAGES.headMoved(branch));
  return commits;
}

async function commitOf(
  repository: Workspace["repository"],
  person: Workspace["location"]["person"],
  wish: RequestDraft,
): Promise<Sha> {
  if (!person) throw new UserError(MESSAGES.noIdentity());
  const [header = `trailhand: please ${wish.state}`, ...paragraphs] = wish.messages;
  const message = composeMessage({
    header,
    body: paragraphs.join("\n\n"),
    trailers: [
      ...wish.trailers,
      { key: wish.key ?? KEY.state, value: wish.state },
      { key: KEY.branch, value: wish.branch },
    ],
  });
  return repository.requestCommit(wish.parent, message, person);
}
