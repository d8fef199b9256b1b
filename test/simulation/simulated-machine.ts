/**
 * Machines, and the runner processes on them.
 *
 * Invariants:
 * - Code of a process continues only through `deliver`: never in a dead process, and in a sleeping
 *   one only after it wakes.
 * - The disk of a machine outlives its processes.
 */
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import type { Holder } from "../../src/core/protocol/lease.ts";
import type { AttemptTree } from "../../src/engine/attempt-trees.ts";
import type { Clock, RefListing } from "../../src/engine/ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * What is wrong with a tree: its files cannot be checked out; they cannot be read, or not all of them may
 * be published; reading and saving them takes longer than a lease; or its record is broken.
 */
export type TreeFault = "unusable" | "unreadable" | "private" | "slow" | "no-record";

/** A worktree on the disk of a machine. */
export interface DiskTree extends AttemptTree {
  readonly owner: RunnerProcess;
  readonly run: RunId;
  readonly branch: Branch;
  readonly state: string;
  /** The head of the commits that the script made. */
  head: Sha;
  /** The tree of its files. */
  contentTree: Sha;
  readonly fault: TreeFault | undefined;
  /** True once a save left out what must not be published. */
  isPartlySaved: boolean;
}

/** Decisions are made on one of the last polls. */
const KEPT_POLLS = 3;

const EPOCH = Date.UTC(2026, 0, 1);

export class SimulatedMachine {
  readonly name: string;
  readonly trees = new Set<DiskTree>();
  /** Trees that were moved aside. */
  readonly quarantine = new Set<DiskTree>();
  /** The process that currently sweeps for each dead process. */
  readonly sweepers = new Map<RunnerProcess, RunnerProcess>();
  /** All processes that tried to sweep for each dead process. A sweep may have failed. */
  readonly sweepAttempts = new Map<RunnerProcess, Set<RunnerProcess>>();
  /** The listing of the last poll of any process here: the refs of the cache. */
  cache: RefListing | undefined;
  /** Commits that wait for a signature of this machine. */
  readonly unsigned = new Set<Sha>();
  /** True while its signing key cannot be used. */
  isKeyLocked = false;
  skewMs = 0;
  /** Set while the wall clock stands still. */
  stuckAt: number | undefined;
  readonly #scheduler: Scheduler;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
  }

  wall(): number {
    return this.stuckAt ?? EPOCH + this.skewMs + this.#scheduler.now;
  }
}

export class RunnerProcess implements Clock {
  readonly machine: SimulatedMachine;
  readonly holder: Holder;
  readonly random: Random;
  isAlive = true;
  isAsleep = false;
  /** True after a shutdown request. */
  isStopping = false;
  /** The end of its last sleep, and of its last trouble with network or disk. */
  wokeAt = Number.NEGATIVE_INFINITY;
  troubledUntil = Number.NEGATIVE_INFINITY;
  disconnectedUntil = Number.NEGATIVE_INFINITY;
  /** Commits that it wrote and may sign. */
  readonly written = new Set<Sha>();
  /** When its last finished polls started, oldest first. */
  readonly pollStarts: number[] = [];
  /** The latest time that it read from the wall clock. */
  latestWall = Number.NEGATIVE_INFINITY;
  readonly #scheduler: Scheduler;
  #inbox: (() => void)[] = [];
  readonly #offset: number;
  readonly #rate: number;
  #frozenMs = 0;
  #frozenFrom: number | undefined;

  constructor(machine: SimulatedMachine, pid: number, scheduler: Scheduler, random: Random) {
    this.machine = machine;
    this.holder = { boot: `boot-of-${machine.name}`, pid, started: String(Math.round(scheduler.now)) };
    this.random = random;
    this.#scheduler = scheduler;
    this.#offset = random.between(0, 1e9);
    this.#rate = random.between(0.99, 1.01);
  }

  get name(): string {
    return `${this.machine.name}/${this.holder.pid}`;
  }

  /** Lets code of this process continue. */
  deliver(run: () => void): void {
    if (!this.isAlive) return;
    if (this.isAsleep) {
      this.#inbox.push(run);
      return;
    }
    this.#scheduler.hasResumed = true;
    run();
  }

  crash(): void {
    this.isAlive = false;
    this.#inbox = [];
    this.#unfreeze();
  }

  /** Suspends the process. `isClockFrozen`: its monotonic clock stops too, as when a laptop sleeps. */
  pause(ms: number, isClockFrozen: boolean): void {
    if (this.isAsleep || !this.isAlive) return;
    this.isAsleep = true;
    this.#frozenFrom = isClockFrozen ? this.#scheduler.now : undefined;
    this.#scheduler.after(ms, () => this.wake());
  }

  wake(): void {
    if (!this.isAsleep) return;
    const { now } = this.#scheduler;
    this.isAsleep = false;
    this.wokeAt = now;
    this.#unfreeze();
    const due = this.random.shuffled(this.#inbox);
    this.#inbox = [];
    for (const run of due) this.#scheduler.after(0, () => this.deliver(run));
  }

  #unfreeze(): void {
    const { now } = this.#scheduler;
    this.#frozenMs += now - (this.#frozenFrom ?? now);
    this.#frozenFrom = undefined;
  }

  recordTrouble(untilMs: number): void {
    this.troubledUntil = Math.max(this.troubledUntil, untilMs);
  }

  get isDisconnected(): boolean {
    return this.#scheduler.now < this.disconnectedUntil;
  }

  mono(): number {
    const now = this.#frozenFrom ?? this.#scheduler.now;
    return this.#offset + (now - this.#frozenMs) * this.#rate;
  }

  /** Runs a function after `ms` on this clock, even while the process sleeps. */
  later(ms: number, run: () => void): void {
    const due = this.mono() + ms;
    const wait = (): void => {
      const leftMs = due - this.mono();
      if (leftMs > 0.01) this.#scheduler.after(leftMs / this.#rate, wait);
      else run();
    };
    wait();
  }

  wall(): number {
    const wall = this.machine.wall();
    this.latestWall = Math.max(this.latestWall, wall);
    return wall;
  }

  recordPoll(startedAt: number): void {
    this.pollStarts.push(startedAt);
    if (this.pollStarts.length > KEPT_POLLS) this.pollStarts.shift();
  }

  sleep(ms: number, until?: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const due = this.mono() + ms;
      const start = () => this.#scheduler.after((due - this.mono()) / this.#rate, fire);
      const fire = () =>
        this.deliver(() => {
          // The clock stood still meanwhile.
          if (this.mono() < due - 0.01) timer = start();
          else resolve();
        });
      let timer = start();
      const end = () => {
        timer.isCancelled = true;
        resolve();
      };
      until?.then(end, end);
    });
  }
}
