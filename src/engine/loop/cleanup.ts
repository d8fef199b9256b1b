/**
 * What a look does besides starting runs: finished answers are put in place, leases and places that
 * nobody holds are removed.
 *
 * What must hold: each removal names the very value that was judged; an answer that its branch
 * refuses is tried again ever more seldom, and told once.
 */
import type { Decision, Idle, Land, Run, DecisionReason } from "../../core/scheduling/decide.ts";
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import { formatLease } from "../../core/protocol/lease.ts";
import { findOrphans } from "../../core/scheduling/orphans.ts";
import type { Head, Now, Snapshot } from "../../core/scheduling/snapshot.ts";
import { placeParkedResponse } from "../attempt/commit-result.ts";
import { ClaimBackoff } from "./backoff.ts";
import type { Ports } from "../ports.ts";
import { BACKOFF } from "../timing.ts";

export interface Settled {
  readonly progress: boolean;
  readonly blocked: readonly Idle[];
}

/** A request that may run, and is not: `freed` when a lost run of it was removed. */
export interface Barred {
  readonly idle: Idle;
  readonly freed: boolean;
}

export class Cleanup {
  readonly #ports: Ports;
  readonly #shared: boolean;
  readonly #told = new Map<Sha, string>();
  readonly #refused = new ClaimBackoff(BACKOFF.parkedRefused);

  /** `shared`: each try is a push, and the refusal is not ours to lift. */
  constructor(ports: Ports, shared: boolean) {
    this.#ports = ports;
    this.#shared = shared;
  }

  /** Lands finished answers and removes expired leases of answered requests. */
  async settle(decisions: readonly Decision[], view: Snapshot, now: number): Promise<Settled> {
    const blocked: Idle[] = [];
    let progress = false;
    for (const decision of decisions) {
      if (decision.kind === "expire") {
        const { ref, value, wasSeenBefore } = decision.previousLease;
        // The head may be older than the lease, by the time that a look takes: another look tells.
        if (decision.shouldKeepAttempts) progress = (await this.layDown(decision, view)) || progress;
        else if (wasSeenBefore)
          await this.#ports.repository.swap([{ ref, expected: value, next: null }], "expired");
        else progress = true;
      }
      if (decision.kind !== "land") continue;
      const landed = await this.#land(decision, now);
      if (landed === true) progress = true;
      else if (landed !== false) blocked.push(blockedIdle(decision.head, landed));
    }
    return { progress, blocked };
  }

  /** Whether it landed; a sentence when the branch refuses it. */
  async #land({ head, response: parked }: Land, now: number): Promise<boolean | string> {
    const { branch, commit } = head;
    const before = this.#told.get(commit);
    if (before !== undefined && this.#refused.restMs(parked.value, now) > 0) return before;
    const swap = await placeParkedResponse(this.#ports, head, parked.value);
    if (swap.kind === "landed") {
      this.#ports.report({ kind: "landed", branch, commit: parked.value });
      return true;
    }
    if (swap.kind !== "blocked") return false;
    if (this.#shared) this.#refused.add(parked.value, now);
    this.#tellBlocked(branch, commit, swap.why);
    return swap.why;
  }

  /** Removes leases and places that nobody holds. True when some went, or the next look will tell. */
  async sweep(view: Snapshot, now: Now): Promise<boolean> {
    let progress = false;
    for (const { ref, value, isConfirmed: sure } of findOrphans(view, now)) {
      const remove = () => this.#ports.repository.swap([{ ref, expected: value, next: null }], "left over");
      if (!sure || (await remove()).kind === "landed") progress = true;
    }
    return progress;
  }

  /** Why a request that may run is left alone: answered on another branch, or in no way to be answered. */
  async bar(run: Run, view: Snapshot): Promise<Barred | undefined> {
    const { head, request } = run;
    const { repository } = this.#ports;
    const other = await repository.answeredElsewhere(request, view.target);
    const touched = other === undefined ? [head.branch, ...(run.state?.land ? [view.target] : [])] : [];
    let blocked: string | undefined;
    for (const branch of touched) blocked ??= await repository.blocker(branch);
    const why: DecisionReason | undefined =
      other !== undefined
        ? { code: "bound-elsewhere", detail: other }
        : blocked !== undefined
          ? { code: "blocked", detail: blocked }
          : undefined;
    if (!why) return undefined;
    if (blocked !== undefined) this.#tellBlocked(head.branch, head.commit, blocked);
    const idle: Idle = { kind: other === undefined ? "park" : "ignore", head, why };
    return { idle, freed: await this.layDown(run, view) };
  }

  /**
   * A lost run of a request that waits must hold no place in a lane, or who waits for that place
   * waits as long. Its lease rests: attempts stay counted.
   */
  async layDown({ previousLease: over }: Pick<Run, "previousLease">, { slots }: Snapshot): Promise<boolean> {
    const lost = over?.lease;
    if (!over || !lost || lost.backoff) return false;
    const { repository, machine } = this.#ports;
    // A run of its own: the lost one may live, and must find that its lease is another's.
    const own = { run: machine.newRun(), nonce: machine.newNonce(), runner: machine.runner };
    const rest = { ms: 0, why: "its runner was lost" };
    const next = await repository.note(formatLease({ ...lost, ...own, backoff: rest }));
    const place = [...slots.values()].filter(({ run }) => run === lost.run);
    const swap = await repository.swap(
      [
        { ref: over.ref, expected: over.value, next },
        ...place.map(({ ref, value }) => ({ ref, expected: value, next: null })),
      ],
      "laid down",
    );
    return swap.kind === "landed";
  }

  #tellBlocked(branch: Branch, commit: Sha, why: string): void {
    if (this.#told.get(commit) === why) return;
    this.#told.set(commit, why);
    this.#ports.report({ kind: "blocked", branch, why });
  }
}

/** A branch that stands, with what is in the way. */
export const blockedIdle = (head: Head, why: string): Idle => ({
  kind: "park",
  head,
  why: { code: "blocked", detail: why },
});
