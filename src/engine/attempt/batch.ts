/**
 * Finds the requests of other branches that a response may answer too, as a merge queue does.
 *
 * Invariants:
 * - Only requests that could run on their own now are members, in the order of the queue. A batch
 *   is not a way around a wait, a limit or a permission.
 */
import { decide, type Run } from "../../core/scheduling/decide.ts";
import { readCarriedState } from "../../core/workflow/carried-state.ts";
import { byPriority } from "../../core/scheduling/admission.ts";
import type { BatchMember } from "../../core/outcome/landing.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import { DEPTH } from "../timing.ts";
import type { Clock, Repository, TrustedConfig } from "../ports.ts";
import { preconditionProblem, type PreconditionServices } from "./preconditions.ts";

/** How many requests one response may answer. */
const MAX_MEMBERS = 100;

interface BatchServices extends PreconditionServices {
  readonly ports: PreconditionServices["ports"] & {
    readonly repository: Pick<Repository, "blocker" | "trail">;
    readonly clock: Pick<Clock, "mono">;
  };
  readonly trustedConfig: TrustedConfig;
}

/** The members of the batch of a run; none where its state answers no other branches. */
export async function readMembers(
  services: BatchServices,
  { request: own }: Pick<Run, "request">,
  snapshot: Snapshot,
): Promise<BatchMember[]> {
  const { ports, trustedConfig } = services;
  const { workflow } = trustedConfig;
  const states = workflow.states[own.state]?.answers ?? [];
  if (states.length === 0) return [];
  const now = { mono: ports.clock.mono(), wall: ports.clock.wall() };
  const candidates = decide(snapshot, workflow, now).filter(
    (decision): decision is Run =>
      decision.kind === "run" &&
      decision.request.branch !== own.branch &&
      states.includes(decision.request.state) &&
      !decision.limit &&
      !decision.knownAnswer,
  );
  const members: BatchMember[] = [];
  for (const run of byPriority(candidates, workflow, now).slice(0, MAX_MEMBERS)) {
    const { request, head } = run;
    const trail = await ports.repository.trail(request.commit, DEPTH.work);
    const carried = readCarriedState(trail);
    // A plan step is answered as its plan says, and a dirty checkout would hold up the whole batch.
    if (carried.plan || (await ports.repository.blocker(head.branch)) !== undefined) continue;
    const problem = await preconditionProblem(services, run, { carried, trail, isPlanTampered: false });
    if (problem === undefined) members.push({ request, trail, carriedState: carried });
  }
  return members;
}
