/**
 * Enforces the limits of a piece of work, and names the command that raises each limit.
 *
 * Invariants:
 * - Amounts are counted on the work, over all restarts and machines, never on a process.
 */
import { formatAmounts, exhaustedAmount, type Budget } from "../util/amounts.ts";
import type { CarriedState } from "../workflow/carried-state.ts";
import { valueOf } from "../protocol/message.ts";
import type { Commit } from "../protocol/request.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import { shellWord } from "../messages/messages.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** The limits of the workflow, overridden by the budget that a person set for this work. */
export function budgetOf({ limits }: Workflow, { budget }: CarriedState): Budget {
  const { cost, tokens, turns, time } = { ...limits, ...budget };
  return {
    ...(cost === undefined ? {} : { cost }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(turns === undefined ? {} : { turns }),
    ...(time === undefined ? {} : { time }),
  };
}

/** Which amount is used up, and the command that doubles the budget; undefined if none is. */
export function budgetProblem(
  workflow: Workflow,
  carriedState: CarriedState,
  branch: string,
): string | undefined {
  const budget = budgetOf(workflow, carriedState);
  const why = exhaustedAmount(carriedState.spent, budget);
  if (why === undefined) return undefined;
  const raised = formatAmounts(doubled(budget)) ?? "";
  return `${why}; to continue: trailhand resume ${shellWord(branch)} --trailer ${JSON.stringify(`${KEY.budget}: ${raised}`)}`;
}

const doubled = (budget: Budget): Budget =>
  Object.fromEntries(Object.entries(budget).map(([key, value]) => [key, value * 2]));

/** The state that replaces one that reached its `max`; undefined if the state may follow. */
export function roundsProblem(
  workflow: Workflow,
  { rounds }: CarriedState,
  state: string,
): { readonly state: string; readonly why: string } | undefined {
  const entry = workflow.states[state];
  const count = rounds[state] ?? 0;
  if (entry?.max === undefined || count < entry.max) return undefined;
  return {
    state: entry["on-max"] ?? "parked",
    why: `${state} was requested ${count} times, and the limit is ${entry.max}`,
  };
}

/** Why the work makes no progress: the same state was requested with the same tree too many times. */
export function repetitionProblem(
  workflow: Workflow,
  trail: readonly Commit[],
  state: string,
  tree: string,
): string | undefined {
  const handOffs = readHandOffs(trail);
  const sincePerson = handOffs.slice(
    0,
    handOffs.findIndex(({ isByPerson }) => isByPerson) + 1 || handOffs.length,
  );
  const count = sincePerson.filter(
    ({ commit, message }) => commit.tree === tree && valueOf(message.trailers, KEY.state) === state,
  ).length;
  if (count + 1 < workflow.limits.same) return undefined;
  return `no progress: ${state} was requested ${count} times with identical files`;
}
