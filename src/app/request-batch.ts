/**
 * Writes requests on several branches in one swap, each only if its branch still has the head that the
 * caller saw.
 */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { parseSha, type Branch, type Sha } from "../core/protocol/ids.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import { currentTime, listBranches } from "./branch-listing.ts";
import { presentRequest } from "../core/scheduling/branch-position.ts";
import { requireHead } from "./find-branch.ts";
import { formatProblems } from "./open-workspace.ts";
import { requireState } from "./request.ts";
import type { Workspace } from "./workspace.ts";
import { writeRequests, type RequestDraft } from "./write-request.ts";
import type { RequestText, WrittenRequest } from "../core/protocol/request-text.ts";

export interface BranchRequest extends RequestText {
  readonly branch: Branch;
  readonly state: string;
  /** Null creates the branch. */
  readonly expectedHead: Sha | null;
  /** Where a new branch begins; default: at the trusted branch. */
  readonly startPoint?: Sha | undefined;
}

/** Throws a UserError when one of the requests is not possible; then none is written. */
export async function requestBatch(
  workspace: Workspace,
  requests: readonly BranchRequest[],
): Promise<WrittenRequest[]> {
  const listing = await listBranches(workspace, currentTime());
  const { snapshot, trustedConfig } = listing;
  const { target, heads } = snapshot;
  const { problems, workflow } = trustedConfig;
  if (problems.length > 0)
    throw new UserError(MESSAGES.brokenWorkflow(`${target}:${WORKFLOW_FILE}`, formatProblems(problems)));
  const trusted = (await requireHead(workspace, heads, target)).commit;
  const drafts = requests.map(
    ({ branch, state, expectedHead, startPoint, messages, trailers }): RequestDraft => {
      const head = heads.find((candidate) => candidate.branch === branch);
      if (expectedHead === null && head) throw new UserError(MESSAGES.branchExists(branch));
      if (expectedHead !== null && head?.commit !== expectedHead)
        throw new UserError(MESSAGES.headMoved(branch));
      if (branch === target && workflow.target === "ignore") throw new UserError(MESSAGES.onTarget(branch));
      const present = head && presentRequest(listing, head);
      requireState(trustedConfig, target, state, present && workflow.states[present.state]);
      const parent = expectedHead ?? startPoint ?? trusted;
      if (!parseSha(parent)) throw new UserError(MESSAGES.noSuchCommit(parent));
      return { branch, parent, expected: expectedHead, state, messages, trailers };
    },
  );
  const commits = await writeRequests(workspace, drafts);
  return drafts.map(({ branch, state }, index) => ({ branch, state, commit: commits[index] as Sha }));
}
