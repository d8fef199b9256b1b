/**
 * The loop: look, decide, act, until nothing is runnable or for ever.
 *
 * What must hold: a wake is only a hint, each look sees everything; every decision is made by the
 * core on one view; leases of dead runners are swept before anything is claimed over them.
 */
import { conditionContext, cancelReason } from "../core/scheduling/waits.ts";
import { decide, type Decision, type Idle, type Run } from "../core/scheduling/decide.ts";
import type { Branch, Ref, Sha } from "../core/protocol/ids.ts";
import type { Request } from "../core/protocol/request.ts";
import type { RunningAttempt as Place, Now, Snapshot } from "../core/scheduling/snapshot.ts";
import type { Workflow } from "../core/workflow/workflow.ts";
import { UserError, RemoteUnreachable } from "../core/messages/messages.ts";
import { attempt } from "./attempt/attempt.ts";
import { WakeSignal } from "./loop/wake-signal.ts";
import { WorkSelector } from "./loop/select-work.ts";
import { FactLoader } from "./loop/fact-loader.ts";
import { Observer } from "./loop/observer.ts";
import { PollBackoff, BackoffWait } from "./loop/backoff.ts";
import { LEASE, SWEEP_MS, type PollInterval } from "./timing.ts";
import { StopSwitch } from "./attempt/lease-holder.ts";
import { Cleanup } from "./loop/cleanup.ts";
import type { TrustedConfig, RefListing, Ports } from "./ports.ts";
import type { BackgroundTask } from "./attempt/context.ts";

export interface RunnerOptions {
  /** One look, and everything that it started. */
  readonly once: boolean;
  /** Stay, and look again at each wake. */
  readonly watch: boolean;
  /** Only these branches; empty means all. */
  readonly branches: readonly Branch[];
  readonly concurrency: number | undefined;
  readonly ttlMs: number;
  /** True where other runners are likely, as on a remote. */
  readonly shared: boolean;
  /** The rests between looks that nothing woke, in milliseconds. */
  readonly pollInterval: PollInterval;
  /** Is given the bell, to ring it at each wake. */
  readonly onWake: (ring: () => void) => void;
}

/** What one `run` came to. */
export interface RunSummary {
  readonly startedCount: number;
  readonly faultCount: number;
  readonly idle: readonly Idle[];
}

interface Going {
  readonly commit: Sha;
  readonly slots: readonly Ref[];
  readonly stop: StopSwitch;
  readonly ended: Promise<void>;
}

/** What one look came to. */
interface Tick {
  readonly idle: readonly Idle[];
  /** True when a ref was moved, or is going to be: another look may find more. */
  readonly progress: boolean;
}

export class Runner {
  readonly #ports: Ports;
  readonly #options: RunnerOptions;
  readonly #going = new Map<Branch, Going>();
  readonly #observer: Observer;
  readonly #inquirer: FactLoader;
  #started = 0;
  #faults = 0;
  #over = false;
  #sweptAt: number | undefined;
  readonly #patience = new BackoffWait();
  readonly #pace: PollBackoff;
  readonly #tidy: Cleanup;
  readonly #chooser: WorkSelector;
  #toldFault = "";
  readonly #bell = new WakeSignal();
  #heads: ReadonlyMap<Branch, Sha> = new Map();
  /** What runs beside the work, one after another, and what stops the present one. */
  #besides: Promise<void> = Promise.resolve();
  #besideStop: StopSwitch | undefined;

