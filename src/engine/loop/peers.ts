/**
 * The other runners at work, as far as their leases tell, and what is left to them for a while.
 *
 * What must hold: a runner takes of its own share as long as there is any; of another's share it
 * takes only with a place to spare, and after a moment; nothing is left lying for longer than that.
 */
import type { Run } from "../../core/scheduling/decide.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { Holder } from "../../core/protocol/lease.ts";
import { hashScore, isMine } from "../../core/scheduling/sharding.ts";
import type { Snapshot } from "../../core/scheduling/snapshot.ts";
import type { Machine } from "../ports.ts";
import { PEERS } from "../timing.ts";

export class Peers {
  readonly #self: string;
  readonly #seen = new Map<string, number>();
  #spareSince: number | undefined;

  constructor({ runner, holder }: Pick<Machine, "runner" | "holder">) {
    this.#self = nameOf(runner, holder);
  }

  /** Takes note of who holds leases now. */
  note({ leases }: Snapshot, now: number): void {
    for (const { lease, isHolderDead: dead } of leases.values()) {
      if (lease && !lease.backoff && !dead) this.#seen.set(nameOf(lease.runner, lease.holder), now);
    }
    for (const [name, at] of this.#seen) if (now - at > PEERS.presentMs) this.#seen.delete(name);
    this.#seen.delete(this.#self);
  }

  /** What the last choice came to. With a place to spare, nothing of the own share was left. */
  chose(runs: readonly Run[], hasSpare: boolean, now: number): void {
    const tookOthers = runs.some((run) => !this.#isMine(run));
    this.#spareSince = hasSpare ? (tookOthers ? now : (this.#spareSince ?? now)) : undefined;
  }

  #isMine({ request }: Run): boolean {
    return isMine(this.#self, this.#seen.keys(), request.commit);
  }

  /**
   * How long to leave each request to another runner, in milliseconds; those that may be taken now
   * are not in it.
   */
  leave(runs: readonly Run[], now: number): ReadonlyMap<Sha, number> {
    const others = runs.filter((run) => !this.#isMine(run));
    const waited = now - (this.#spareSince ?? now);
    const left = others.map(({ request: { commit } }): [Sha, number] => {
      const moment = PEERS.leaveMs * (1 + (3 * hashScore(this.#self, commit)) / 2 ** 32);
      return [commit, moment - waited];
    });
    return new Map(left.filter(([, ms]) => ms > 0));
  }
}

/** Two runners of one machine have one name for people, and two processes. */
function nameOf(runner: string, holder: Holder | undefined): string {
  return holder ? `${holder.boot} ${holder.pid} ${holder.started}` : runner;
}
