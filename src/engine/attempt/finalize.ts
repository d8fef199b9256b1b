/**
 * Writes the end of an attempt, as a response or a back-off, and reports it.
 *
 * Invariants:
 * - `src/core/outcome` decides; this file only writes.
 */
import { addAmounts } from "../../core/util/amounts.ts";
import { budgetProblem } from "../../core/policy/budget.ts";
import { attemptsOf, hopLimit } from "../../core/workflow/workflow.ts";
import type { Outcome } from "../../core/outcome/outcome.ts";
import type { ResponseContent } from "../../core/outcome/response.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import { markLaneUse } from "./lease-holder.ts";
import { commitResponse } from "./commit-result.ts";
import { saveTree, type SavedTree } from "./salvage.ts";
import type { AttemptTree, CollectedTree } from "../attempt-trees.ts";
import type { History, ScriptEnd } from "../ports.ts";
import { buildResponse } from "./build-response.ts";
import { usedBy } from "./carried-after.ts";
import { finalizeBackoff, finalizeOutdated, finalizeUnsigned } from "./finalize-backoff.ts";
import { finalizeStopped, STOP_REASONS, stopReason } from "./finalize-stopped.ts";
import { applyLimits, validateResult } from "./validate-result.ts";
import { runDetails, type AttemptContext, type ClaimedAttempt, type RequestWork } from "./context.ts";

const NO_SCRIPT: ScriptEnd = {
  exit: { kind: "not-started", why: "there is no script for this state on the trusted branch" },
  outputFile: "",
  log: "",
  stdout: "",
  secrets: [],
};

/** What an attempt came to: the outcome, and its files, collected or saved. */
interface ExaminedResult {
  readonly end: ScriptEnd;
  readonly tree?: AttemptTree;
  readonly outcome: Outcome;
  /** A string describes what is wrong with the tree. */
  readonly collected?: CollectedTree | string | undefined;
  readonly saved?: SavedTree | undefined;
}

/** Reads what the script left, and saves it unless it becomes the response. It may take long. */
export async function examine(
  attempt: ClaimedAttempt,
  end: ScriptEnd,
  tree?: AttemptTree,
): Promise<ExaminedResult> {
  const { claim, services, work } = attempt;
  const { trees, repository } = services.ports;
  const collectedOrProblem = tree && end.exit.kind === "exited" ? await trees.collect(tree) : undefined;
  const treeOrProblem =
    typeof collectedOrProblem === "object"
      ? await withTreeId(repository, work, collectedOrProblem)
      : collectedOrProblem;
  const outcome = await validateResult(attempt, end, treeOrProblem, async (commit) => {
    if (tree) await trees.take(tree, commit);
  });
  const result = { end, outcome, collected: treeOrProblem, ...(tree ? { tree } : {}) };
  if (!tree || (outcome.kind === "answer" && typeof treeOrProblem === "object")) return result;
  const why = outcome.kind === "stopped" ? STOP_REASONS[stopReason(services)] : whyUnanswered(outcome);
  return { ...result, saved: await saveTree(services.ports, claim, tree, why) };
}

const whyUnanswered = (outcome: Outcome): string => ("why" in outcome ? outcome.why : MESSAGES.noFilesLeft());

/** Writes the result. The lease is not renewed any more, because each swap names its value. */
export async function finalize(
  attempt: ClaimedAttempt,
  { end, tree, outcome, collected, saved }: ExaminedResult,
): Promise<void> {
  const { run, lease, services } = attempt;
  if (outcome.kind === "stopped") return finalizeStopped(attempt, tree, saved);
  if (outcome.kind === "answer" && typeof collected === "object") {
    const content = applyLimits(attempt, outcome, collected);
    return writeResponse(attempt, end, content, { tree, collected });
  }
  const why = whyUnanswered(outcome);
  const timeProblem = end.exit.kind === "timed-out" ? budgetProblemAfter(attempt) : undefined;
  if (timeProblem !== undefined) {
    const trouble = { why: timeProblem, log: end.log, salvage: saved?.ref };
    return writeResponse(attempt, end, { state: "parked", trouble }, { tree, saved });
  }
  if (outcome.kind === "failed" && lease.attempt >= attemptsOf(run.state)) {
    const state = run.state?.["on-failure"] ?? "failed";
    const trouble = { why, log: end.log, salvage: saved?.ref };
    return writeResponse(attempt, end, { state, output: outcome.output, trouble }, { tree, saved });
  }
  await finalizeBackoff(attempt, end, outcome, why, saved);
  if (tree) await services.ports.trees.release(tree);
}