  constructor(ports: Ports, options: RunnerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#observer = new Observer(ports);
    this.#inquirer = new FactLoader(ports.repository);
    this.#pace = new PollBackoff(options.pollInterval);
    this.#tidy = new Cleanup(ports, options.shared);
    this.#chooser = new WorkSelector(ports, options, this.#tidy);
    options.onWake(() => this.#bell.wake());
  }

  /**
   * Stops: nothing new is claimed. Scripts have `graceMs` to finish; then they are ended, their
   * trees saved, their leases given back.
   */
  shutdown(graceMs = 0): void {
    this.#over = true;
    const { clock } = this.#ports;
    const handBack = () => {
      for (const { stop } of this.#going.values()) stop.stop("shutdown");
      this.#besideStop?.stop("shutdown");
    };
    if (graceMs === 0) handBack();
    else void clock.sleep(graceMs, this.#finishAll()).then(handBack);
    this.#bell.wake();
  }

  /**
   * Runs until nothing is runnable, or until `shutdown` when watching. When looking fails, a watch
   * tells it and goes on; otherwise what runs is finished, and the failure is thrown.
   */
  async run(): Promise<RunSummary> {
    const { clock } = this.#ports;
    let idle: readonly Idle[] = [];
    for (;;) {
      this.#bell.clear();
      const tick = await this.#tickOrTell();
      idle = tick.idle;
      if (this.#over || (this.#options.once && !this.#options.watch)) break;
      const busy = this.#going.size > 0;
      if (!busy && tick.progress) continue;
      const pause = this.#pauseMs(idle);
      // An attempt that ended during the look rang the bell, and the look may not have seen its end.
      if (!this.#options.watch && !busy && pause === undefined && !this.#bell.isPending) break;
      await clock.sleep(Math.min(pause ?? Number.POSITIVE_INFINITY, this.#restMs()), this.#bell.next());
      if (this.#bell.isPending) this.#pace.quicken();
    }
    await this.#finishAll();
    return { startedCount: this.#started, faultCount: this.#faults, idle };
  }

  /** While something runs here, a person's push is to be seen soon. */
  #restMs(): number {
    const { machine } = this.#ports;
    const ms = this.#pace.next(machine.random());
    return this.#going.size > 0 ? Math.min(ms, this.#options.ttlMs / LEASE.scans) : ms;
  }

  async #finishAll(): Promise<void> {
    await Promise.all([...this.#going.values()].map((going) => going.ended));
    await this.#besides;
  }

  /** It holds no branch and no place, so that nobody waits for it but the end of the runner. */
  readonly #beside: BackgroundTask = (task) => {
    this.#besides = this.#besides.then(() => {
      this.#besideStop = new StopSwitch();
      return this.#over ? undefined : task(this.#besideStop);
    });
  };

  async #tickOrTell(): Promise<Tick> {
    try {
      const tick = await this.#tick();
      this.#toldFault = "";
      return tick;
    } catch (error) {
      // A cut line is no reason to leave what runs; the answer may find it mended.
      const passes = error instanceof RemoteUnreachable && this.#going.size > 0;
      if (!this.#options.watch && !passes) {
        await this.#finishAll();
        throw error;
      }
      const { message: what, next } =
        error instanceof UserError ? error : { message: String(error), next: undefined };
      if (what !== this.#toldFault) this.#ports.report({ kind: "fault", branch: undefined, what, next });
      this.#toldFault = what;
      return { idle: [], progress: false };
    }
  }

  async #tick(): Promise<Tick> {
    const { trustedConfig, clock, repository } = this.#ports;
    await this.#sweepInTime();
    const look = await repository.listRefs();
    if (!look.isUnchanged && this.#headsMoved(look)) this.#pace.quicken();
    const contract = await trustedConfig(look.target, look.heads);
    const continues = contract.workflow["on-plain-commit"] === "continue";
    const takenOver = continues
      ? await repository.takenOver(look.target, look.heads)
      : new Map<string, Request>();
    const going = new Map<Branch, Place>(this.#going);
    const facts = await this.#inquirer.load(look, contract, takenOver);
    const view = this.#observer.observe(look, takenOver, going, facts);
    const now = { mono: clock.mono(), wall: clock.wall() };
    this.#stopMoved(view);
    this.#stopUnwanted(view, contract.workflow, now);
    await this.#sweepDead(view);
    const decisions = decide(view, contract.workflow, now).filter((one) => this.#concerns(one));
    const settled = await this.#tidy.settle(decisions, view, now.mono);
    const swept = await this.#tidy.sweep(view, now);
    const runs = decisions.filter((one): one is Run => one.kind === "run");
    const choice = await this.#chooser.choose(view, contract.workflow, this.#over ? [] : runs, now);
    // A shutdown may have come while we asked, and it stops only what was started before it.
    const starting = this.#over ? [] : choice.chosen;
    for (const run of starting) this.#start(contract, run, view);
    const idle = decisions.filter((one): one is Idle => "why" in one);
    return {
      idle: [...idle, ...choice.left, ...settled.blocked],
      progress: starting.length > 0 || settled.progress || swept || choice.freed,
    };
  }

  /** Renewals of others move leases all the time, and are nothing to look for. */
  #headsMoved({ heads }: RefListing): boolean {
    const before = this.#heads;
    this.#heads = new Map(heads.map(({ branch, commit }) => [branch, commit]));
    return before.size !== heads.length || heads.some(({ branch, commit }) => before.get(branch) !== commit);
  }

  /** Nothing is decided before the first sweep succeeded; a later one that fails is told, and waits its turn. */
  async #sweepInTime(): Promise<void> {
    const now = this.#ports.clock.mono();
    if (this.#sweptAt !== undefined) {
      if (now - this.#sweptAt < SWEEP_MS) return;
      this.#sweptAt = now;
    }
    await this.#ports.trees.sweep();
    this.#sweptAt = now;
  }

  /** When a runner of this machine died, ends and saves what it left before anything is decided. */
  async #sweepDead(view: Snapshot): Promise<void> {
    const isDead = [...view.leases.values()].some(({ lease, isHolderDead: dead }) => dead && !lease?.backoff);
    if (isDead) await this.#ports.trees.sweep();
  }

  /** A person's commit on a branch that we work on ends our run at once. */
  #stopMoved(view: Snapshot): void {
    const present = new Map(view.heads.map((head) => [head.branch, head.commit]));
    for (const [branch, { commit, stop }] of this.#going) {
      if (present.get(branch) !== commit) stop.stop("moved");
    }
  }

  /** What is held, or called off by the branch that handed it out, ends here too. */
  #stopUnwanted(view: Snapshot, workflow: Workflow, now: Now): void {
    const isHeld = view.sideRefs.hold !== undefined;
    if (isHeld) this.#besideStop?.stop("held");
    // At rest, the branches need not be gone through once more.
    if (this.#going.size === 0) return;
    const scene = conditionContext(view, workflow, now);
    for (const [branch, { stop }] of this.#going) {
      const asked = scene.heads.get(branch)?.reading;
      if (isHeld) stop.stop("held");
      else if (asked?.kind === "request" && cancelReason(asked, scene) !== undefined) stop.stop("called-off");
    }
  }

  #concerns(decision: Decision): boolean {
    const { branches } = this.#options;
    return branches.length === 0 || branches.includes(decision.head.branch);
  }

  #start(contract: TrustedConfig, run: Run, view: Snapshot): void {
    const stop = new StopSwitch();
    const { branch } = run.head;
    const { ttlMs } = this.#options;
    const ended = attempt(this.#ports, contract, run, view, stop, ttlMs, this.#beside).then((end) => {
      this.#going.delete(branch);
      this.#bell.wake();
      this.#chooser.ended(run, end, this.#ports.clock.mono());
      if (end === "fault") this.#faults++;
    });
    this.#started++;
    this.#patience.began(run.request.commit, run.attempt);
    const slots = (run.slots ?? []).map(({ ref }) => ref);
    this.#going.set(branch, { commit: run.head.commit, slots, stop, ended });
  }

  /** How long until a resting request may run; undefined when none is worth waiting for. */
  #pauseMs(idle: readonly Idle[]): number | undefined {
    const now = this.#ports.clock.mono();
    const rests = idle.flatMap(({ head, why }) => {
      if (why.code !== "resting" || this.#chooser.isGivenUp(head.commit)) return [];
      const worth = this.#options.watch || this.#patience.lasts(head.commit, why.leftMs, now);
      return worth ? [why.leftMs + 1] : [];
    });
    return rests.length > 0 ? Math.min(...rests) : undefined;
  }
}
