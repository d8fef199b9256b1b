/**
 * Writes the end of an attempt, as a response or a back-off, and reports it.
 *
 * Invariants:
 * - `src/core/outcome` decides; this file only writes.
 */
import { addAmounts } from "../../core/util/amounts.ts";
import { budgetProblem } from "../../core/policy/budget.ts";
import { attemptsOf, hopLimit } from "../../core/workflow/workflow.ts";
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
import { finalizeStopped } from "./finalize-stopped.ts";
import { applyLimits, validateResult } from "./validate-result.ts";
import { runDetails, type AttemptContext, type ClaimedAttempt, type RequestWork } from "./context.ts";

const NO_SCRIPT: ScriptEnd = {
  exit: { kind: "not-started", why: "there is no script for this state on the trusted branch" },
  outputFile: "",
  log: "",
  stdout: "",
  secrets: [],
};

export async function finalize(
  attempt: ClaimedAttempt,
  end: ScriptEnd = NO_SCRIPT,
  tree?: AttemptTree,
): Promise<void> {
  const { claim, run, lease, services, work } = attempt;
  const { trees, repository } = services.ports;
  const collectedOrProblem = tree && end.exit.kind === "exited" ? await trees.collect(tree) : undefined;
  const treeOrProblem =
    typeof collectedOrProblem === "object"
      ? await withTreeId(repository, work, collectedOrProblem)
      : collectedOrProblem;
  const outcome = await validateResult(attempt, end, treeOrProblem, async (commit) => {
    if (tree) await trees.take(tree, commit);
  });
  if (outcome.kind === "stopped") return finalizeStopped(attempt, tree);
  if (outcome.kind === "answer" && typeof treeOrProblem === "object") {
    const content = applyLimits(attempt, outcome, treeOrProblem);
    return writeResponse(attempt, end, content, { tree, collected: treeOrProblem });
  }
  const why = "why" in outcome ? outcome.why : MESSAGES.noFilesLeft();
  const saved = tree && (await saveTree(services.ports, claim, tree, why));
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
  if (tree) await trees.release(tree);
}

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
  const result = await commitResponse(ports, claim, response);
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