/** Ends an attempt at a state that has no script. */
export const finalizeMissingScript = async (attempt: ClaimedAttempt): Promise<void> =>
  finalize(attempt, await examine(attempt, NO_SCRIPT));

/**
 * Replaces the commit id that stands for an unchanged tree by the tree's own id, because evidence and
 * loops compare trees.
 */
async function withTreeId(
  history: Pick<History, "trail">,
  { trail }: Pick<RequestWork, "trail">,
  collected: CollectedTree,
): Promise<CollectedTree> {
  if (collected.tree !== collected.head) return collected;
  const isRequest = collected.head === trail[0]?.commit;
  const [commit] = isRequest ? trail : await history.trail(collected.head, 1);
  return { ...collected, tree: commit?.tree ?? collected.tree };
}

/** Why the budget ends the work after this attempt; undefined if it does not. */
function budgetProblemAfter(attempt: AttemptContext): string | undefined {
  const { run, services, work } = attempt;
  const spent = addAmounts(work.carried.spent, usedBy(attempt, undefined));
  return budgetProblem(services.trustedConfig.workflow, { ...work.carried, spent }, run.head.branch);
}

const LIMITS = {
  hops: ({ run, services }: AttemptContext) =>
    `${run.request.hops} hand-offs without a person, and the limit is ${hopLimit(services.trustedConfig.workflow)}`,
  attempts: ({ run, lease }: AttemptContext) =>
    `${lease.attempt - 1} attempts ended without an answer, and the limit is ${attemptsOf(run.state)}`,
  stalled: () => "the program that leased it did not answer in time",
} as const;

/** Answers a request that reached a limit; no script runs. */
export function finalizeLimit(attempt: ClaimedAttempt, limit: keyof typeof LIMITS): Promise<void> {
  return finalizeWithoutScript(attempt, limit === "stalled" ? "stalled" : "parked", LIMITS[limit](attempt));
}

/** Answers a request without a script. `why` is undefined when nothing is wrong. */
export function finalizeWithoutScript(
  attempt: ClaimedAttempt,
  state: string,
  why: string | undefined,
): Promise<void> {
  const trouble = why === undefined ? {} : { trouble: { why, log: "" } };
  return writeResponse(attempt, { secrets: [] }, { state, ...trouble }, {});
}

interface AttemptResult {
  readonly tree?: AttemptTree | undefined;
  readonly collected?: CollectedTree;
  readonly saved?: SavedTree | undefined;
}

async function writeResponse(
  attempt: ClaimedAttempt,
  { secrets }: Pick<ScriptEnd, "secrets">,
  content: ResponseContent,
  { tree, collected, saved }: AttemptResult,
): Promise<void> {
  const { claim, run, services } = attempt;
  const { ports } = services;
  const { tookMs } = runDetails(attempt, secrets);
  await markLaneUse(ports, claim, usedBy(attempt, content.output));
  const response = await buildResponse(attempt, content, { collected, saved, secrets });
  const result = await commitResponse(ports, claim, services.stop, response);
  if (result.kind === "outdated") return finalizeOutdated(attempt, content.output, tree);
  if (result.kind === "unsigned") return finalizeUnsigned(attempt, content.output, tree, result.why);
  const mustPark = result.kind === "refused" && content.state !== "parked";
  if (mustPark || result.kind === "clash") {
    const why = result.kind === "clash" ? result.why : MESSAGES.refusedAnswer(result.why);
    const trouble = { why, log: "", salvage: result.salvage };
    return writeResponse(attempt, { secrets }, { state: "parked", trouble }, { tree });
  }
  if (tree) await ports.trees.release(tree);
  const { branch, state } = run.request;
  if (result.kind === "blocked" || result.kind === "refused") {
    return ports.report({ kind: "blocked", branch, why: result.why });
  }
  if (result.kind === "overtaken") {
    return ports.report({ kind: "stopped", branch, state, why: result.why, salvage: result.salvage });
  }
  const why = content.trouble?.why;
  const event = { branch, state, next: content.state, commit: result.commit, tookMs };
  ports.report({ kind: "answered", ...event, ...(why === undefined ? {} : { why }) });
}
