/** Begins a new branch at any commit of past work, to try the same work another way. */
import { draftFork } from "../core/analysis/fork.ts";
import { findLatestRequest } from "../core/analysis/hand-off-report.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { findOrigin } from "../core/protocol/origin.ts";
import { isReservedState } from "../core/workflow/workflow.ts";
import { DEPTH } from "../engine/timing.ts";
import { readTrail } from "../git/local-repository.ts";
import { requireBranchName } from "./find-branch.ts";
import { parseTrailerOption } from "./parse-trailer-option.ts";
import { requireState, stateKind, type WrittenState } from "./request.ts";
import { requireCommit } from "./show.ts";
import type { Workspace } from "./workspace.ts";
import { writeRequest } from "./write-request.ts";

export interface ForkDraft {
  /** A revision of past work, as git accepts it. */
  readonly from: string;
  readonly branch: string;
  /** Default: the state that was last requested at the commit or in its history. */
  readonly state: string | undefined;
  readonly messages: readonly string[];
  /** As `Key: value`. */
  readonly trailers: readonly string[];
}

export async function forkBranch(workspace: Workspace, draft: ForkDraft): Promise<WrittenState> {
  const branch = requireBranchName(draft.branch);
  const [at, { target, heads }] = await Promise.all([
    requireCommit(workspace, draft.from),
    workspace.repository.listRefs(),
  ]);
  if (heads.some((head) => head.branch === branch)) throw new UserError(MESSAGES.branchExists(branch));
  const trail = await readTrail(workspace.location, at.commit, DEPTH.request);
  const request = findLatestRequest(trail, (state) => !isReservedState(state));
  if (!request) throw new UserError(MESSAGES.noRequestInHistory(draft.from));
  const trustedConfig = await workspace.trustedConfig(target, heads);
  const state = requireState(trustedConfig, target, draft.state ?? request.state, undefined);
  const { header, body, trailers } = draftFork({
    at,
    request,
    origin: findOrigin(request, trail.slice(trail.findIndex(({ commit }) => commit === request.commit))),
    messages: draft.messages,
    trailers: draft.trailers.map(parseTrailerOption),
  });
  const commit = await writeRequest(workspace, {
    branch,
    parent: at.commit,
    expected: null,
    state,
    key: request.key,
    messages: [header, ...(body === undefined ? [] : [body])],
    trailers,
  });
  return { branch, state, commit, ...stateKind(trustedConfig.workflow, state) };
}
