/**
 * The requests of other branches that an answer may answer too, as a merge queue does.
 *
 * What must hold: only what could be run by itself now, and would not be refused then: being answered
 * in a batch is no way around a wait, a limit or a permission; in the order of the queue.
 */
import { decide, type Run } from "../../core/scheduling/decide.ts";
import { readCarriedState } from "../../core/workflow/carried-state.ts";
import { byPriority } from "../../core/scheduling/admission.ts";
import type { BatchMember } from "../../core/outcome/landing.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import type { Claim } from "./lease-holder.ts";
import { DEPTH } from "../timing.ts";
import type { TrustedConfig, Ports } from "../ports.ts";
import { preconditionProblem } from "./preconditions.ts";

/** How many requests one answer may answer. */
const MOST = 100;

interface BatchInput {
  readonly ports: Ports;
  readonly trustedConfig: TrustedConfig;
  readonly claim: Claim;
  readonly view: Snapshot;
}

export async function readMembers({ ports, trustedConfig, claim, view }: BatchInput): Promise<BatchMember[]> {
  const { workflow } = trustedConfig;
  const { request: own } = claim.run;
  const states = workflow.states[own.state]?.answers ?? [];
  if (states.length === 0) return [];
  const now = { mono: ports.clock.mono(), wall: ports.clock.wall() };
  const runs = decide(view, workflow, now).filter(
    (one): one is Run => one.kind === "run" && one.request.branch !== own.branch,
  );
  const wanted = runs.filter(
    ({ request, limit, knownAnswer: decided }) => states.includes(request.state) && !limit && !decided,
  );
  const members: BatchMember[] = [];
  for (const run of byPriority(wanted, workflow, now).slice(0, MOST)) {
    const { request, head } = run;
    const trail = await ports.repository.trail(request.commit, DEPTH.work);
    const item = readCarriedState(trail);
    // A step of a plan is answered as its plan says, and a dirty checkout would hold up all of them.
    if (item.plan || (await ports.repository.blocker(head.branch)) !== undefined) continue;
    const one = { ports, trustedConfig, workflow, carried: item, trail, isTampered: false, claim: { run } };
    if ((await preconditionProblem(one)) === undefined) members.push({ request, trail, carriedState: item });
  }
  return members;
}
