/**
 * Looks at all branches as GitHub is to be told of them: decisions, states, hand-offs.
 *
 * What must hold: nothing is written; a branch that nobody asked anything of costs nothing.
 */
import { readTrail } from "../git/local-repository.ts";
import type { Branch, Ref, Sha } from "../core/protocol/ids.ts";
import { archiveRef } from "../core/protocol/refs.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { readTimeline } from "../core/analysis/timeline.ts";
import type { Commit } from "../core/protocol/request.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { ownTrail } from "../github/display/project.ts";
import { mayBeMerged } from "../github/display/pull-request.ts";
import { checkStatusOf, type BranchView } from "../github/display/branch-status.ts";
import type { Workspace } from "../app/workspace.ts";
import { asAdmitted, currentTime, reasonIn, stateOf, listBranches } from "../app/branch-listing.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { DEPTH } from "../engine/timing.ts";

export interface BranchOverview {
  readonly views: readonly BranchView[];
  readonly workflow: Workflow;
  /** The trusted branch. */
  readonly target: Branch;
  /** Milliseconds since 1970. */
  readonly now: number;
}

interface Past extends Pick<BranchView, "trail" | "timeline"> {
  /** Whether this commit of the trusted branch has it. */
  readonly arrival?: { readonly at: Sha | undefined; readonly arrived: BranchView["merged"] };
}

/** What was read of a branch at an earlier look, by its commit and its journal's. */
export type OverviewCache = Map<string, Past>;

/** One look. A `memory` that is given again spares reading what did not change. */
export async function overviewBranches(
  workspace: Workspace,
  memory: OverviewCache = new Map(),
): Promise<BranchOverview> {
  const found = await listBranches(workspace, currentTime());
  const { snapshot, trustedConfig, now } = found;
  const shown = found.decisions
    .map((one) => asAdmitted(found, one))
    .map((decision): BranchView => {
      const { head } = decision;
      const approved = snapshot.facts.approvalStates.get(head.key);
      const state = stateOf(snapshot, head) ?? approved?.request.state;
      const reason = reasonIn(found, decision);
      return { decision, reason, state, approvalTarget: approved?.approvedCommit, trail: [], timeline: [] };
    })
    .filter((one) => checkStatusOf(one) !== undefined);
  const journals = shown.map(({ decision }) => refsOf(decision.head.key).journal);
  const archives = shown.flatMap((one) => (one.state === "done" ? [archiveOf(one)] : []));
  const refs = [...journals, ...archives];
  const tips = refs.length === 0 ? new Map<Ref, null>() : await workspace.repository.read(refs);
  const trusted = snapshot.heads.find(({ branch }) => branch === snapshot.target)?.commit;
  const views: BranchView[] = [];
  const read: OverviewCache = new Map();
  for (const [at, one] of shown.entries()) {
    const { head } = one.decision;
    const tip = tips.get(journals[at] as Ref) ?? undefined;
    const key = `${head.branch} ${head.commit} ${tip}`;
    const past: Past = memory.get(key) ?? (await readPast(workspace, head, tip));
    const all: BranchView = { ...one, trail: past.trail, timeline: past.timeline };
    const isLanded = one.state === "done" && tips.get(archiveOf(one)) === head.commit;
    const isWanted = !isLanded && head.branch !== snapshot.target && mayBeMerged(all, trustedConfig.workflow);
    const known = past.arrival?.at === trusted ? past.arrival : undefined;
    const arrival = isWanted
      ? (known ?? { at: trusted, arrived: await arrivedAt(workspace, trusted, all) })
      : undefined;
    read.set(key, arrival ? { ...past, arrival } : past);
    views.push({ ...all, merged: isLanded ? "landed" : arrival?.arrived });
  }
  memory.clear();
  for (const [key, past] of read) memory.set(key, past);
  return { views, workflow: trustedConfig.workflow, target: snapshot.target, now: now.wall };
}

const archiveOf = ({ decision: { head } }: Pick<BranchView, "decision">): Ref =>
  archiveRef(head.branch, head.commit);

/** How the trusted branch has the head, when it stands at this commit. */
async function arrivedAt(
  { repository }: Workspace,
  trusted: Sha | undefined,
  seen: BranchView,
): Promise<BranchView["merged"]> {
  const { branch, commit } = seen.decision.head;
  if (trusted === undefined || !(await repository.isAncestor(commit, trusted))) return undefined;
  // A branch that was only just made from the trusted one holds its commits, and has done nothing.
  const names = ({ message }: Commit) => valueOf(parseMessage(message).trailers, KEY.branch) === branch;
  return seen.trail.some(names) ? "head" : "nothing";
}

async function readPast(workspace: Workspace, { branch, commit }: Head, journal: Sha | undefined) {
  const trail = ownTrail(branch, await readTrail(workspace.location, commit, DEPTH.timeline));
  const attempts = journal === undefined ? [] : await readTrail(workspace.location, journal, DEPTH.timeline);
  return { trail, timeline: readTimeline(branch, trail, attempts) };
}
