/**
 * The writes of a poll that start no run: applies parked responses, releases lost runs and deletes
 * orphaned leases and lane slots.
 *
 * Invariants:
 * - Each deletion names the exact value that was judged.
 * - A response that its branch rejects is retried with a growing back-off and reported once.
 */
import type { Decision, Expire, Idle, Land, Run, DecisionReason } from "../../core/scheduling/decide.ts";
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import { formatLease } from "../../core/protocol/lease.ts";
import { findOrphans } from "../../core/scheduling/orphans.ts";
import type { Head, Now, Snapshot } from "../../core/scheduling/snapshot.ts";
import { placeParkedResponse } from "../attempt/commit-result.ts";
import { ClaimBackoff } from "./backoff.ts";
import { BACKOFF } from "../timing.ts";
import type { Machine, Ports, Repository } from "../ports.ts";

export interface CleanupPorts extends Pick<Ports, "report"> {
  readonly repository: Pick<Repository, "answeredElsewhere" | "blocker" | "note" | "sign" | "swap">;
  readonly machine: Pick<Machine, "newNonce" | "newRun" | "runner">;
}

export interface CleanupResult {
  /** True when a ref was moved, or must be seen by another poll first. */
  readonly hasProgress: boolean;
  readonly blocked: readonly Idle[];
}

/** A runnable request that is not run now. */
export interface SkippedRun {
  readonly idle: Idle;
  /** True when its lost run was released. */
  readonly hasReleased: boolean;
}

export class Cleanup {
  readonly #ports: CleanupPorts;
  readonly #isShared: boolean;
  readonly #reportedBlocks = new Map<Sha, string>();
  readonly #rejections = new ClaimBackoff(BACKOFF.parkedRefused);

  /** `isShared`: each retry is a push, so rejected responses need a back-off. */
  constructor(ports: CleanupPorts, isShared: boolean) {
    this.#ports = ports;
    this.#isShared = isShared;
  }

  /** Applies parked responses and removes expired leases. */
  async landAndExpire(
    decisions: readonly Decision[],
    snapshot: Snapshot,
    now: number,
  ): Promise<CleanupResult> {
    const blocked: Idle[] = [];
    let hasProgress = false;
    for (const decision of decisions) {
      if (decision.kind === "expire") hasProgress = (await this.#expire(decision, snapshot)) || hasProgress;
      if (decision.kind !== "land") continue;
      const result = await this.#land(decision, now);
      if (result === true) hasProgress = true;
      else if (result !== false) blocked.push(blockedIdle(decision.head, result));
    }
    return { hasProgress, blocked };
  }

  async #expire(decision: Expire, snapshot: Snapshot): Promise<boolean> {
    const { previousLease, shouldKeepAttempts } = decision;
    if (shouldKeepAttempts) return this.releaseLostRun(decision, snapshot);
    // The head may be older than the lease, because a poll takes time. The next poll decides.
    if (!previousLease.wasSeenBefore) return true;
    await this.#ports.repository.swap(
      [{ ref: previousLease.ref, expected: previousLease.value, next: null }],
      "expired",
    );
    return false;
  }

  /** True when the response landed; a string says why the branch rejects it. */
  async #land({ head, response }: Land, now: number): Promise<boolean | string> {
    const { branch, commit } = head;
    const reportedBlock = this.#reportedBlocks.get(commit);
    if (reportedBlock !== undefined && this.#rejections.leftMs(response.value, now) > 0) return reportedBlock;
    const swap = await placeParkedResponse(this.#ports, head, response.value);
    if (swap.kind === "landed") {
      this.#ports.report({ kind: "landed", branch, commit: swap.commit });
      return true;
    }
    if (swap.kind !== "blocked") return false;
    if (this.#isShared) this.#rejections.recordFailure(response.value, now);
    this.#reportBlocked(branch, commit, swap.why);
    return swap.why;
  }

  /** Deletes orphaned leases and lane slots. True when one was deleted or needs another poll. */
  async deleteOrphans(snapshot: Snapshot, now: Now): Promise<boolean> {
    let hasProgress = false;
    for (const { ref, value, isConfirmed } of findOrphans(snapshot, now)) {
      const remove = () => this.#ports.repository.swap([{ ref, expected: value, next: null }], "orphaned");
      if (!isConfirmed || (await remove()).kind === "landed") hasProgress = true;
    }
    return hasProgress;
  }

  /** Skips a run whose request is answered on another branch, or whose response could not be applied. */
  async skip(run: Run, snapshot: Snapshot): Promise<SkippedRun | undefined> {
    const { head, request } = run;
    const { repository } = this.#ports;
    const answeredOn = await repository.answeredElsewhere(request, snapshot.target);
    const moved =
      answeredOn === undefined ? [head.branch, ...(run.state?.land ? [snapshot.target] : [])] : [];
    let blocker: string | undefined;
    for (const branch of moved) blocker ??= await repository.blocker(branch);
    const why: DecisionReason | undefined =
      answeredOn !== undefined
        ? { code: "bound-elsewhere", detail: answeredOn }
        : blocker !== undefined
          ? { code: "blocked", detail: blocker }
          : undefined;
    if (!why) return undefined;
    if (blocker !== undefined) this.#reportBlocked(head.branch, head.commit, blocker);
    const idle: Idle = { kind: answeredOn === undefined ? "park" : "ignore", head, why };
    return { idle, hasReleased: await this.releaseLostRun(run, snapshot) };
  }

  /**
   * Frees the lane slots of a lost run whose request must wait, so that other requests can use them.
   * Its lease is replaced by one in back-off, which keeps the number of attempts.
   */
  async releaseLostRun({ previousLease }: Pick<Run, "previousLease">, { slots }: Snapshot): Promise<boolean> {
    const lost = previousLease?.lease;
    if (!previousLease || lost?.backoff) return false;
    const { repository, machine } = this.#ports;
    if (!lost) {
      // No run can be read from it, and it keeps unreadable lane slots alive.
      const { ref, value } = previousLease;
      return (await repository.swap([{ ref, expected: value, next: null }], "expired")).kind === "landed";
    }
    // The lost run may be alive. A different run id tells it that it lost its lease.
    const own = { run: machine.newRun(), nonce: machine.newNonce(), runner: machine.runner };
    const backoff = { ms: 0, why: "its runner was lost" };
    const next = await repository.note(formatLease({ ...lost, ...own, backoff }));
    const lostSlots = [...slots.values()].filter(({ run }) => run === lost.run);
    const swap = await repository.swap(
      [
        { ref: previousLease.ref, expected: previousLease.value, next },
        ...lostSlots.map(({ ref, value }) => ({ ref, expected: value, next: null })),
      ],
      "lost run released",
    );
    return swap.kind === "landed";
  }

  #reportBlocked(branch: Branch, commit: Sha, why: string): void {
    if (this.#reportedBlocks.get(commit) === why) return;
    this.#reportedBlocks.set(commit, why);
    this.#ports.report({ kind: "blocked", branch, why });
  }
}

export const blockedIdle = (head: Head, why: string): Idle => ({
  kind: "park",
  head,
  why: { code: "blocked", detail: why },
});
