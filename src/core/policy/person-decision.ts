/** Decides what a person's yes or no means for the work on a branch. */
import { backwardStates, forwardStates } from "../workflow/directions.ts";
import { isReservedState, isTerminal, type Workflow } from "../workflow/workflow.ts";

/** Where the work waits for a person. */
export interface PersonPosition {
  readonly workflow: Workflow;
  /** Undefined if no state is requested. */
  readonly state: string | undefined;
  /** True while the request waits for approvals. */
  readonly wantsApproval: boolean;
  /** The states that the work was at, including the current one. */
  readonly passed: ReadonlySet<string>;
}

export type PersonDecision =
  /** Add an approval to the request. */
  | { readonly kind: "approve" }
  | { readonly kind: "request"; readonly state: string }
  /** End the work. */
  | { readonly kind: "cancel" }
  /** The person has to name one of several states. */
  | { readonly kind: "choose"; readonly states: readonly string[] }
  /** The work does not wait for a person. */
  | { readonly kind: "nothing" };

export function decideYes({ workflow, state, wantsApproval, passed }: PersonPosition): PersonDecision {
  if (wantsApproval) return { kind: "approve" };
  if (state === undefined || !workflow.states[state]?.human) return { kind: "nothing" };
  const forward = forwardStates(workflow, state, passed);
  const [first, ...others] = forward.length > 0 ? forward : workflow.states[state].next;
  if (first === undefined) return { kind: "nothing" };
  if (forward.length === 0) return { kind: "choose", states: [first, ...others] };
  return others.length === 0
    ? { kind: "request", state: first }
    : { kind: "choose", states: [first, ...others] };
}

export function decideNo({ workflow, state, wantsApproval, passed }: PersonPosition): PersonDecision {
  const entry = state === undefined ? undefined : workflow.states[state];
  if (state === undefined || !entry || !(entry.human || wantsApproval)) return { kind: "nothing" };
  if (wantsApproval) {
    const { otherwise } = entry;
    return otherwise === undefined || isReservedState(otherwise)
      ? { kind: "cancel" }
      : { kind: "request", state: otherwise };
  }
  const [first, ...others] = backwardStates(workflow, state, passed);
  if (first === undefined) return { kind: "cancel" };
  if (others.length > 0) return { kind: "choose", states: [first, ...others] };
  return !isReservedState(first) || isTerminal(first)
    ? { kind: "request", state: first }
    : { kind: "cancel" };
}
