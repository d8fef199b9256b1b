/**
 * What a job came to, read from the repository once it has ended.
 *
 * What must hold: it never throws: a job that failed has a summary too.
 */
import { formatDuration } from "../core/util/duration.ts";
import { formatMermaid } from "../core/workflow/graph.ts";
import type { Branch, Sha } from "../core/protocol/ids.ts";
import { readTimeline, type Step } from "../core/analysis/timeline.ts";
import { readTrail } from "../git/repository.ts";
import { remoteOf, type Seat } from "../github/api/actions-context.ts";
import type { Came, Handed, Waiting } from "../github/display/actions-summary.ts";
import type { Event } from "../engine/ports.ts";
import type { Site } from "../app/workspace.ts";
import { present, reasonIn, stateOf, survey, type Survey } from "../app/branch-listing.ts";

const DEPTH = 200;

type Answered = Extract<Event, { kind: "answered" }>;

export async function readCame(
  site: Site | undefined,
  seat: Seat,
  said: readonly string[],
  events: readonly Event[],
): Promise<Came> {
  const answered = events.flatMap((event) => (event.kind === "answered" ? [event] : []));
  const found = site && (await surveyOrNothing(site));
  const steps = site && found ? await readSteps(site, found, answered) : new Map<Sha, Step>();
  const waiting = found ? waitingIn(found) : [];
  return {
    said: [...said, ...events.flatMap((event) => (event.kind === "fault" ? [event.what] : []))],
    handed: answered.map((event) => handedBy(event, steps.get(event.commit))),
    waiting,
    address: remoteOf(seat),
    drawing: found && answered.length > 0 ? drawingOf(found, answered) : undefined,
  };
}

async function surveyOrNothing(site: Site): Promise<Survey | undefined> {
  try {
    return await survey(site, present());
  } catch {
    return undefined;
  }
}

/** What the commits of the answers say, of branches that are still there. */
async function readSteps(
  site: Site,
  { view }: Survey,
  answered: readonly Answered[],
): Promise<Map<Sha, Step>> {
  const branches = new Set<Branch>(answered.map(({ branch }) => branch));
  const heads = view.heads.filter(({ branch }) => branches.has(branch));
  const steps = new Map<Sha, Step>();
  for (const { branch, commit } of heads) {
    const trail = await readTrail(site.place, commit, DEPTH);
    for (const step of readTimeline(branch, trail, [])) steps.set(step.commit, step);
  }
  return steps;
}

function handedBy(event: Answered, step: Step | undefined): Handed {
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

function waitingIn(found: Survey): Waiting[] {
  return found.decisions.flatMap((decision) => {
    const reason = reasonIn(found, decision);
    if (reason.turn !== "person") return [];
    const { head } = decision;
    return [
      { branch: head.branch, state: stateOf(found.view, head), why: reason.sentence, next: reason.next },
    ];
  });
}

/** With the position of the work, where it was one branch's. */
function drawingOf({ view, contract }: Survey, answered: readonly Answered[]): string | undefined {
  if (contract.problems.length > 0 || !contract.any) return undefined;
  const [branch, ...others] = new Set(answered.map((event) => event.branch));
  const head = others.length === 0 ? view.heads.find((one) => one.branch === branch) : undefined;
  return formatMermaid(contract.workflow, head && stateOf(view, head));
}
