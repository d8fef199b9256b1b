/**
 * Judges what a script left and declared, against the contract of the trusted branch.
 *
 * What must hold: nothing is written here; a breach of the contract fails the attempt with words that
 * name it; a limit that is reached parks the work and keeps it.
 */
import { childProblem } from "../../core/outcome/create-children.ts";
import { findEvidence, missingEvidence } from "../../core/policy/evidence.ts";
import { landProblem, otherAnswersProblem } from "../../core/outcome/landing.ts";
import { legalAnswers, resolveState } from "../../core/outcome/transitions.ts";
import { roundsProblem, repetitionProblem } from "../../core/policy/budget.ts";
import { parseMessage, valueOf, valuesOf } from "../../core/protocol/message.ts";
import { decideOutcome, type Outcome } from "../../core/outcome/outcome.ts";
import { readOutput, readSetState, type Output, type OutputReading } from "../../core/outcome/output.ts";
import { pathsInside, pathsOutside } from "../../core/workflow/paths.ts";
import { planProblem } from "../../core/workflow/plan.ts";
import type { FinalState } from "../../core/outcome/response.ts";
import { cycleWith } from "../../core/scheduling/waits.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import type { ScriptEnd, CollectedTree } from "../ports.ts";
import type { AttemptContext } from "./context.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { DEPTH } from "../timing.ts";

/** What the end of an attempt comes to. `sealed` is what it left; a string says what is wrong with that. */
export async function validateResult(
  work: AttemptContext,
  end: ScriptEnd,
  sealed: CollectedTree | string | undefined,
): Promise<Outcome> {
  const { script, workflow } = work;
  const { state } = work.claim.run.request;
  const reading = script?.isAynig
    ? await readAynig(work, end, sealed)
    : resolveState(readOutput(end.output), workflow, state);
  const isAnswer = "output" in reading && typeof sealed === "object";
  const fault =
    typeof sealed === "string" ? sealed : isAnswer ? await breach(work, reading.output, sealed) : undefined;
  const legal = script?.isAynig && workflow.open ? "any" : legalAnswers(workflow, state, work.plan);
  const outcome = decideOutcome(legal, end.exit, reading, fault);
  if (outcome.kind !== "answer" || typeof sealed !== "object") return outcome;
  const proven = findEvidence(work.trail, sealed.tree, workflow);
  for (const name of outcome.output.evidence ?? []) proven.add(name);
  const missing = missingEvidence(workflow, outcome.state, proven);
  if (missing.length === 0) return outcome;
  return { kind: "failed", why: MESSAGES.noEvidence(outcome.state, missing), output: outcome.output };
}

/** The first thing that the contract forbids; undefined: none. */
async function breach(
  work: AttemptContext,
  output: Output,
  sealed: CollectedTree,
): Promise<string | undefined> {
  const { workflow, carried, members } = work;
  const { request, state } = work.claim.run;
  const strange = (output.cancel ?? []).find((key) => !carried.children.includes(key));
  if (strange !== undefined) return MESSAGES.noSuchChild(strange);
  // Another branch would be bound by nothing of the plan.
  if (work.plan && (output.children ?? []).length > 0) return MESSAGES.planHandsOut(request.state);
  const unproven = (output.evidence ?? []).find((name) => !state?.proves.includes(name));
  if (unproven !== undefined) return MESSAGES.notProven(request.state, unproven);
  const depends = valuesOf(output.trailers, KEY.dependsOn);
  const ring = depends.length > 0 ? cycleWith(request.branch, depends, work.scene) : undefined;
  if (ring) return MESSAGES.wouldWait(ring);
  const declared =
    childProblem(output.children ?? [], workflow, request.branch, request.state, carried, work.offspring) ??
    (output.plan && planProblem(output.plan, request.state, workflow)) ??
    otherAnswersProblem(output.answers ?? [], members, workflow);
  return declared ?? (await landBreach(work, output)) ?? (await pathBreach(work, sealed));
}

async function landBreach(
  { ports, targetCommit, claim }: AttemptContext,
  { land }: Output,
): Promise<string | undefined> {
  if (land === undefined) return undefined;
  const { request, state } = claim.run;
  if (!state?.land) return MESSAGES.mayNotLand(request.state);
  if (!(await ports.repository.contains(land, targetCommit))) return landProblem([], targetCommit);
  return landProblem(await ports.repository.trail(land, DEPTH.landing), targetCommit);
}

/** Paths that this state, this work or this step of a plan may not change. */
async function pathBreach(work: AttemptContext, sealed: CollectedTree): Promise<string | undefined> {
  const { carried, plan } = work;
  const { request, state } = work.claim.run;
  const step = plan?.steps[plan.step - 1]?.writes;
  const bounds = [state?.writes, carried.owns.length > 0 ? carried.owns : undefined, step].filter(
    (one) => one !== undefined,
  );
  if (!sealed.hasChanges || (bounds.length === 0 && (state?.forbid.length ?? 0) === 0)) return undefined;
  const changed = await work.ports.repository.changedPaths(request.commit, sealed.tree);
  const bad = new Set([
    ...bounds.flatMap((globs) => pathsOutside(changed, globs)),
    ...pathsInside(changed, state?.forbid ?? []),
  ]);
  return bad.size > 0 ? MESSAGES.pathsForbidden(request.state, [...bad]) : undefined;
}

/** The answer as it is written: the one that was given, or a limit in its place. */
export function temper(
  work: AttemptContext,
  answer: Extract<Outcome, { kind: "answer" }>,
  sealed: CollectedTree,
): FinalState {
  const { workflow, carried, trail } = work;
  const { state, output } = answer;
  const most = roundsProblem(workflow, carried, state);
  const same = repetitionProblem(workflow, trail, state, sealed.tree);
  const limit = most ?? (same === undefined ? undefined : { state: "parked", why: same });
  return limit ? { state: limit.state, output, trouble: { why: limit.why, log: "" } } : { state, output };
}

/** An AYNIG command may commit the next state itself, print SET_STATE, or use our output file. */
async function readAynig(
  work: AttemptContext,
  end: ScriptEnd,
  sealed: CollectedTree | string | undefined,
): Promise<OutputReading> {
  const { commit: requested, key } = work.claim.run.request;
  const printed = readSetState(end.stdout) ?? readOutput(end.output);
  const silent = "output" in printed && printed.output.state === undefined;
  if (!silent || typeof sealed !== "object" || sealed.head === requested) return printed;
  const [last] = await work.ports.repository.trail(sealed.head, 1);
  const message = parseMessage(last?.message ?? "");
  const state = valueOf(message.trailers, key);
  if (state === undefined) return printed;
  return { output: { ...printed.output, state, subject: message.header, summary: message.body } };
}
