/**
 * Everything that one attempt works with, read once after its claim.
 *
 * What must hold: what the work carries is read from the history below the request, where only
 * commits of the runner speak of it; a plan counts only while its text has the id it was frozen as.
 */
import { addAmounts } from "../../core/util/amounts.ts";
import { countedApprovals, type Approval, type ApprovalState } from "../../core/policy/approvals.ts";
import { childrenOf, type Child } from "../../core/scheduling/children.ts";
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import { readCarriedState, type CarriedState } from "../../core/workflow/carried-state.ts";
import type { BatchMember } from "../../core/outcome/landing.ts";
import { chooseAgent, DEFAULT_AGENT, type Agent } from "../../core/outcome/prompt.ts";
import type { ConditionContext } from "../../core/scheduling/conditions.ts";
import { findPlanText, parsePlan, type Plan } from "../../core/workflow/plan.ts";
import type { Commit, Request } from "../../core/protocol/request.ts";
import type { RunFacts } from "../../core/outcome/response.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import { requiredApprovals, conditionContext } from "../../core/scheduling/waits.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { Claim, StopSwitch } from "./lease-holder.ts";
import { DEPTH } from "../timing.ts";
import { readMembers } from "./batch.ts";
import type { TrustedConfig, Ports, Script } from "../ports.ts";
import { DEFAULTS } from "../../core/workflow/defaults.ts";

export interface AttemptContext {
  readonly ports: Ports;
  readonly trustedConfig: TrustedConfig;
  readonly target: Branch;
  /** The head of the trusted branch when the request was looked at. */
  readonly targetCommit: Sha;
  readonly workflow: Workflow;
  readonly claim: Claim;
  readonly stop: StopSwitch;
  /** Takes what runs beside the work once it is answered, and stops by a switch of its own. */
  readonly beside: BackgroundTask;
  readonly script: Script | undefined;
  readonly startedAt: number;
  /** The history below the request, itself included, newest first. */
  readonly trail: readonly Commit[];
  readonly carried: CarriedState;
  readonly offspring: readonly Child[];
  /** Those that let it go on; others that somebody wrote above it say nothing. */
  readonly approvals: readonly Approval[];
  /** What the look saw, to judge what would wait for what. */
  readonly scene: ConditionContext;
  readonly members: readonly BatchMember[];
  /** The frozen plan that the request is a step of. */
  readonly plan: Plan | undefined;
  /** True when the work carries a plan whose text is not the one that was frozen. */
  readonly isTampered: boolean;
}

export type BackgroundTask = (task: (stop: StopSwitch) => Promise<void>) => void;

/** What an attempt is given before its work is read. */
export type Start = Pick<
  AttemptContext,
  "ports" | "trustedConfig" | "claim" | "stop" | "beside" | "script"
> & {
  readonly view: Snapshot;
};

/** Reads the work below a claimed request. */
export async function readContext(start: Start): Promise<AttemptContext> {
  const { ports, trustedConfig, claim, view } = start;
  const { request, head } = claim.run;
  const { workflow, target } = trustedConfig;
  const trail = await ports.repository.trail(request.commit, DEPTH.work);
  const carried = readCarriedState(trail);
  // Who may freeze a plan follows none, not even one that cannot be read any more.
  const plan = workflow.states[request.state]?.plan ? undefined : carried.plan;
  const item: CarriedState = { ...carried, plan, spent: addAmounts(carried.spent, claim.lease.spent) };
  const scene = conditionContext(view, workflow, { mono: ports.clock.mono(), wall: ports.clock.wall() });
  const { heads } = scene;
  return {
    ports,
    trustedConfig,
    target,
    targetCommit: heads.get(target)?.commit ?? request.commit,
    workflow,
    claim,
    stop: start.stop,
    beside: start.beside,
    script: start.script,
    startedAt: ports.clock.mono(),
    trail,
    carried: item,
    offspring: childrenOf(head.branch, item, heads, view.facts.missedBranches),
    approvals: goodApprovals(request, workflow, view.facts.approvalStates.get(head.key), ports.clock.wall()),
    scene,
    members: await readMembers(start),
    ...(await readPlan(ports, trail, item, request)),
  };
}

function goodApprovals(
  request: Request,
  workflow: Workflow,
  approved: ApprovalState | undefined,
  wall: number,
): Approval[] {
  if (!approved) return [];
  const wanted = requiredApprovals(request, workflow);
  const good = new Set(wanted.flatMap((one) => countedApprovals(one, approved, workflow, wall)));
  return approved.approvals.filter((one) => good.has(one));
}

async function readPlan(
  { repository }: Ports,
  trail: readonly Commit[],
  { plan }: CarriedState,
  request: Request,
): Promise<Pick<AttemptContext, "plan" | "isTampered">> {
  if (!plan) return { plan: undefined, isTampered: false };
  const text = findPlanText(trail, plan.id);
  const steps = text === undefined ? undefined : parsePlan(text);
  const isWhole =
    text !== undefined && steps?.length === plan.of && (await repository.hashText(text)) === plan.id;
  if (!isWhole || !steps) return { plan: undefined, isTampered: true };
  // Work that a person sent elsewhere is no step of it.
  const isStep = steps[plan.step - 1]?.state === request.state;
  return { plan: isStep ? { ...plan, steps } : undefined, isTampered: false };
}

/** Who answers, where the state is a prompt. */
function agentOf({ workflow, claim, script }: AttemptContext): Agent | undefined {
  const { request } = claim.run;
  return chooseAgent(workflow, request.state, request, script?.agent);
}

/** Attempts that a state has, the first one included. */
export const attemptsOf = (held: Claim): number => (held.run.state?.retries ?? 0) + 1;

export const hopLimit = ({ workflow }: Pick<AttemptContext, "workflow">): number =>
  workflow.limits.hops ?? DEFAULTS.hops;

/** What the answer says of the run. */
export function runDetails(work: AttemptContext, secrets: readonly string[]): RunFacts {
  const { claim: held, ports } = work;
  return {
    run: held.lease.run,
    runner: held.lease.runner,
    attempt: held.lease.attempt,
    attempts: attemptsOf(held),
    tookMs: ports.clock.mono() - work.startedAt,
    hopLimit: hopLimit(work),
    workflow: work.trustedConfig.blob,
    script: work.script?.blob,
    agent: work.script?.isPrompt ? (agentOf(work)?.name ?? DEFAULT_AGENT) : undefined,
    secrets,
  };
}
