/**
 * What a workflow says of past hand-offs: would the same answers have been given?
 *
 * What must hold: pure; it judges what history shows, and never what a script would have done
 * otherwise; each difference is a sentence, and an answer without one stays as it was.
 */
import { successorsOf } from "../workflow/check-workflow.ts";
import { missingEvidence } from "../policy/evidence.ts";
import { answeredRequest, ownReading, type HandOffReport, type HandOffHistory } from "./hand-off-report.ts";
import { EMPTY_CARRIED_STATE } from "../workflow/carried-state.ts";
import { roundsProblem } from "../policy/budget.ts";
import { valueOf, valuesOf } from "../protocol/message.ts";
import { pathsInside, pathsOutside } from "../workflow/paths.ts";
import { authorizationProblem } from "../policy/authorization.ts";
import type { HeadReading } from "../protocol/request.ts";
import { isReservedState, type State, type Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";
import { DEFAULTS } from "../workflow/defaults.ts";

/** A hand-off with what was looked up about it. */
export interface BacktestCase {
  readonly handOff: HandOffReport;
  /** Hand-offs before the request without a person. */
  readonly hops: number;
  /** The address of who asked; undefined when a runner did. */
  readonly requester: string | undefined;
  /** The paths that differ between request and answer. */
  readonly paths: readonly string[];
  /** How often the next state was asked for since a person did, this time included. */
  readonly rounds: number;
  /** Evidence given for the very tree of the answer: its name, and the state that gave it. */
  readonly evidence: readonly { readonly name: string; readonly by: string }[];
  /** Whether a person had to answer next, by the workflow of then; undefined: that is not known. */
  readonly wasHuman: boolean | undefined;
}

/** What was looked up in the repository: paths by the answer, old workflows by their blob. */
export interface BacktestFacts {
  readonly paths: ReadonlyMap<string, readonly string[]>;
  readonly workflows: ReadonlyMap<string, Workflow>;
}

export interface BacktestDifference {
  readonly handOff: HandOffReport;
  readonly says: readonly string[];
}

/** The differences, in the order of the hand-offs. */
export function backtest(
  past: HandOffHistory,
  workflow: Workflow,
  found: BacktestFacts,
): BacktestDifference[] {
  const proofs = proofsOf(past);
  return past.handOffs.flatMap((handOff) => {
    const says = evaluateCase(caseOf(past, handOff, found, proofs), workflow);
    return says.length > 0 ? [{ handOff, says }] : [];
  });
}

/** The blobs of the workflows that answers name. */
export const workflowBlobs = (past: HandOffHistory): string[] => [
  ...new Set(past.handOffs.flatMap(({ trailers }) => valueOf(trailers, KEY.workflow) ?? [])),
];

type Proofs = ReadonlyMap<
  string,
  readonly { readonly name: string; readonly by: string; readonly at: number }[]
>;

/** Evidence by tree, because it speaks of a tree wherever that is. */
function proofsOf(past: HandOffHistory): Proofs {
  const proofs = new Map<string, { name: string; by: string; at: number }[]>();
  for (const { answer, from, trailers } of past.handOffs) {
    for (const value of valuesOf(trailers, KEY.evidence)) {
      const [name = "", tree = ""] = value.split(/\s+/);
      proofs.set(tree, [...(proofs.get(tree) ?? []), { name, by: from, at: answer.committed }]);
    }
  }
  return proofs;
}

function caseOf(
  past: HandOffHistory,
  handOff: HandOffReport,
  found: BacktestFacts,
  proofs: Proofs,
): BacktestCase {
  const { answer, request, to, trailers } = handOff;
  const asked = ownReading(request);
  const old = found.workflows.get(valueOf(trailers, KEY.workflow) ?? "");
  const isBirth = (one: HeadReading) => one.kind === "request" && !one.answers && one.parent !== undefined;
  let rounds = 0;
  let first = asked;
  for (let at: HandOffReport | undefined = handOff; at; at = past.byAnswer.get(at.request.commit)) {
    if (at.to === to) rounds++;
    first = ownReading(at.request);
  }
  // A child comes to its first state without a person.
  if (isBirth(first) && first.kind === "request" && first.state === to) rounds++;
  return {
    handOff,
    hops: asked.kind === "request" ? asked.hops : 0,
    requester: answeredRequest(request) === undefined && !isBirth(asked) ? (request.author ?? "") : undefined,
    paths: found.paths.get(answer.commit) ?? [],
    rounds,
    evidence: (proofs.get(answer.tree ?? "") ?? []).filter(({ at }) => at <= answer.committed),
    wasHuman: old?.states[to]?.human,
  };
}

/** What the workflow would have said otherwise; none: the same. */
export function evaluateCase(one: BacktestCase, workflow: Workflow): string[] {
  const { from } = one.handOff;
  if (workflow.open) return [];
  const state = workflow.states[from];
  if (!state) return [`there is no state ${from}`];
  return [
    ...judgeAsked(one, state, workflow),
    ...judgeNext(one, state, workflow),
    ...judgeLimits(one, workflow),
    ...judgePaths(one.paths, state),
    ...judgeEvidence(one, workflow),
  ];
}

function judgeAsked(
  { requester: asker, handOff: { from } }: BacktestCase,
  state: State,
  workflow: Workflow,
): string[] {
  if (state.human) return [`a person answers ${from}, and a runner did`];
  const problem = asker === undefined ? undefined : authorizationProblem(workflow, from, asker);
  return problem === undefined ? [] : [`${from} would not run: ${problem}`];
}

/** States that an answer may always lead to. */
const OPEN = new Set(["failed", "parked", "stalled", "cancelled"]);

function judgeNext(
  { wasHuman, handOff: { from, to } }: BacktestCase,
  state: State,
  workflow: Workflow,
): string[] {
  const next = workflow.states[to];
  if (!next && !isReservedState(to)) return [`there is no state ${to}`];
  const legal = OPEN.has(to) || successorsOf(workflow, from).includes(to);
  const asked = !next || wasHuman === undefined || wasHuman === next.human ? [] : [whose(to, next.human)];
  return legal ? asked : [`${to} may not follow ${from} (legal: ${state.next.join(", ")})`, ...asked];
}

const whose = (to: string, human: boolean): string =>
  human ? `a person is asked for ${to}, and a runner was` : `a runner is asked for ${to}, and a person was`;

function judgeLimits(
  { hops, rounds, handOff: { to, trailers } }: BacktestCase,
  workflow: Workflow,
): string[] {
  const limit = workflow.limits.hops ?? DEFAULTS.hops;
  if (to !== "parked" && hops >= limit) {
    return [`parked: ${hops} hand-offs without a person, and the limit is ${limit}`];
  }
  const [, then = ""] = (valueOf(trailers, KEY.hops) ?? "").split("/");
  if (to === "parked" && then !== "" && hops >= Number(then) && hops < limit) {
    return [`not parked: ${hops} hand-offs without a person are fewer than ${limit}`];
  }
  // The item of the request: it has not come there yet.
  const often = roundsProblem(workflow, { ...EMPTY_CARRIED_STATE, rounds: { [to]: rounds - 1 } }, to);
  return often ? [`${often.state}: ${often.why}`] : [];
}

function judgePaths(paths: readonly string[], { writes, forbid }: State): string[] {
  const bad = [...new Set([...(writes ? pathsOutside(paths, writes) : []), ...pathsInside(paths, forbid)])];
  const [first, ...others] = bad;
  if (first === undefined) return [];
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return [`it may not change ${JSON.stringify(first)}${more}`];
}

function judgeEvidence({ evidence: proven, handOff: { to } }: BacktestCase, workflow: Workflow): string[] {
  const counts = proven.filter(({ name, by }) => workflow.states[by]?.proves.includes(name));
  const missing = missingEvidence(workflow, to, new Set(counts.map(({ name }) => name)));
  return missing.length > 0 ? [`${to} needs evidence of its files: ${missing.join(", ")}`] : [];
}
