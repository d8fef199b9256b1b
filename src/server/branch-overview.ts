/** Reads all branches as the display on GitHub needs them: decisions, states and hand-offs. */
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

interface BranchHistory extends Pick<BranchView, "trail" | "timeline"> {
  /** Whether the trusted branch, at the commit `target`, contains the branch. */
  readonly mergeCheck?: { readonly target: Sha | undefined; readonly merged: BranchView["merged"] };
}

/** Histories of an earlier run, by branch, head and journal. */
export type OverviewCache = Map<string, BranchHistory>;

/** A reused `cache` saves reading unchanged branches again. */
export async function overviewBranches(
  workspace: Workspace,
  cache: OverviewCache = new Map(),
): Promise<BranchOverview> {
  const listing = await listBranches(workspace, currentTime());
  const { snapshot, trustedConfig, now } = listing;
  const shown = listing.decisions
    .map((decision) => asAdmitted(listing, decision))
    .map((decision): BranchView => {
      const { head } = decision;
      const approved = snapshot.facts.approvalStates.get(head.key);
      const state = stateOf(snapshot, head) ?? approved?.request.state;
      const reason = reasonIn(listing, decision);
      return { decision, reason, state, approvalTarget: approved?.approvedCommit, trail: [], timeline: [] };
    })
    .filter((view) => checkStatusOf(view) !== undefined);
  const journals = shown.map(({ decision }) => refsOf(decision.head.key).journal);
  const archives = shown.flatMap((view) => (view.state === "done" ? [archiveOf(view)] : []));
  const refs = [...journals, ...archives];
  const tips = refs.length === 0 ? new Map<Ref, null>() : await workspace.repository.read(refs);
  const trusted = snapshot.heads.find(({ branch }) => branch === snapshot.target)?.commit;
  const views: BranchView[] = [];
  const current: OverviewCache = new Map();
  for (const [at, view] of shown.entries()) {
    const { head } = view.decision;
    const tip = tips.get(journals[at] as Ref) ?? undefined;
    const key = `${head.branch} ${head.commit} ${tip}`;
    const history: BranchHistory = cache.get(key) ?? (await readHistory(workspace, head, tip));
    const full: BranchView = { ...view, trail: history.trail, timeline: history.timeline };
    const isLanded = view.state === "done" && tips.get(archiveOf(view)) === head.commit;
    const isRelevant =
      !isLanded && head.branch !== snapshot.target && mayBeMerged(full, trustedConfig.workflow);
    const cached = history.mergeCheck?.target === trusted ? history.mergeCheck : undefined;
    const mergeCheck = isRelevant
      ? (cached ?? { target: trusted, merged: await mergedInto(workspace, trusted, full) })
      : undefined;
    current.set(key, mergeCheck ? { ...history, mergeCheck } : history);
    views.push({ ...full, merged: isLanded ? "landed" : mergeCheck?.merged });
  }
  cache.clear();
  for (const [key, history] of current) cache.set(key, history);
  return { views, workflow: trustedConfig.workflow, target: snapshot.target, now: now.wall };
}

const archiveOf = ({ decision: { head } }: Pick<BranchView, "decision">): Ref =>
  archiveRef(head.branch, head.commit);

/** How the trusted branch, at the commit `trusted`, contains the branch. */
async function mergedInto(
  { repository }: Workspace,
  trusted: Sha | undefined,
  view: BranchView,
): Promise<BranchView["merged"]> {
  const { branch, commit } = view.decision.head;
  if (trusted === undefined || !(await repository.isAncestor(commit, trusted))) return undefined;
  // A new branch without own commits is contained in the trusted branch, and has no work to merge.
  const namesBranch = ({ message }: Commit) => valueOf(parseMessage(message).trailers, KEY.branch) === branch;
  return view.trail.some(namesBranch) ? "head" : "nothing";
}

async function readHistory(workspace: Workspace, { branch, commit }: Head, journal: Sha | undefined) {
  const trail = ownTrail(branch, await readTrail(workspace.location, commit, DEPTH.timeline));
  const attempts = journal === undefined ? [] : await readTrail(workspace.location, journal, DEPTH.timeline);
  return { trail, timeline: readTimeline(branch, trail, attempts) };
}
