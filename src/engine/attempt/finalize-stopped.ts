/** Ends a run that was stopped: saves its tree and, where possible, gives its lease back. */
import type { AttemptTree } from "../attempt-trees.ts";
import { usedBy } from "./carried-after.ts";
import { commitBackoff } from "./commit-backoff.ts";
import type { AttemptServices, ClaimedAttempt } from "./context.ts";
import { release } from "./lease-holder.ts";
import { keepCommit, type SavedTree } from "./salvage.ts";
import type { StopReason } from "./stop-switch.ts";

export const STOP_REASONS = {
  fenced: "another runner took over",
  moved: "the branch moved or is gone, and what a person did counts",
  "lease-lost": "the lease could not be renewed in time",
  shutdown: "the runner was stopped",
  held: "everything is held",
  "called-off": "the branch that handed it out called it off",
} as const;

/** Reasons that use up no attempt: the request may run again at once. */
const FREE_REASONS: ReadonlySet<StopReason> = new Set<StopReason>(["shutdown", "held", "called-off"]);

export const stopReason = ({ stop }: AttemptServices): StopReason => stop.reason ?? "shutdown";

export async function finalizeStopped(
  attempt: ClaimedAttempt,
  tree: AttemptTree | undefined,
  saved: SavedTree | undefined,
): Promise<void> {
  const { claim, run, lease, services } = attempt;
  const { ports } = services;
  const reason = stopReason(services);
  const why = STOP_REASONS[reason];
  const salvage = saved && (await keepCommit(ports, claim, saved.value));
  if (reason === "moved") await release(ports, claim);
  if (FREE_REASONS.has(reason)) {
    const spent = usedBy(attempt, undefined);
    await commitBackoff(ports, claim, { ms: 0, why, attemptsUsed: lease.attempt - 1, spent });
  }
  if (tree) await ports.trees.release(tree);
  const { branch, state } = run.request;
  ports.report({ kind: "stopped", branch, state, why, salvage });
}
