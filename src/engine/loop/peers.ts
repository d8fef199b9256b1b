/**
 * Leaves requests to other active runners for a short time, so that runners rarely race for a claim.
 *
 * Invariants:
 * - A runner takes requests of its own share first. It takes others only with a spare slot, after a delay.
 * - No request waits longer than four delays for its preferred runner.
 */
import type { Run } from "../../core/scheduling/decide.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { Holder } from "../../core/protocol/lease.ts";
import { hashScore, isMine } from "../../core/scheduling/sharding.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import { PEERS } from "../timing.ts";
import type { Machine } from "../ports.ts";

export class Peers {
  readonly #self: string;
  readonly #lastSeen = new Map<string, number>();
  #spareSince: number | undefined;

  constructor({ runner, holder }: Pick<Machine, "runner" | "holder">) {
    this.#self = idOf(runner, holder);
  }

  /** Records the runners that hold leases now. */
  observe({ leases }: Snapshot, now: number): void {
    for (const { lease, isHolderDead } of leases.values()) {
      if (lease && !lease.backoff && !isHolderDead) this.#lastSeen.set(idOf(lease.runner, lease.holder), now);
    }
    for (const [peer, seenAt] of this.#lastSeen)
      if (now - seenAt > PEERS.presentMs) this.#lastSeen.delete(peer);
    this.#lastSeen.delete(this.#self);
  }

  /** Records a selection. A spare slot means that no request of the own share was left. */
  recordSelection(runs: readonly Run[], hasSpareSlot: boolean, now: number): void {
    const tookOthers = runs.some((run) => !this.#isMine(run));
    this.#spareSince = hasSpareSlot ? (tookOthers ? now : (this.#spareSince ?? now)) : undefined;
  }

  #isMine({ request }: Run): boolean {
    return isMine(this.#self, this.#lastSeen.keys(), request.commit);
  }

  /** Milliseconds for which each request is left to another runner. Requests to take now are missing. */
  delays(runs: readonly Run[], now: number): ReadonlyMap<Sha, number> {
    const others = runs.filter((run) => !this.#isMine(run));
    const waitedMs = now - (this.#spareSince ?? now);
    const delays = others.map(({ request: { commit } }): [Sha, number] => {
      const delayMs = PEERS.leaveMs * (1 + (3 * hashScore(this.#self, commit)) / 2 ** 32);
      return [commit, delayMs - waitedMs];
    });
    return new Map(delays.filter(([, ms]) => ms > 0));
  }
}

/** Two runners of one machine share a name, but are two processes. */
function idOf(runner: string, holder: Holder | undefined): string {
  return holder ? `${holder.boot} ${holder.pid} ${holder.started}` : runner;
}
