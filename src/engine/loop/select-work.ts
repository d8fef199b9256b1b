/**
 * Selects the runnable requests that this runner starts now.
 *
 * Invariants:
 * - A request whose claims were lost is left alone for a while.
 * - A request that could not be answered takes no slot from lower-ranked requests.
 */
import type { Idle, Run } from "../../core/scheduling/decide.ts";
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import { admit, type Admission, type Spread } from "../../core/scheduling/admission.ts";
import type { Now, Snapshot } from "../../core/scheduling/snapshot.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { DEFAULTS } from "../../core/workflow/defaults.ts";
import type { AttemptEnd } from "../attempt/attempt.ts";
import { ClaimBackoff } from "./backoff.ts";
import { Peers } from "./peers.ts";
import type { Machine } from "../ports.ts";
import { blockedIdle, type Cleanup, type SkippedRun } from "./cleanup.ts";

export interface SelectorOptions {
  readonly concurrency: number | undefined;
  readonly watch: boolean;
  readonly shared: boolean;
}

/** How many requests a shared runner considers first, for each attempt that it may run at once. */
const WINDOW = 32;

export interface Selection {
  readonly selected: readonly Run[];
  readonly idle: readonly Idle[];
  /** True when a lost run was released, so that another poll may find more work. */
  readonly hasReleased: boolean;
}

export class WorkSelector {
  readonly #machine: Machine;
  readonly #options: SelectorOptions;
  readonly #cleanup: Cleanup;
  readonly #lostClaims = new ClaimBackoff();
  readonly #peers: Peers;
  readonly #faulted = new Set<Sha>();
  #hasClaimed = false;

  constructor(machine: Machine, options: SelectorOptions, cleanup: Cleanup) {
    this.#machine = machine;
    this.#options = options;
    this.#cleanup = cleanup;
    this.#peers = new Peers(machine);
  }

  recordEnd({ request: { commit } }: Run, end: AttemptEnd, now: number): void {
    if (end === "lost") this.#lostClaims.recordFailure(commit, now);
    else this.#hasClaimed = true;
    if (end === "fault" && !this.#options.watch) this.#faulted.add(commit);
  }

  /** True for a request that failed through a fault of a runner that does not stay. */
  isGivenUp(request: Sha): boolean {
    return this.#faulted.has(request);
  }

  async select(snapshot: Snapshot, workflow: Workflow, runs: readonly Run[], now: Now): Promise<Selection> {
    this.#peers.observe(snapshot, now.mono);
    const { runnable, delayed } = this.#delay(snapshot, runs, now.mono);
    const { runs: admitted, waits, skipped } = await this.#admit(snapshot, workflow, runnable, now);
    const hasSpareSlot = snapshot.runningAttempts.size + admitted.length < this.#concurrency(workflow);
    this.#peers.recordSelection(admitted, hasSpareSlot, now.mono);
    const hasReleased = await this.#releaseLostRuns(snapshot, runnable, waits);
    return {
      selected: admitted,
      idle: [...waits, ...delayed, ...skipped.map(({ idle }) => idle)],
      hasReleased: hasReleased || skipped.some((run) => run.hasReleased),
    };
  }

  /**
   * A request that waits for a full lane may have a lost run that still holds a slot in another lane.
   * Without its release, two such requests could wait for each other forever.
   */
  async #releaseLostRuns(
    snapshot: Snapshot,
    runnable: readonly Run[],
    waits: readonly Idle[],
  ): Promise<boolean> {
    const waiting = new Set(
      waits.flatMap(({ head, why }) => (why.code === "lane-full" ? [head.branch] : [])),
    );
    let hasReleased = false;
    for (const run of runnable) {
      if (waiting.has(run.head.branch) && (await this.#cleanup.releaseLostRun(run, snapshot)))
        hasReleased = true;
    }
    return hasReleased;
  }

  /** Admits requests until none of them has to be skipped. */
  async #admit(
    snapshot: Snapshot,
    workflow: Workflow,
    runnable: readonly Run[],
    now: Now,
  ): Promise<Admission & { readonly skipped: readonly SkippedRun[] }> {
    const concurrency = this.#concurrency(workflow);
    const spread = this.#spread(concurrency);
    const checked = new Map<Branch, SkippedRun | undefined>();
    for (;;) {
      const candidates = runnable.filter(({ head }) => !checked.get(head.branch));
      const admission = admit(snapshot, workflow, candidates, now, concurrency, spread);
      const unchecked = admission.runs.filter(({ head }) => !checked.has(head.branch));
      for (const run of unchecked) checked.set(run.head.branch, await this.#cleanup.skip(run, snapshot));
      if (unchecked.length === 0)
        return { ...admission, skipped: [...checked.values()].flatMap((skipped) => skipped ?? []) };
    }
  }

  /** How many attempts this runner may run at once. */
  #concurrency(workflow: Workflow): number {
    return this.#options.concurrency ?? workflow.limits.concurrency ?? DEFAULTS.concurrency;
  }

  /** Runners that start together do not know each other yet, so each starts at another request. */
  #spread(concurrency: number): Spread | undefined {
    if (!this.#options.shared || this.#hasClaimed) return undefined;
    return { window: concurrency * WINDOW, salt: Math.floor(this.#machine.random() * 2 ** 32) };
  }

  /** Separates requests that may be claimed now from those left to peers or delayed by lost claims. */
  #delay(snapshot: Snapshot, runs: readonly Run[], now: number): { runnable: Run[]; delayed: Idle[] } {
    const startable = runs.filter(
      ({ head, request }) => !snapshot.runningAttempts.has(head.branch) && !this.#faulted.has(request.commit),
    );
    const peerDelays = this.#peers.delays(startable, now);
    const delayed = startable.flatMap(({ head, request: { commit } }): Idle[] => {
      const wait = (leftMs: number, detail: string): Idle[] =>
        leftMs > 0 ? [{ kind: "wait", head, why: { code: "resting", detail, leftMs } }] : [];
      const leftMs = this.#lostClaims.leftMs(commit, now);
      if (leftMs === 0) return wait(peerDelays.get(commit) ?? 0, MESSAGES.otherRunnersTurn());
      if (!this.#options.watch && this.#lostClaims.isExhausted(commit))
        return [blockedIdle(head, MESSAGES.locked())];
      return wait(leftMs, MESSAGES.claimLost());
    });
    const delayedBranches = new Set(delayed.map(({ head }) => head.branch));
    return { runnable: startable.filter(({ head }) => !delayedBranches.has(head.branch)), delayed };
  }
}
