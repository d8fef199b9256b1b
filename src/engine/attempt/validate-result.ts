/**
 * Validates the changes and the output of a script against the workflow of the trusted branch.
 *
 * Invariants:
 * - Nothing is written here.
 * - A violation fails the attempt with a message that names it. A reached limit parks the work and keeps it.
 */
import { childProblem } from "../../core/outcome/create-children.ts";
import { findEvidence, missingEvidence } from "../../core/policy/evidence.ts";
import { landProblem, otherAnswersProblem } from "../../core/outcome/landing.ts";
import { legalAnswers, resolveState } from "../../core/outcome/transitions.ts";
import { roundsProblem, repetitionProblem } from "../../core/policy/budget.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { parseMessage, valueOf, valuesOf } from "../../core/protocol/message.ts";
import { decideOutcome, type Outcome } from "../../core/outcome/outcome.ts";
import { readOutput, readSetState, type Output, type OutputReading } from "../../core/outcome/output.ts";
import { pathsInside, pathsOutside } from "../../core/workflow/paths.ts";
import { planProblem } from "../../core/workflow/plan.ts";
import type { ResponseContent } from "../../core/outcome/response.ts";
import { cycleWith } from "../../core/scheduling/waits.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import { DEPTH } from "../timing.ts";
import type { CollectedTree } from "../attempt-trees.ts";
import type { History, ScriptEnd, TrustedConfig } from "../ports.ts";
import type { AttemptContext, AttemptIdentity, RequestWork } from "./context.ts";

/** The parts of an attempt that validation reads. */
interface ValidationContext extends AttemptIdentity {
  readonly work: RequestWork;
  readonly services: {
    readonly ports: {
      readonly repository: Pick<History, "changedPaths" | "contains" | "trail" | "unsignedCommits">;
    };
    readonly trustedConfig: Pick<TrustedConfig, "workflow">;
  };
}

/** Brings a commit that the output of the script names into the repository. */
type TakeCommit = (commit: Sha) => Promise<void>;

/** Decides the outcome of an attempt. A string in place of the tree says what is wrong with it. */
export async function validateResult(
  attempt: ValidationContext,
  end: ScriptEnd,
  collected: CollectedTree | string | undefined,
  take: TakeCommit,
): Promise<Outcome> {
  const { script, run, work } = attempt;
  const { workflow } = attempt.services.trustedConfig;
  const { state } = run.request;
  const reading = script?.isAynig
    ? await readAynigOutput(attempt, end, collected)
    : resolveState(readOutput(end.outputFile), workflow, state);
  const hasOutput = "output" in reading && typeof collected === "object";
  const treeProblem = typeof collected === "string" ? collected : undefined;
  const violation = hasOutput ? await findViolation(attempt, reading.output, collected, take) : treeProblem;
  const legal = script?.isAynig && workflow.open ? "any" : legalAnswers(workflow, state, work.plan);
  const outcome = decideOutcome(legal, end.exit, reading, violation);
  if (outcome.kind !== "answer" || typeof collected !== "object") return outcome;
  const proven = findEvidence(work.trail, collected.tree, workflow);
  for (const name of outcome.output.evidence ?? []) proven.add(name);
  const missing = missingEvidence(workflow, outcome.state, proven);
  if (missing.length === 0) return outcome;
  return { kind: "failed", why: MESSAGES.noEvidence(outcome.state, missing), output: outcome.output };
}

/** The first rule that the result violates, or undefined. */
async function findViolation(
  attempt: ValidationContext,
  output: Output,
  collected: CollectedTree,
  take: TakeCommit,
): Promise<string | undefined> {
  return (
    outputViolation(attempt, output) ??
    (await landingViolation(attempt, output, take)) ??
    (await signatureViolation(attempt, output, collected)) ??
    (await pathViolation(attempt, collected))
  );
}

