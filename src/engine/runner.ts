/**
 * The loop of a runner: poll, decide, act, until nothing is runnable or until shutdown.
 *
 * Invariants:
 * - A wake is only a hint; every poll reads all refs.
 * - The core makes every decision, on one snapshot.
 * - Trees of dead runners on this machine are saved before their requests are claimed again.
 */
import { conditionContext, cancelReason } from "../core/scheduling/waits.ts";
import { decide, type Decision, type Idle, type Run } from "../core/scheduling/decide.ts";
import type { Branch, Ref, Sha } from "../core/protocol/ids.ts";
import type { Request } from "../core/protocol/request.ts";
import type { Now, Snapshot } from "../core/scheduling/snapshot.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { UserError, RemoteUnreachable } from "../core/messages/messages.ts";
import { attempt } from "./attempt/attempt.ts";
import { WakeSignal } from "./loop/wake-signal.ts";
import { WorkSelector } from "./loop/select-work.ts";
import { FactLoader } from "./loop/fact-loader.ts";
import { Observer } from "./observer.ts";
import { PollBackoff, BackoffWait } from "./loop/backoff.ts";
import { LEASE, SWEEP_MS, type PollInterval } from "./timing.ts";
import { StopSwitch } from "./attempt/stop-switch.ts";
import { Cleanup } from "./loop/cleanup.ts";
import { BackgroundQueue } from "./background-queue.ts";
import type { TrustedConfig, RefListing, Ports } from "./ports.ts";

export interface RunnerOptions {
  /** Poll once, finish the runs that this starts, then end. */
  readonly once: boolean;
  /** Run until shutdown and poll again at each wake. */
  readonly watch: boolean;
  /** Only these branches; empty: all. */
  readonly branches: readonly Branch[];
  readonly concurrency: number | undefined;
  readonly ttlMs: number;
  /** True where other runners are likely, as on a remote. */
  readonly shared: boolean;
  /** How long the loop waits between polls without a wake. */
  readonly pollInterval: PollInterval;
  /** Subscribes a listener to wakes. */
  readonly onWake: (listener: () => void) => void;
}

export interface RunSummary {
  /** Attempts, without those whose claim was lost to another run or to a move of the branch. */
  readonly startedCount: number;
  readonly faultCount: number;
  readonly idle: readonly Idle[];
}

interface ActiveAttempt {
  readonly commit: Sha;
  readonly slots: readonly Ref[];
  readonly stop: StopSwitch;
  readonly ended: Promise<void>;
}

interface PollResult {
  readonly idle: readonly Idle[];
  /** True when a ref was moved or will be: another poll may find more work. */
  readonly hasProgress: boolean;
}

export class Runner {
  readonly #ports: Ports;
  readonly #options: RunnerOptions;
  readonly #active = new Map<Branch, ActiveAttempt>();
  readonly #observer: Observer;
  readonly #factLoader: FactLoader;
  readonly #backoffWait = new BackoffWait();
  readonly #pollBackoff: PollBackoff;
  readonly #cleanup: Cleanup;
  readonly #selector: WorkSelector;
  readonly #wakeSignal = new WakeSignal();
  readonly #background = new BackgroundQueue();
  #startedCount = 0;
  #faultCount = 0;
  #isShuttingDown = false;
  #sweptAt: number | undefined;
  #reportedFault = "";
  #heads: ReadonlyMap<Branch, Sha> = new Map();

