/** Ends an attempt that gets no response yet: the request is retried later. */
import { formatAttemptLog } from "../../core/outcome/attempt-log.ts";
import { formatClosed } from "../../core/scheduling/side-refs.ts";
import { closedRef } from "../../core/protocol/refs.ts";
import { backoffMs, type Outcome } from "../../core/outcome/outcome.ts";
import type { Output } from "../../core/outcome/output.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import type { AttemptTree } from "../attempt-trees.ts";
import type { ScriptEnd } from "../ports.ts";
import { usedBy } from "./carried-after.ts";
import { commitBackoff, type BackoffRecord } from "./commit-backoff.ts";
import { runDetails, type AttemptContext, type ClaimedAttempt } from "./context.ts";
import { STOP_REASONS } from "./finalize-stopped.ts";
import { markLaneUse } from "./lease-holder.ts";
import { renewWhile } from "./renew-lease.ts";
import { BACKOFF } from "../timing.ts";
import { saveTree, type SavedTree } from "./salvage.ts";

export async function finalizeBackoff(
  attempt: ClaimedAttempt,
  { log, secrets }: Pick<ScriptEnd, "log" | "secrets">,
  outcome: Outcome,
  why: string,
  saved: SavedTree | undefined,
): Promise<void> {
  const { claim, run, lease, services } = attempt;
  const { ports } = services;
  const { request } = run;
  const isLater = outcome.kind === "later";
  const ms = isLater ? outcome.afterMs : backoffMs(run.state, lease.attempt);
  const unanswered = { why, log, salvage: saved?.ref };
  const attemptLog = formatAttemptLog(request, runDetails(attempt, secrets), unanswered);
  const attemptsUsed = isLater ? lease.attempt - 1 : lease.attempt;
  const spent = usedBy(attempt, "output" in outcome ? outcome.output : undefined);
  await markLaneUse(ports, claim, spent);
  if (isLater) await closeLanes(attempt, ms, why);
  const isHeld = await commitBackoff(ports, claim, { ms, why, attemptsUsed, attemptLog, saved, spent });
  const { branch, state } = request;
  if (isHeld) ports.report({ kind: "resting", branch, state, why, ms });
  else ports.report({ kind: "stopped", branch, state, why: STOP_REASONS.fenced, salvage: saved?.ref });
}

/** A rate limit holds for the whole lane: no other request of it starts before its time. */
async function closeLanes(
  { run, services }: Pick<AttemptContext, "run" | "services">,
  ms: number,
  why: string,
): Promise<void> {
  const { repository, clock } = services.ports;
  const { lanes } = services.trustedConfig.workflow;
  for (const lane of (run.state?.lane ?? []).filter((name) => lanes[name]?.closes)) {
    const ref = closedRef(lane);
    const expected = (await repository.read([ref])).get(ref) ?? null;
    const next = await repository.note(formatClosed(lane, clock.wall() + ms, why));
    // If this swap is refused, another runner has closed the lane.
    await repository.swap([{ ref, expected, next }], "close a lane");
  }
}

/** The tested result is not what would land: it is saved, and the request is retried on the current trusted branch. */
export async function finalizeOutdated(
  attempt: ClaimedAttempt,
  output: Output | undefined,
  tree: AttemptTree | undefined,
): Promise<void> {
  const why = MESSAGES.landingOutdated();
  const { ports, stop } = attempt.services;
  const saved =
    tree && (await renewWhile(ports, attempt.claim, stop, saveTree(ports, attempt.claim, tree, why)));
  return rest(attempt, output, tree, { ms: 0, why, saved });
}

/** The response is kept under the salvage ref, and no runner without a working key starts the request again. */
export function finalizeUnsigned(
  attempt: ClaimedAttempt,
  output: Output | undefined,
  tree: AttemptTree | undefined,
  why: string,
): Promise<void> {
  return rest(attempt, output, tree, { ms: BACKOFF.unsignedMs, why: MESSAGES.unsignedResponse(why) });
}

/** Puts the request into back-off without using up an attempt. */
async function rest(
  attempt: ClaimedAttempt,
  output: Output | undefined,
  tree: AttemptTree | undefined,
  record: Pick<BackoffRecord, "ms" | "why" | "saved">,
): Promise<void> {
  const { claim, run, lease, services } = attempt;
  const { ports } = services;
  const spent = usedBy(attempt, output);
  await commitBackoff(ports, claim, { ...record, attemptsUsed: lease.attempt - 1, spent });
  if (tree) await ports.trees.release(tree);
  const { branch, state } = run.request;
  ports.report({ kind: "resting", branch, state, why: record.why, ms: record.ms });
}
