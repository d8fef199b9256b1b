/**
 * Reads and writes the carried state of a piece of work: the trailers that each answer repeats, such
 * as its parent, children, plan, budget and amounts spent.
 *
 * Invariants:
 * - Only commits of a runner set it, except `Owns` and `Budget`, which people may write too.
 * - A commit of a person resets `Rounds` and keeps the rest.
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
  /** The requested step, counted from 1. */
  readonly step: number;
  readonly of: number;
}

export interface CarriedState {
  readonly parent: Branch | undefined;
  /** Globs of the paths that it may change. Empty means all paths. */
  readonly owns: readonly string[];
  readonly budget: Budget;
  readonly spent: Amounts;
  /** How often each limited state was entered since the last commit of a person. */
  readonly rounds: Readonly<Record<string, number>>;
  /** Keys of the children that it has created. */
  readonly children: readonly string[];
  /** Keys of the children that a wait has seen settled. */
  readonly joined: readonly string[];
  /** Keys of the children that it has cancelled. */
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

/** The carried state at a head. `trail` is its first-parent history, newest first. */
export function readCarriedState(trail: readonly Commit[]): CarriedState {
  const steps = readHandOffs(trail).filter(({ commit }) => approvedCommit(commit.message) === undefined);
  const at = steps.findIndex(({ isByPerson }) => !isByPerson);
  const written = steps[at];
  const above = at < 0 ? steps : steps.slice(0, at);
  return above
    .toReversed()
    .reduce(withPersonsTrailers, written ? carriedStateOf(written.message.trailers) : EMPTY_CARRIED_STATE);
}

/** The carried state in the trailers of a runner's commit. */
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

/** Applies a person's commit: its `Owns` and `Budget` win, and the rounds start again at zero. */
function withPersonsTrailers(carried: CarriedState, { message: { trailers } }: HandOff): CarriedState {
  const [owns, budget] = [valueOf(trailers, KEY.owns), valueOf(trailers, KEY.budget)];
  return {
    ...carried,
    rounds: {},
    ...(owns === undefined ? {} : { owns: words(owns) }),
    ...(budget === undefined ? {} : { budget: { ...carried.budget, ...parseAmounts(budget) } }),
  };
}

/** The trailers that an answer needs to carry it on. */
export function formatCarriedState(carried: CarriedState): Trailer[] {
  const line = (key: string, value: string | undefined): Trailer[] => (value ? [{ key, value }] : []);
  const { plan, rounds } = carried;
  return [
    ...line(KEY.parent, carried.parent),
    ...line(KEY.owns, carried.owns.join(" ")),
    ...line(KEY.budget, formatAmounts(carried.budget)),
    ...line(KEY.spent, formatAmounts(carried.spent)),
    ...line(
      KEY.rounds,
      Object.entries(rounds)
        .map(([state, n]) => `${state}=${n}`)
        .join(" "),
    ),
    ...line(KEY.children, carried.children.join(" ")),
    ...line(KEY.joined, carried.joined.join(" ")),
    ...line(KEY.cancels, carried.cancels.join(" ")),
    ...(plan ? [...line(KEY.plan, plan.id), ...line(KEY.step, `${plan.step}/${plan.of}`)] : []),
    ...line(KEY.risk, carried.risk),
  ];
}

/** The carried state after an answer requests `state`. Only states with a `max` are counted. */
export function entering(carried: CarriedState, state: string, { states }: Workflow): CarriedState {
  if (states[state]?.max === undefined) return carried;
  return { ...carried, rounds: { ...carried.rounds, [state]: (carried.rounds[state] ?? 0) + 1 } };
}

const words = (text: string | undefined): string[] => (text ?? "").split(/\s+/).filter((word) => word !== "");

function readRounds(text: string | undefined): Record<string, number> {
  const pairs = words(text).flatMap((word): [string, number][] => {
    const [, state, n] = /^([a-z0-9][a-z0-9._-]*)=(\d{1,5})$/.exec(word) ?? [];
    return state === undefined ? [] : [[state, Number(n)]];
  });
  return Object.fromEntries(pairs);
}
