/**
 * The limits of a piece of work: what stops it, and how a person lets it go on.
 *
 * What must hold: counted on the work, over restarts and machines, never on a process; each limit
 * says what was used and the one command that raises it.
 */
import { formatAmounts, exhaustedAmount, type Budget } from "../util/amounts.ts";
import type { CarriedState } from "../workflow/carried-state.ts";
import { valueOf } from "../protocol/message.ts";
import type { Commit } from "../protocol/request.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import { shellWord } from "../messages/messages.ts";
import type { Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

/** What work may use: the workflow's limits, unless a person said otherwise for this work. */
export function budgetOf({ limits }: Workflow, { budget }: CarriedState): Budget {
  const { cost, tokens, turns, time } = { ...limits, ...budget };
  return {
    ...(cost === undefined ? {} : { cost }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(turns === undefined ? {} : { turns }),
    ...(time === undefined ? {} : { time }),
  };
}

/** Why nothing more may be spent; undefined while something is left. */
export function budgetProblem(workflow: Workflow, item: CarriedState, branch: string): string | undefined {
  const budget = budgetOf(workflow, item);
  const why = exhaustedAmount(item.spent, budget);
  if (why === undefined) return undefined;
  const twice = formatAmounts(doubled(budget)) ?? "";
  return `${why}; to go on: trailhand resume ${shellWord(branch)} --trailer ${JSON.stringify(`${KEY.budget}: ${twice}`)}`;
}

const doubled = (budget: Budget): Budget =>
  Object.fromEntries(Object.entries(budget).map(([key, value]) => [key, value * 2]));

/** Where work goes instead, when it comes to a state too often; undefined: it may. */
export function roundsProblem(
  workflow: Workflow,
  { rounds }: CarriedState,
  state: string,
): { readonly state: string; readonly why: string } | undefined {
  const entry = workflow.states[state];
  const been = rounds[state] ?? 0;
  if (entry?.max === undefined || been < entry.max) return undefined;
  return {
    state: entry["on-max"] ?? "parked",
    why: `${state} was asked for ${been} times, and the most is ${entry.max}`,
  };
}

/** Why work seems to go round: the same state with the same files, again and again. */
export function repetitionProblem(
  workflow: Workflow,
  trail: readonly Commit[],
  state: string,
  tree: string,
): string | undefined {
  const steps = readHandOffs(trail);
  const line = steps.slice(0, steps.findIndex(({ byHand }) => byHand) + 1 || steps.length);
  const before = line.filter(
    ({ commit, message }) => commit.tree === tree && valueOf(message.trailers, KEY.state) === state,
  ).length;
  if (before + 1 < workflow.limits.same) return undefined;
  return `it goes round: ${state} was asked for ${before} times with the very same files`;
}
