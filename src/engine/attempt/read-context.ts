/**
 * Reads what one attempt works with, before its script runs.
 *
 * Invariants:
 * - Only commits of the runner say what the work carries.
 * - A plan counts only while its text has the id that it was frozen with.
 */
import { addAmounts } from "../../core/util/amounts.ts";
import { countedApprovals, type Approval, type ApprovalState } from "../../core/policy/approvals.ts";
import { childrenOf } from "../../core/scheduling/children.ts";
import { readCarriedState, type CarriedState } from "../../core/workflow/carried-state.ts";
import { findPlanText, parsePlan } from "../../core/workflow/plan.ts";
import type { Commit, Request } from "../../core/protocol/request.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import { requiredApprovals, conditionContext } from "../../core/scheduling/waits.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { DEPTH } from "../timing.ts";
import type { ObjectWriter } from "../ports.ts";
import { readMembers } from "./batch.ts";
import type { AttemptContext, AttemptIdentity, AttemptServices, RequestWork } from "./context.ts";

/** Reads the work below a request. */
export async function readContext(
  services: AttemptServices,
  identity: AttemptIdentity,
  snapshot: Snapshot,
): Promise<AttemptContext> {
  const { ports, trustedConfig } = services;
  const { run, lease, script } = identity;
  const { request, head } = run;
  const { workflow, target } = trustedConfig;
  const trail = await ports.repository.trail(request.commit, DEPTH.work);
  const written = readCarriedState(trail);
  // A state that may freeze a plan follows none, not even one that can no longer be read.
  const planPosition = workflow.states[request.state]?.plan ? undefined : written.plan;
  const spent = addAmounts(written.spent, lease.spent);
  const carried: CarriedState = { ...written, plan: planPosition, spent };
  const now = { mono: ports.clock.mono(), wall: ports.clock.wall() };
  const conditions = conditionContext(snapshot, workflow, now);
  const { approvalStates, missedBranches } = snapshot.facts;
  return {
    run,
    lease,
    script,
    startedAt: ports.clock.mono(),
    services,
    work: {
      targetCommit: conditions.heads.get(target)?.commit ?? request.commit,
      trail,
      carried,
      children: childrenOf(head.branch, carried, conditions.heads, missedBranches),
      approvals: grantedApprovals(request, workflow, approvalStates.get(head.key), now.wall),
      conditions,
      members: await readMembers(services, run, snapshot),
      ...(await readPlan(ports.repository, trail, carried, request)),
    },
  };
}

function grantedApprovals(
  request: Request,
  workflow: Workflow,
  approved: ApprovalState | undefined,
  wall: number,
): Approval[] {
  if (!approved) return [];
  const rules = requiredApprovals(request, workflow);
  const counted = new Set(rules.flatMap((rule) => countedApprovals(rule, approved, workflow, wall)));
  return approved.approvals.filter((approval) => counted.has(approval));
}

async function readPlan(
  objects: Pick<ObjectWriter, "hashText">,
  trail: readonly Commit[],
  { plan }: CarriedState,
  request: Request,
): Promise<Pick<RequestWork, "plan" | "isPlanTampered">> {
  if (!plan) return { plan: undefined, isPlanTampered: false };
  const text = findPlanText(trail, plan.id);
  const steps = text === undefined ? undefined : parsePlan(text);
  const isIntact =
    text !== undefined && steps?.length === plan.of && (await objects.hashText(text)) === plan.id;
  if (!isIntact || !steps) return { plan: undefined, isPlanTampered: true };
  // A person may send the work to a state that is not a step of the plan.
  const isStep = steps[plan.step - 1]?.state === request.state;
  return { plan: isStep ? { ...plan, steps } : undefined, isPlanTampered: false };
}
