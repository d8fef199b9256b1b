/**
 * What a piece of work carries from commit to commit: whose child it is, what it owns, spent and
 * handed out, how often it was where.
 *
 * What must hold: only the runner's commits speak of it, but for `Owns` and `Budget`, which people
 * write too; a commit of a person forgets nothing of it but how often work was where.
 */
import {
  formatAmounts,
  NO_AMOUNTS,
  parseAmounts,
  addAmounts,
  type Amounts,
  type Budget,
} from "../util/amounts.ts";
import { parseBranch, type Branch } from "../protocol/ids.ts";
import { valueOf } from "../protocol/message.ts";
import { approvedCommit, type Commit } from "../protocol/request.ts";
import type { Trailer } from "../protocol/trailer-block.ts";
import type { Workflow } from "./workflow.ts";
import { readHandOffs, type HandOff } from "../protocol/hand-offs.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface PlanPosition {
  /** The blob id of the frozen text. */
  readonly id: string;
  /** Counted from 1; the step that is asked for. */
  readonly step: number;
  readonly of: number;
}

export interface CarriedState {
  readonly parent: Branch | undefined;
  /** Globs of the paths that it may change; empty: any. */
  readonly owns: readonly string[];
  readonly budget: Budget;
  readonly spent: Amounts;
  /** How often each state was asked for since a person did. */
  readonly rounds: Readonly<Record<string, number>>;
  /** Keys of the children that it has handed out. */
  readonly children: readonly string[];
  /** Those of them that a wait has seen settled. */
  readonly joined: readonly string[];
  /** Those that it has called off. */
  readonly cancels: readonly string[];
  readonly plan: PlanPosition | undefined;
  readonly risk: string | undefined;
}

export const EMPTY_CARRIED_STATE: CarriedState = {
  parent: undefined,
  owns: [],
  budget: {},
  spent: NO_AMOUNTS,
  rounds: {},
  children: [],
  joined: [],
  cancels: [],
  plan: undefined,
  risk: undefined,
};

/** The item at a head. `trail` is its first-parent history, newest first. */
export function readCarriedState(trail: readonly Commit[]): CarriedState {
  const steps = readHandOffs(trail).filter(({ commit }) => approvedCommit(commit.message) === undefined);
  const at = steps.findIndex(({ byHand }) => !byHand);
  const written = steps[at];
  const above = at < 0 ? steps : steps.slice(0, at);
  return above
    .toReversed()
    .reduce(overlaid, written ? carriedStateOf(written.message.trailers) : EMPTY_CARRIED_STATE);
}

/** The item that a commit of the runner carries. */
export function carriedStateOf(trailers: readonly Trailer[]): CarriedState {
  const value = (key: string) => valueOf(trailers, key);
  const [, id, step = "", of = ""] =
    /^([0-9a-f]{40,64}) (\d{1,4})\/(\d{1,4})$/.exec(`${value(KEY.plan) ?? ""} ${value(KEY.step) ?? ""}`) ??
    [];
  return {
    parent: parseBranch(value(KEY.parent) ?? ""),
    owns: words(value(KEY.owns)),
    budget: parseAmounts(value(KEY.budget) ?? "") ?? {},
    spent: addAmounts(NO_AMOUNTS, parseAmounts(value(KEY.spent) ?? "") ?? {}),
    rounds: readRounds(value(KEY.rounds)),
    children: words(value(KEY.children)),
    joined: words(value(KEY.joined)),
    cancels: words(value(KEY.cancels)),
    plan: id === undefined ? undefined : { id, step: Number(step), of: Number(of) },
    risk: value(KEY.risk),
  };
}

/** What a person says on top of what there was; work that a person sent on counts its rounds anew. */
function overlaid(item: CarriedState, { message: { trailers } }: HandOff): CarriedState {
  const [owns, budget] = [valueOf(trailers, KEY.owns), valueOf(trailers, KEY.budget)];
  return {
    ...item,
    rounds: {},
    ...(owns === undefined ? {} : { owns: words(owns) }),
    ...(budget === undefined ? {} : { budget: { ...item.budget, ...parseAmounts(budget) } }),
  };
}

/** The trailers that an answer carries of it. */
export function formatCarriedState(item: CarriedState): Trailer[] {
  const line = (key: string, value: string | undefined): Trailer[] => (value ? [{ key, value }] : []);
  const { plan, rounds } = item;
  return [
    ...line(KEY.parent, item.parent),
    ...line(KEY.owns, item.owns.join(" ")),
    ...line(KEY.budget, formatAmounts(item.budget)),
    ...line(KEY.spent, formatAmounts(item.spent)),
    ...line(
      KEY.rounds,
      Object.entries(rounds)
        .map(([state, n]) => `${state}=${n}`)
        .join(" "),
    ),
    ...line(KEY.children, item.children.join(" ")),
    ...line(KEY.joined, item.joined.join(" ")),
    ...line(KEY.cancels, item.cancels.join(" ")),
    ...(plan ? [...line(KEY.plan, plan.id), ...line(KEY.step, `${plan.step}/${plan.of}`)] : []),
    ...line(KEY.risk, item.risk),
  ];
}

/** The item once an answer asks for `state`; only rounds that are limited are counted. */
export function entering(item: CarriedState, state: string, { states }: Workflow): CarriedState {
  if (states[state]?.max === undefined) return item;
  return { ...item, rounds: { ...item.rounds, [state]: (item.rounds[state] ?? 0) + 1 } };
}

const words = (text: string | undefined): string[] => (text ?? "").split(/\s+/).filter((word) => word !== "");

function readRounds(text: string | undefined): Record<string, number> {
  const pairs = words(text).flatMap((word): [string, number][] => {
    const [, state, n] = /^([a-z0-9][a-z0-9._-]*)=(\d{1,5})$/.exec(word) ?? [];
    return state === undefined ? [] : [[state, Number(n)]];
  });
  return Object.fromEntries(pairs);
}
