/** Computes the state that a response carries on from the work and its result. */
import { addAmounts, type Budget } from "../../core/util/amounts.ts";
import { entering, type CarriedState } from "../../core/workflow/carried-state.ts";
import { nextStep } from "../../core/outcome/transitions.ts";
import type { Output } from "../../core/outcome/output.ts";
import type { ResponseContent } from "../../core/outcome/response.ts";
import type { Clock } from "../ports.ts";
import type { AttemptContext, RequestWork } from "./context.ts";

interface UsageContext extends Pick<AttemptContext, "startedAt"> {
  readonly services: { readonly ports: { readonly clock: Pick<Clock, "mono"> } };
}

/** What an attempt used: as its script reports, and the time on the runner's clock. */
export function usedBy({ startedAt, services }: UsageContext, output: Output | undefined): Budget {
  const { cost = 0, tokens = 0, turns = 0 } = output ?? {};
  return { cost, tokens, turns, time: Math.round(services.ports.clock.mono() - startedAt) };
}

/** `frozenPlan` is the id of the plan that the result freezes. */
export function carriedAfter(
  attempt: AttemptContext,
  { state, output, trouble }: ResponseContent,
  frozenPlan: string | undefined,
): CarriedState {
  const { work, services } = attempt;
  const { carried, children, plan } = work;
  const declared = trouble ? undefined : output;
  const isJoin = joinsChildren(attempt, state, trouble !== undefined);
  const joined = isJoin ? children.filter(({ result }) => result !== "going") : [];
  const newlyJoined = joined.filter(({ isNew }) => isNew);
  const newKeys = (declared?.children ?? []).map(({ key }) => key);
  const next: CarriedState = {
    ...carried,
    // What children spent counts for the parent once it has their results.
    spent: newlyJoined.reduce(addAmounts, addAmounts(carried.spent, usedBy(attempt, output))),
    children: union(carried.children, newKeys),
    joined: union(
      carried.joined,
      joined.map(({ key }) => key),
    ),
    cancels: union(carried.cancels, declared?.cancel ?? []),
    risk: declared?.risk ?? carried.risk,
    plan:
      frozenPlan === undefined
        ? planAfterStep(work)
        : { id: frozenPlan, step: 1, of: declared?.plan?.length ?? 0 },
  };
  const leavesPlan = trouble || (plan && state !== nextStep(plan)?.state);
  const isDetour = leavesPlan && frozenPlan === undefined;
  const after = isDetour ? { ...next, plan: planAfterDetour(work, state) } : next;
  return entering(after, state, services.trustedConfig.workflow);
}

const union = (old: readonly string[], added: readonly string[]): string[] => [
  ...new Set([...old, ...added]),
];

/**
 * True when this response ends a wait for children. A failed wait hands them to a script as they are.
 * If a person gets them, that person may fix them, and they are waited for again.
 */
function joinsChildren(
  { run, services }: Pick<AttemptContext, "run" | "services">,
  state: string,
  isTrouble: boolean,
): boolean {
  const waits = run.state?.wait.some(({ kind }) => kind === "children" || kind === "either");
  const next = services.trustedConfig.workflow.states[state];
  const isHandedToScript = run.knownAnswer !== undefined && next !== undefined && !next.human;
  return waits === true && (!isTrouble || isHandedToScript);
}

/** After its last step a plan is fulfilled and binds no state. */
function planAfterStep({ plan, carried }: RequestWork): CarriedState["plan"] {
  if (!plan) return carried.plan;
  return plan.step < plan.of ? { id: plan.id, step: plan.step + 1, of: plan.of } : undefined;
}

/** A state outside the plan leaves its current step to be done later. */
function planAfterDetour({ plan, carried }: RequestWork, state: string): CarriedState["plan"] {
  const isStepOpen = ["failed", "parked"].includes(state) || plan === undefined || plan.step < plan.of;
  return isStepOpen ? carried.plan : undefined;
}
