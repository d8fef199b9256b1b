/** Reads the summary of a job from the repository. It never throws, so that a failed job has one too. */
import { formatDuration } from "../core/util/duration.ts";
import { formatMermaid } from "../core/workflow/graph.ts";
import type { Branch, Sha } from "../core/protocol/ids.ts";
import { readTimeline, type TimelineStep } from "../core/analysis/timeline.ts";
import { readTrail } from "../git/local-repository.ts";
import { remoteOf, type JobContext } from "../github/api/actions-context.ts";
import type { JobSummary, SummaryHandOff, SummaryWait } from "../github/display/actions-summary.ts";
import type { RunnerEvent } from "../engine/ports.ts";
import type { Workspace } from "../app/workspace.ts";
import { currentTime, reasonIn, stateOf, listBranches, type BranchListing } from "../app/branch-listing.ts";
import { DEPTH } from "../engine/timing.ts";

type Answered = Extract<RunnerEvent, { kind: "answered" }>;

export async function readJobSummary(
  workspace: Workspace | undefined,
  job: JobContext,
  messages: readonly string[],
  events: readonly RunnerEvent[],
): Promise<JobSummary> {
  const answered = events.flatMap((event) => (event.kind === "answered" ? [event] : []));
  const listing = workspace && (await listBranchesSafely(workspace));
  const steps =
    workspace && listing ? await readSteps(workspace, listing, answered) : new Map<Sha, TimelineStep>();
  const waiting = listing ? waitsFor(listing) : [];
  return {
    messages: [...messages, ...events.flatMap((event) => (event.kind === "fault" ? [event.what] : []))],
    handOffs: answered.map((event) => handOffOf(event, steps.get(event.commit))),
    waiting,
    address: remoteOf(job),
    drawing: listing && answered.length > 0 ? drawWorkflow(listing, answered) : undefined,
  };
}

async function listBranchesSafely(workspace: Workspace): Promise<BranchListing | undefined> {
  try {
    return await listBranches(workspace, currentTime());
  } catch {
    return undefined;
  }
}

/** The steps of the responses, for branches that still exist. */
async function readSteps(
  workspace: Workspace,
  { snapshot }: BranchListing,
  answered: readonly Answered[],
): Promise<Map<Sha, TimelineStep>> {
  const branches = new Set<Branch>(answered.map(({ branch }) => branch));
  const heads = snapshot.heads.filter(({ branch }) => branches.has(branch));
  const steps = new Map<Sha, TimelineStep>();
  for (const { branch, commit } of heads) {
    const trail = await readTrail(workspace.location, commit, DEPTH.timeline);
    for (const step of readTimeline(branch, trail, [])) steps.set(step.commit, step);
  }
  return steps;
}

function handOffOf(event: Answered, step: TimelineStep | undefined): SummaryHandOff {
  const { branch, commit, state, next, tookMs, why } = event;
  return {
    branch,
    commit,
    from: state,
    to: next,
    by: step?.by,
    took: step?.took ?? formatDuration(tookMs),
    cost: step?.cost,
    why,
  };
}

function waitsFor(listing: BranchListing): SummaryWait[] {
  return listing.decisions.flatMap((decision) => {
    const reason = reasonIn(listing, decision);
    if (reason.turn !== "person") return [];
    const { head } = decision;
    return [
      {
        branch: head.branch,
        state: stateOf(listing.snapshot, head),
        why: reason.sentence,
        next: reason.next,
      },
    ];
  });
}

/** Marks the current state when the job worked on a single branch. */
function drawWorkflow(
  { snapshot, trustedConfig }: BranchListing,
  answered: readonly Answered[],
): string | undefined {
  if (trustedConfig.problems.length > 0 || !trustedConfig.hasStates) return undefined;
  const [branch, ...others] = new Set(answered.map((event) => event.branch));
  const head =
    others.length === 0 ? snapshot.heads.find((candidate) => candidate.branch === branch) : undefined;
  return formatMermaid(trustedConfig.workflow, head && stateOf(snapshot, head));
}
