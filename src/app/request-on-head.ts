/** Writes a person's request for a state on top of a head, under the state key that its branch already uses. */
import { KEY } from "../core/protocol/trailer-keys.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { BranchListing } from "./branch-listing.ts";
import { presentRequest } from "../core/scheduling/branch-position.ts";
import { stateKind, type WrittenState } from "./request.ts";
import type { Workspace } from "./workspace.ts";
import { writeRequest } from "./write-request.ts";
import type { RequestText } from "../core/protocol/request-text.ts";

export async function requestOnHead(
  workspace: Workspace,
  listing: BranchListing,
  head: Head,
  state: string,
  text: RequestText,
): Promise<WrittenState> {
  const { branch, commit: parent } = head;
  const key = presentRequest(listing, head)?.key ?? KEY.state;
  const commit = await writeRequest(workspace, { branch, parent, expected: parent, state, key, ...text });
  return { branch, state, commit, ...stateKind(listing.trustedConfig.workflow, state) };
}