function outputViolation({ run, work, services }: ValidationContext, output: Output): string | undefined {
  const { workflow } = services.trustedConfig;
  const { carried, members, plan } = work;
  const { request, state } = run;
  const { children = [], cancel = [], evidence = [], answers = [] } = output;
  const unknownChild = cancel.find((key) => !carried.children.includes(key));
  if (unknownChild !== undefined) return MESSAGES.noSuchChild(unknownChild);
  // The plan would not bind another branch.
  if (plan && children.length > 0) return MESSAGES.planForbidsChildren(request.state);
  const unproven = evidence.find((name) => !state?.proves.includes(name));
  if (unproven !== undefined) return MESSAGES.notProven(request.state, unproven);
  const dependsOn = valuesOf(output.trailers, KEY.dependsOn);
  const cycle = dependsOn.length > 0 ? cycleWith(request.branch, dependsOn, work.conditions) : undefined;
  if (cycle) return MESSAGES.waitsForItself(cycle);
  return (
    childProblem(children, workflow, request.branch, request.state, carried, work.children) ??
    (output.plan && planProblem(output.plan, request.state, workflow)) ??
    otherAnswersProblem(answers, members, workflow)
  );
}

async function landingViolation(
  { run, work, services }: ValidationContext,
  { land }: Output,
  take: TakeCommit,
): Promise<string | undefined> {
  if (land === undefined) return undefined;
  const { repository } = services.ports;
  const { request, state } = run;
  const { targetCommit } = work;
  if (!state?.land) return MESSAGES.mayNotLand(request.state);
  await take(land);
  if (!(await repository.contains(land, targetCommit))) return landProblem([], targetCommit);
  return landProblem(await repository.trail(land, DEPTH.landing), targetCommit);
}

/** With `sign`, a host would refuse a response with a script's commit that has no signature. */
async function signatureViolation(
  { run, work, services }: ValidationContext,
  { land }: Output,
  { head }: CollectedTree,
): Promise<string | undefined> {
  if (!services.trustedConfig.workflow.sign) return undefined;
  const { repository } = services.ports;
  const { commit } = run.request;
  const ranges = [
    [commit, head] as const,
    ...(land === undefined ? [] : [[work.targetCommit, land] as const]),
  ];
  for (const [from, to] of ranges) {
    const unsigned = from === to ? [] : await repository.unsignedCommits(from, to);
    if (unsigned.length > 0) return MESSAGES.unsignedCommits(unsigned);
  }
  return undefined;
}

/** Paths that this state, this work or this plan step must not change. */
async function pathViolation(
  { run, work, services }: ValidationContext,
  collected: CollectedTree,
): Promise<string | undefined> {
  const { carried, plan } = work;
  const { request, state } = run;
  const stepWrites = plan?.steps[plan.step - 1]?.writes;
  const owns = carried.owns.length > 0 ? carried.owns : undefined;
  const bounds = [state?.writes, owns, stepWrites].filter((globs) => globs !== undefined);
  const forbid = state?.forbid ?? [];
  if (!collected.hasChanges || (bounds.length === 0 && forbid.length === 0)) return undefined;
  const changed = await services.ports.repository.changedPaths(request.commit, collected.tree);
  const forbidden = new Set([
    ...bounds.flatMap((globs) => pathsOutside(changed, globs)),
    ...pathsInside(changed, forbid),
  ]);
  return forbidden.size > 0 ? MESSAGES.pathsForbidden(request.state, [...forbidden]) : undefined;
}

/** The response to an answer: the declared state, or the state of a limit that it reaches. */
export function applyLimits(
  { services, work }: Pick<AttemptContext, "services" | "work">,
  { state, output }: Extract<Outcome, { kind: "answer" }>,
  collected: CollectedTree,
): ResponseContent {
  const { workflow } = services.trustedConfig;
  const rounds = roundsProblem(workflow, work.carried, state);
  const repetition = repetitionProblem(workflow, work.trail, state, collected.tree);
  const limit = rounds ?? (repetition === undefined ? undefined : { state: "parked", why: repetition });
  return limit ? { state: limit.state, output, trouble: { why: limit.why, log: "" } } : { state, output };
}

/** An AYNIG command may commit the next state itself, print SET_STATE, or write our output file. */
async function readAynigOutput(
  { run, services }: ValidationContext,
  end: ScriptEnd,
  collected: CollectedTree | string | undefined,
): Promise<OutputReading> {
  const { commit: requested, key } = run.request;
  const printed = readSetState(end.stdout) ?? readOutput(end.outputFile);
  const hasNoState = "output" in printed && printed.output.state === undefined;
  if (!hasNoState || typeof collected !== "object" || collected.head === requested) return printed;
  const [lastCommit] = await services.ports.repository.trail(collected.head, 1);
  const message = parseMessage(lastCommit?.message ?? "");
  const state = valueOf(message.trailers, key);
  if (state === undefined) return printed;
  return { output: { ...printed.output, state, subject: message.header, summary: message.body } };
}
