/**
 * Writes a person's request or decision as a commit on a branch.
 *
 * Invariants:
 * - The author is the person, so git needs to know an identity.
 * - The branch moves by compare-and-swap.
 * - The tree does not change, so no checkout needs to be clean.
 */
import { composeMessage } from "../core/protocol/compose.ts";
import { refOf, type Branch, type Sha } from "../core/protocol/ids.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { RequestText } from "../core/protocol/request-text.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Update } from "../engine/ports.ts";
import type { Workspace } from "./workspace.ts";

export interface RequestDraft extends RequestText {
  readonly branch: Branch;
  readonly parent: Sha;
  /** Null when the branch is new. */
  readonly expected: Sha | null;
  readonly state: string;
  /** The key of the state; default: `State`. */
  readonly key?: string;
  /** Further refs to move in the same swap. */
  readonly also?: readonly Update[];
}

/** Throws a UserError without an identity, or when the branch moved in the meantime. */
export async function writeRequest(workspace: Workspace, draft: RequestDraft): Promise<Sha> {
  const [commit] = await writeRequests(workspace, [draft]);
  return commit as Sha;
}

/** Writes all requests in one swap, or none. */
export async function writeRequests(
  { repository, location }: Workspace,
  drafts: readonly RequestDraft[],
): Promise<Sha[]> {
  const commits = await Promise.all(drafts.map((draft) => commitOf(repository, location.person, draft)));
  const moves = drafts.map(({ branch, expected }, at): Update => ({
    ref: refOf(branch),
    expected,
    next: commits[at] as Sha,
  }));
  const also = drafts.flatMap((draft) => draft.also ?? []);
  const [{ branch, state } = { branch: "", state: "" }] = drafts;
  const swap = await repository.moveWithoutCheckouts([...moves, ...also], `request ${state}`);
  if (swap.kind !== "landed") throw new UserError(MESSAGES.headMoved(branch));
  return commits;
}

async function commitOf(
  repository: Workspace["repository"],
  person: Workspace["location"]["person"],
  draft: RequestDraft,
): Promise<Sha> {
  if (!person) throw new UserError(MESSAGES.noIdentity());
  const [header = `trailhand: please ${draft.state}`, ...paragraphs] = draft.messages;
  const message = composeMessage({
    header,
    body: paragraphs.join("\n\n"),
    trailers: [
      ...draft.trailers,
      { key: draft.key ?? KEY.state, value: draft.state },
      { key: KEY.branch, value: draft.branch },
    ],
  });
  return repository.requestCommit(draft.parent, message, person);
}
