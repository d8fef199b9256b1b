/**
 * Which of the requests that may run this runner takes now.
 *
 * What must hold: it takes of its own share first, and of another's only with a place to spare; a
 * request whose claims were lost is left alone for a while, and one that could not be answered
 * takes no place from those below it.
 */
import type { Idle, Run } from "../../core/scheduling/decide.ts";
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import { admit, type Admission, type Spread } from "../../core/scheduling/admission.ts";
import type { Now, Snapshot } from "../../core/scheduling/snapshot.ts";
import { MESSAGES } from "../../core/messages/messages.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { AttemptEnd } from "../attempt/attempt.ts";
import { ClaimBackoff } from "./backoff.ts";
import { Peers } from "./peers.ts";
import type { Ports } from "../ports.ts";
import { blockedIdle, type Barred, type Cleanup } from "./cleanup.ts";
import { DEFAULTS } from "../../core/workflow/defaults.ts";

export interface SelectorOptions {
  readonly concurrency: number | undefined;
  readonly watch: boolean;
  readonly shared: boolean;
}

/** How far down the list a runner among others begins, for each place that it has. */
const WINDOW = 32;

export interface Selection {
  readonly chosen: readonly Run[];
  readonly left: readonly Idle[];
  /** True when something was freed, so that another look may find more. */
  readonly freed: boolean;
}

export class WorkSelector {
  readonly #ports: Ports;
  readonly #options: SelectorOptions;
  readonly #tidy: Cleanup;
  readonly #losses = new ClaimBackoff();
  readonly #neighbours: Peers;
  readonly #faulted = new Set<Sha>();
  #isAtWork = false;

  constructor(ports: Ports, options: SelectorOptions, tidy: Cleanup) {
    this.#ports = ports;
    this.#options = options;
    this.#tidy = tidy;
    this.#neighbours = new Peers(ports.machine);
  }

  /** Takes note of how a run ended. */
  ended({ request: { commit } }: Run, end: AttemptEnd, now: number): void {
    if (end === "lost") this.#losses.add(commit, now);
    else this.#isAtWork = true;
    if (end === "fault" && !this.#options.watch) this.#faulted.add(commit);
  }

  /** True for a request that we failed at ourselves, where nobody waits for it to mend. */
  isGivenUp(request: Sha): boolean {
    return this.#faulted.has(request);
  }

  async choose(view: Snapshot, workflow: Workflow, runs: readonly Run[], at: Now): Promise<Selection> {
    const now = at.mono;
    this.#neighbours.note(view, now);
    const { runnable, left } = this.#sort(view, runs, now);
    const { runs: admitted, waits: held, barred } = await this.#admit(view, workflow, runnable, at);
    const spare = view.runningAttempts.size + admitted.length < this.#concurrency(workflow);
    this.#neighbours.chose(admitted, spare, now);
    const isFreed = await this.#free(view, runnable, held);
    return {
      chosen: admitted,
      left: [...held, ...left, ...barred.map(({ idle }) => idle)],
      freed: isFreed || barred.some(({ freed }) => freed),
    };
  }

  /**
   * A request whose lane is full may have a lost run in another lane, of an older request: while it
   * keeps that place, two of them could wait for each other for ever.
   */
  async #free(view: Snapshot, runnable: readonly Run[], held: readonly Idle[]): Promise<boolean> {
    const waiting = new Set(held.flatMap(({ head, why }) => (why.code === "lane-full" ? [head.branch] : [])));
    let isFreed = false;
    for (const run of runnable) {
      if (waiting.has(run.head.branch) && (await this.#tidy.layDown(run, view))) isFreed = true;
    }
    return isFreed;
  }

  /** Which requests fit now; one that could not be answered takes no place from those below it. */
  async #admit(
    view: Snapshot,
    workflow: Workflow,
    runnable: readonly Run[],
    now: Now,
  ): Promise<Admission & { readonly barred: readonly Barred[] }> {
    const concurrency = this.#concurrency(workflow);
    const spread = this.#spread(concurrency);
    const barred = new Map<Branch, Barred | undefined>();
    for (;;) {
      const wanted = runnable.filter(({ head }) => !barred.get(head.branch));
      const admission = admit(view, workflow, wanted, now, concurrency, spread);
      const unasked = admission.runs.filter(({ head }) => !barred.has(head.branch));
      for (const run of unasked) barred.set(run.head.branch, await this.#tidy.bar(run, view));
      if (unasked.length === 0)
        return { ...admission, barred: [...barred.values()].flatMap((one) => one ?? []) };
    }
  }

  /** How many attempts this runner may have at once. */
  #concurrency(workflow: Workflow): number {
    return this.#options.concurrency ?? workflow.limits.concurrency ?? DEFAULTS.concurrency;
  }

  /** Runners that start together know nothing of each other yet: each begins at another request. */
  #spread(concurrency: number): Spread | undefined {
    if (!this.#options.shared || this.#isAtWork) return undefined;
    return { window: concurrency * WINDOW, salt: Math.floor(this.#ports.machine.random() * 2 ** 32) };
  }

  /** What may be claimed now; and what is left alone, to others or because claims on it were lost. */
  #sort(view: Snapshot, runs: readonly Run[], now: number): { runnable: Run[]; left: Idle[] } {
    const fresh = runs.filter(
      ({ head, request }) => !view.runningAttempts.has(head.branch) && !this.#faulted.has(request.commit),
    );
    const others = this.#neighbours.leave(fresh, now);
    const left = fresh.flatMap(({ head, request: { commit } }): Idle[] => {
      const rest = (leftMs: number, detail: string): Idle[] =>
        leftMs > 0 ? [{ kind: "wait", head, why: { code: "resting", detail, leftMs } }] : [];
      const lostMs = this.#losses.restMs(commit, now);
      if (lostMs === 0) return rest(others.get(commit) ?? 0, MESSAGES.leftToOthers());
      if (!this.#options.watch && this.#losses.isHopeless(commit))
        return [blockedIdle(head, MESSAGES.locked())];
      return rest(lostMs, MESSAGES.claimLost());
    });
    const resting = new Set(left.map(({ head }) => head.branch));
    return { runnable: fresh.filter(({ head }) => !resting.has(head.branch)), left };
  }
}
