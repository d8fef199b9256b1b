/**
 * What a look does besides starting runs: finished answers are put in place, leases and places that
 * nobody holds are removed.
 *
 * What must hold: each removal names the very value that was judged; an answer that its branch
 * refuses is tried again ever more seldom, and told once.
 */
import type { Decision, Idle, Land, Run } from "../core/decide.ts";
import type { Branch, Sha } from "../core/ids.ts";
import { findLeftovers } from "../core/leftovers.ts";
import type { Head, Now, View } from "../core/view.ts";
import { land } from "./finish.ts";
import { Losses } from "./losses.ts";
import type { Ports } from "./ports.ts";

/** Between two tries to put an answer where it was refused: each is a push. */
const REFUSED = { firstMs: 500, longestMs: 300_000 };

export interface Settled {
  readonly progress: boolean;
  readonly blocked: readonly Idle[];
}

export class Tidy {
  readonly #ports: Ports;
  readonly #shared: boolean;
  readonly #told = new Map<Sha, string>();
  readonly #refused = new Losses(REFUSED);

  /** `shared`: each try is a push, and the refusal is not ours to lift. */
  constructor(ports: Ports, shared: boolean) {
    this.#ports = ports;
    this.#shared = shared;
  }

  /** Lands finished answers and removes expired leases of answered requests. */
  async settle(decisions: readonly Decision[], now: number): Promise<Settled> {
    const blocked: Idle[] = [];
    let progress = false;
    for (const decision of decisions) {
      if (decision.kind === "expire") {
        const { ref, value } = decision.over;
        await this.#ports.repository.swap([{ ref, expected: value, next: null }], "expired");
      }
      if (decision.kind !== "land") continue;
      const landed = await this.#land(decision, now);
      if (landed === true) progress = true;
      else if (landed !== false) blocked.push(blockedIdle(decision.head, landed));
    }
    return { progress, blocked };
  }

  /** Whether it landed; a sentence when the branch refuses it. */
  async #land({ head, parked }: Land, now: number): Promise<boolean | string> {
    const { branch, commit } = head;
    const before = this.#told.get(commit);
    if (before !== undefined && this.#refused.restMs(parked.value, now) > 0) return before;
    const swap = await land(this.#ports, head, parked.value);
    if (swap.kind === "landed") {
      this.#ports.tell({ kind: "landed", branch, commit: parked.value });
      return true;
    }
    if (swap.kind !== "blocked") return false;
    if (this.#shared) this.#refused.add(parked.value, now);
    this.#tellBlocked(branch, commit, swap.why);
    return swap.why;
  }

  /** Removes leases and places that nobody holds. True when some went, or the next look will tell. */
  async sweep(view: View, now: Now): Promise<boolean> {
    let progress = false;
    for (const { ref, value, sure } of findLeftovers(view, now)) {
      const remove = () => this.#ports.repository.swap([{ ref, expected: value, next: null }], "left over");
      if (!sure || (await remove()).kind === "landed") progress = true;
    }
    return progress;
  }

  /** Why a run's branch could not be answered now, told once; undefined when it could. */
  async blocker({ head }: Run): Promise<string | undefined> {
    const why = await this.#ports.repository.blocker(head.branch);
    if (why !== undefined) this.#tellBlocked(head.branch, head.commit, why);
    return why;
  }

  #tellBlocked(branch: Branch, commit: Sha, why: string): void {
    if (this.#told.get(commit) === why) return;
    this.#told.set(commit, why);
    this.#ports.tell({ kind: "blocked", branch, why });
  }
}

/** A branch that stands, with what is in the way. */
export const blockedIdle = (head: Head, why: string): Idle => ({
  kind: "park",
  head,
  why: { code: "blocked", detail: why },
});
