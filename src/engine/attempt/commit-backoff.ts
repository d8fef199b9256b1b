/** Ends an attempt without a response: the request goes into back-off. */
import { addAmounts, type Budget } from "../../core/util/amounts.ts";
import { formatLease } from "../../core/protocol/lease.ts";
import { refsOf } from "../../core/protocol/refs.ts";
import type { Machine, Repository } from "../ports.ts";
import { leaseUpdates, type Claim } from "./lease-holder.ts";
import { keepCommit, salvageUpdates, type KeepPorts, type SavedTree } from "./salvage.ts";
import { readRef, swapWithRetry } from "./swap-retry.ts";

export interface BackoffRecord {
  readonly ms: number;
  readonly why: string;
  readonly attemptsUsed: number;
  /** What the attempt spent. */
  readonly spent: Budget;
  /** The message of the attempt log entry. */
  readonly attemptLog?: string;
  readonly saved?: SavedTree | undefined;
}

export type BackoffPorts = KeepPorts & {
  readonly repository: Pick<Repository, "note">;
  readonly machine: Pick<Machine, "newNonce">;
};

/**
 * Replaces the lease by one in back-off, in one swap with the attempt log and the saved tree. False:
 * the run was fenced, and only the tree is kept.
 */
export async function commitBackoff(
  ports: BackoffPorts,
  held: Claim,
  record: BackoffRecord,
): Promise<boolean> {
  const { repository, machine } = ports;
  const { ms, why, attemptsUsed, attemptLog, saved } = record;
  const spent = addAmounts(held.lease.spent, record.spent);
  const lease = { ...held.lease, attempt: attemptsUsed, nonce: machine.newNonce(), spent };
  const next = await repository.note(formatLease({ ...lease, backoff: { ms, why } }));
  const { journal } = refsOf(held.run.head.key);
  const lastEntry = await readRef(ports, held, journal);
  const entry =
    attemptLog === undefined ? undefined : await repository.note(attemptLog, lastEntry ?? undefined);
  const updates = (tree: SavedTree | undefined) => () => [
    ...leaseUpdates(held, next),
    ...(entry ? [{ ref: journal, expected: lastEntry, next: entry }] : []),
    ...salvageUpdates(tree),
  ];
  const swap = await swapWithRetry(ports, held, "the back-off", updates(saved), next);
  if (swap.kind === "landed" || !saved) return swap.kind === "landed";
  if (swap.kind !== "blocked") {
    await keepCommit(ports, held, saved.value);
    return false;
  }
  await repository.keepLocally(saved.ref, saved.value);
  return (await swapWithRetry(ports, held, "the back-off", updates(undefined), next)).kind === "landed";
}
