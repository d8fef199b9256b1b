/**
 * Compares past hand-offs with a workflow: would it have allowed the same answers?
 *
 * Invariants:
 * - Only recorded history is evaluated, never what a script might have done instead.
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
import { hopLimit, isReservedState, type State, type Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface BacktestCase {
  readonly handOff: HandOffReport;
  /** Hand-offs before the request, since the last one by a person. */
  readonly hops: number;
  /** The address of the person who made the request; undefined if a runner did. */
  readonly requester: string | undefined;
  /** The paths that differ between request and answer. */
  readonly paths: readonly string[];
  /** How many times the next state was requested since the last person, including this time. */
  readonly rounds: number;
  /** Evidence for the tree of the answer: its name, and the state that gave it. */
  readonly evidence: readonly { readonly name: string; readonly by: string }[];
  /** Whether the next state was for a person, in the workflow of that time. Undefined if unknown. */
  readonly wasHuman: boolean | undefined;
}

/** What the caller read from the repository: paths by answer, and old workflows by blob id. */
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
  history: HandOffHistory,
  workflow: Workflow,
  facts: BacktestFacts,
): BacktestDifference[] {
  const evidence = readEvidenceByTree(history);
  return history.handOffs.flatMap((handOff) => {
    const says = evaluateCase(caseOf(history, handOff, facts, evidence), workflow);
    return says.length > 0 ? [{ handOff, says }] : [];
  });
}

/** The blobs of the workflows that answers name. */
export const workflowBlobs = (history: HandOffHistory): string[] => [
  ...new Set(history.handOffs.flatMap(({ trailers }) => valueOf(trailers, KEY.workflow) ?? [])),
];

type EvidenceByTree = ReadonlyMap<
  string,
  readonly { readonly name: string; readonly by: string; readonly at: number }[]
>;

function readEvidenceByTree(history: HandOffHistory): EvidenceByTree {
  const evidence = new Map<string, { name: string; by: string; at: number }[]>();
  for (const { answer, from, trailers } of history.handOffs) {
    for (const value of valuesOf(trailers, KEY.evidence)) {
      const [name = "", tree = ""] = value.split(/\s+/);
      evidence.set(tree, [...(evidence.get(tree) ?? []), { name, by: from, at: answer.committed }]);
    }
  }
  return evidence;
}

function caseOf(
  history: HandOffHistory,
  handOff: HandOffReport,
  facts: BacktestFacts,
  evidence: EvidenceByTree,
): BacktestCase {
  const { answer, request, to, trailers } = handOff;
  const reading = ownReading(request);
  const oldWorkflow = facts.workflows.get(valueOf(trailers, KEY.workflow) ?? "");
  let rounds = 0;
  let first = reading;
  for (let at: HandOffReport | undefined = handOff; at; at = history.byAnswer.get(at.request.commit)) {
    if (at.to === to) rounds++;
    first = ownReading(at.request);
  }
  // A child enters its first state without a person, so that counts as a round.
  if (isNewBranch(first) && first.kind === "request" && first.state === to) rounds++;
  const isByPerson = answeredRequest(request) === undefined && !isNewBranch(reading);
  return {
    handOff,
    hops: reading.kind === "request" ? reading.hops : 0,
    requester: isByPerson ? (request.author ?? "") : undefined,
    paths: facts.paths.get(answer.commit) ?? [],
    rounds,
    evidence: (evidence.get(answer.tree ?? "") ?? []).filter(({ at }) => at <= answer.committed),
    wasHuman: oldWorkflow?.states[to]?.human,
  };
}

/** True for the first request of a child. */
const isNewBranch = (reading: HeadReading): boolean =>
  reading.kind === "request" && !reading.answers && reading.parent !== undefined;

/** What the workflow would have decided differently. Empty means nothing. */
export function evaluateCase(backtestCase: BacktestCase, workflow: Workflow): string[] {
  const { from } = backtestCase.handOff;
  if (workflow.open) return [];
  const state = workflow.states[from];
  if (!state) return [`there is no state ${from}`];
  return [
    ...evaluateRequest(backtestCase, state, workflow),
    ...evaluateTransition(backtestCase, state, workflow),
    ...evaluateLimits(backtestCase, workflow),
    ...evaluatePaths(backtestCase.paths, state),
    ...evaluateEvidence(backtestCase, workflow),
  ];
}

function evaluateRequest(
  { requester, handOff: { from } }: BacktestCase,
  state: State,
  workflow: Workflow,
): string[] {
  if (state.human) return [`${from} is for a person, and a runner answered it`];
  const problem = requester === undefined ? undefined : authorizationProblem(workflow, from, requester);
  return problem === undefined ? [] : [`${from} would not run: ${problem}`];
}

/** States to which every answer may lead. */
const ALWAYS_LEGAL = new Set(["failed", "parked", "stalled", "cancelled"]);

function evaluateTransition(
  { wasHuman, handOff: { from, to } }: BacktestCase,
  state: State,
  workflow: Workflow,
): string[] {
  const next = workflow.states[to];
  if (!next && !isReservedState(to)) return [`there is no state ${to}`];
  const isLegal = ALWAYS_LEGAL.has(to) || successorsOf(workflow, from).includes(to);
  const isSameKind = !next || wasHuman === undefined || wasHuman === next.human;
  return [
    ...(isLegal ? [] : [`${to} may not follow ${from} (legal: ${state.next.join(", ")})`]),
    ...(isSameKind
      ? []
      : [
          next.human
            ? `${to} is for a person, and was for a runner`
            : `${to} is for a runner, and was for a person`,
        ]),
  ];
}

function evaluateLimits(
  { hops, rounds, handOff: { to, trailers } }: BacktestCase,
  workflow: Workflow,
): string[] {
  const limit = hopLimit(workflow);
  if (to !== "parked" && hops >= limit) {
    return [`parked: ${hops} hand-offs without a person, and the limit is ${limit}`];
  }
  const [, oldLimit = ""] = (valueOf(trailers, KEY.hops) ?? "").split("/");
  if (to === "parked" && oldLimit !== "" && hops >= Number(oldLimit) && hops < limit) {
    return [`not parked: ${hops} hand-offs without a person, and the limit is ${limit}`];
  }
  // The carried state of the request does not count this round yet.
  const carriedState = { ...EMPTY_CARRIED_STATE, rounds: { [to]: rounds - 1 } };
  const problem = roundsProblem(workflow, carriedState, to);
  return problem ? [`${problem.state}: ${problem.why}`] : [];
}

function evaluatePaths(paths: readonly string[], { writes, forbid }: State): string[] {
  const forbidden = new Set([...(writes ? pathsOutside(paths, writes) : []), ...pathsInside(paths, forbid)]);
  const [first, ...others] = forbidden;
  if (first === undefined) return [];
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return [`it may not change ${JSON.stringify(first)}${more}`];
}

function evaluateEvidence({ evidence, handOff: { to } }: BacktestCase, workflow: Workflow): string[] {
  const valid = evidence.filter(({ name, by }) => workflow.states[by]?.proves.includes(name));
  const missing = missingEvidence(workflow, to, new Set(valid.map(({ name }) => name)));
  return missing.length > 0 ? [`${to} needs evidence of its files: ${missing.join(", ")}`] : [];
}