  constructor(ports: Ports, options: RunnerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#observer = new Observer(ports);
    this.#factLoader = new FactLoader(ports.repository);
    this.#pollBackoff = new PollBackoff(options.pollInterval);
    this.#cleanup = new Cleanup(ports, options.shared);
    this.#selector = new WorkSelector(ports.machine, options, this.#cleanup);
    options.onWake(() => this.#wakeSignal.wake());
  }

  /**
   * Stops claiming requests. Scripts get `graceMs` to finish. Then they are ended, their trees saved
   * and their leases released.
   */
  shutdown(graceMs = 0): void {
    this.#isShuttingDown = true;
    this.#background.close();
    const { clock } = this.#ports;
    const stopAll = () => {
      for (const { stop } of this.#active.values()) stop.stop("shutdown");
      this.#background.stop("shutdown");
    };
    if (graceMs === 0) stopAll();
    else void clock.sleep(graceMs, this.#finishAll()).then(stopAll);
    this.#wakeSignal.wake();
  }

  /**
   * Runs until nothing is runnable or, with `watch`, until shutdown. With `watch`, a failed poll is
   * reported and retried. Otherwise active attempts finish first, then its error is thrown.
   */
  async run(): Promise<RunSummary> {
    const { clock } = this.#ports;
    let idle: readonly Idle[] = [];
    for (;;) {
      this.#wakeSignal.clear();
      const result = await this.#pollOrReport();
      idle = result.idle;
      if (this.#isShuttingDown || (this.#options.once && !this.#options.watch)) break;
      const isBusy = this.#active.size > 0;
      if (!isBusy && result.hasProgress) continue;
      const backoffMs = this.#backoffMs(idle);
      // An attempt that ended during the poll woke the loop, and the poll may have missed its end.
      const hasNothingToDo = !isBusy && backoffMs === undefined && !this.#wakeSignal.isPending;
      if (!this.#options.watch && hasNothingToDo) break;
      const pollMs = this.#pollMs();
      await clock.sleep(Math.min(backoffMs ?? Number.POSITIVE_INFINITY, pollMs), this.#wakeSignal.next());
      if (this.#wakeSignal.isPending) this.#pollBackoff.reset();
    }
    await this.#finishAll();
    return { startedCount: this.#startedCount, faultCount: this.#faultCount, idle };
  }

  /** Polls more often while an attempt runs, so that a person's push is noticed soon. */
  #pollMs(): number {
    const ms = this.#pollBackoff.next(this.#ports.machine.random());
    return this.#active.size > 0 ? Math.min(ms, this.#options.ttlMs / LEASE.scans) : ms;
  }

  async #finishAll(): Promise<void> {
    await Promise.all([...this.#active.values()].map(({ ended }) => ended));
    await this.#background.finish();
  }

  async #pollOrReport(): Promise<PollResult> {
    try {
      const result = await this.#poll();
      this.#reportedFault = "";
      return result;
    } catch (error) {
      // Active attempts outlive an outage: the remote may be back when they end.
      const canContinue = error instanceof RemoteUnreachable && this.#active.size > 0;
      if (!this.#options.watch && !canContinue) {
        await this.#finishAll();
        throw error;
      }
      const { message: what, next } =
        error instanceof UserError ? error : { message: String(error), next: undefined };
      if (what !== this.#reportedFault) this.#ports.report({ kind: "fault", branch: undefined, what, next });
      this.#reportedFault = what;
      return { idle: [], hasProgress: false };
    }
  }

  async #poll(): Promise<PollResult> {
    await this.#sweepPeriodically();
    const listing = await this.#ports.repository.listRefs();
    if (!listing.isUnchanged && this.#haveHeadsMoved(listing)) this.#pollBackoff.reset();
    const trustedConfig = await this.#ports.trustedConfig(listing.target, listing.heads);
    const { workflow } = trustedConfig;
    const snapshot = await this.#readSnapshot(listing, trustedConfig);
    const now = { mono: this.#ports.clock.mono(), wall: this.#ports.clock.wall() };
    this.#stopMoved(snapshot);
    this.#stopUnwanted(snapshot, workflow, now);
    await this.#sweepDead(snapshot);
    const decisions = decide(snapshot, workflow, now).filter((decision) => this.#isSelected(decision));
    const cleanup = await this.#cleanup.landAndExpire(decisions, snapshot, now.mono);
    const hasDeleted = await this.#cleanup.deleteOrphans(snapshot, now);
    const runs = decisions.filter((decision): decision is Run => decision.kind === "run");
    const startable = this.#isShuttingDown ? [] : runs;
    const selection = await this.#selector.select(snapshot, workflow, startable, now);
    // A shutdown during the selection has stopped only the attempts of earlier polls.
    const selected = this.#isShuttingDown ? [] : selection.selected;
    for (const run of selected) this.#start(trustedConfig, run, snapshot);
    const idle = decisions.filter((decision): decision is Idle => "why" in decision);
    return {
      idle: [...idle, ...selection.idle, ...cleanup.blocked],
      hasProgress: selected.length > 0 || cleanup.hasProgress || hasDeleted || selection.hasReleased,
    };
  }

  async #readSnapshot(listing: RefListing, trustedConfig: TrustedConfig): Promise<Snapshot> {
    const continues = trustedConfig.workflow["on-plain-commit"] === "continue";
    const takenOver = continues
      ? await this.#ports.repository.takenOver(listing.target, listing.heads)
      : new Map<string, Request>();
    const running = new Map(this.#active);
    const facts = await this.#factLoader.load(listing, trustedConfig, takenOver);
    return this.#observer.observe(listing, takenOver, running, facts);
  }

  /** Renewals of other runners move leases all the time, so only branch heads count. */
  #haveHeadsMoved({ heads }: RefListing): boolean {
    const previous = this.#heads;
    this.#heads = new Map(heads.map(({ branch, commit }) => [branch, commit]));
    return (
      previous.size !== heads.length || heads.some(({ branch, commit }) => previous.get(branch) !== commit)
    );
  }

  /** The first sweep must succeed before anything is decided. A later failure is reported and waits its turn. */
  async #sweepPeriodically(): Promise<void> {
    const now = this.#ports.clock.mono();
    if (this.#sweptAt !== undefined) {
      if (now - this.#sweptAt < SWEEP_MS) return;
      this.#sweptAt = now;
    }
    await this.#ports.trees.sweep();
    this.#sweptAt = now;
  }

  /** Sweeps when a lease holder of this machine is dead. */
  async #sweepDead(snapshot: Snapshot): Promise<void> {
    const hasDead = [...snapshot.leases.values()].some(
      ({ lease, isHolderDead }) => isHolderDead && !lease?.backoff,
    );
    if (hasDead) await this.#ports.trees.sweep();
  }

  /** A person's commit on a branch ends the run there at once. */
  #stopMoved(snapshot: Snapshot): void {
    const present = new Map(snapshot.heads.map((head) => [head.branch, head.commit]));
    for (const [branch, { commit, stop }] of this.#active) {
      if (present.get(branch) !== commit) stop.stop("moved");
    }
  }

  /** Stops all runs during a hold, and children that their parent cancelled. */
  #stopUnwanted(snapshot: Snapshot, workflow: Workflow, now: Now): void {
    const isHeld = snapshot.sideRefs.hold !== undefined;
    if (isHeld) this.#background.stop("held");
    // An idle runner saves the walk over all branches.
    if (this.#active.size === 0) return;
    const conditions = conditionContext(snapshot, workflow, now);
    for (const [branch, { stop }] of this.#active) {
      const reading = conditions.heads.get(branch)?.reading;
      const isCancelled = reading?.kind === "request" && cancelReason(reading, conditions) !== undefined;
      if (isHeld) stop.stop("held");
      else if (isCancelled) stop.stop("called-off");
    }
  }

  #isSelected(decision: Decision): boolean {
    const { branches } = this.#options;
    return branches.length === 0 || branches.includes(decision.head.branch);
  }

  #start(trustedConfig: TrustedConfig, run: Run, snapshot: Snapshot): void {
    const stop = new StopSwitch();
    const { branch, commit } = run.head;
    const services = { ports: this.#ports, trustedConfig, stop, background: this.#background };
    const ended = attempt(services, run, snapshot, this.#options.ttlMs).then((end) => {
      this.#active.delete(branch);
      this.#wakeSignal.wake();
      this.#selector.recordEnd(run, end, this.#ports.clock.mono());
      if (end === "fault") this.#faultCount++;
      if (end !== "lost") this.#startedCount++;
    });
    this.#backoffWait.recordAttempt(run.request.commit, run.attempt);
    const slots = (run.slots ?? []).map(({ ref }) => ref);
    this.#active.set(branch, { commit, slots, stop, ended });
  }

  /** Milliseconds until a request in back-off may run; undefined when none is worth waiting for. */
  #backoffMs(idle: readonly Idle[]): number | undefined {
    const now = this.#ports.clock.mono();
    const waits = idle.flatMap(({ head, why }) => {
      if (why.code !== "resting" || this.#selector.isGivenUp(head.commit)) return [];
      const isWorthWaiting =
        this.#options.watch || this.#backoffWait.isWorthWaiting(head.commit, why.leftMs, now);
      return isWorthWaiting ? [why.leftMs + 1] : [];
    });
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }
}
