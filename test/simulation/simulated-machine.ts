/**
 * Machines, and the processes of runners on them.
 *
 * What must hold: code of a process goes on only through `deliver`, so that one that has died never
 * does, and one that sleeps does so when it wakes; what is on a machine's disk outlives its processes.
 */
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import type { Holder } from "../../src/core/protocol/lease.ts";
import type { Clock, RefListing, AttemptTree } from "../../src/engine/ports.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/** A worktree on the disk of a machine. */
export interface DiskTree extends AttemptTree {
  readonly owner: Proc;
  readonly run: RunId;
  readonly branch: Branch;
  readonly state: string;
  /** Where the script's own commits stand. */
  head: Sha;
  /** What its files are. */
  content: Sha;
}

/** A decision is made on one of so many last looks. */
const LOOKS = 3;

const EPOCH = Date.UTC(2026, 0, 1);

export class Machine {
  readonly name: string;
  readonly trees = new Set<DiskTree>();
  /** Who ends and saves what a dead process left. */
  readonly sweepers = new Map<Proc, Proc>();
  /** Dead processes that somebody began to sweep; it may have failed. */
  readonly begun = new Map<Proc, Set<Proc>>();
  /** What the last look of any process here found: the refs of its cache. */
  cache: RefListing | undefined;
  skewMs = 0;
  /** Set while the clock on the wall stands still. */
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

export class Proc implements Clock {
  readonly machine: Machine;
  readonly holder: Holder;
  readonly random: Random;
  alive = true;
  asleep = false;
  /** True when it was asked to end. */
  stopping = false;
  /** When it slept last, and until when its line or its disk gave it trouble. */
  sleptUntil = Number.NEGATIVE_INFINITY;
  troubledUntil = Number.NEGATIVE_INFINITY;
  cutUntil = Number.NEGATIVE_INFINITY;
  /** When the last looks that it finished began, the newest last. */
  readonly looks: number[] = [];
  /** The latest time that the clock on the wall has told it. */
  latestWall = Number.NEGATIVE_INFINITY;
  readonly #scheduler: Scheduler;
  #inbox: (() => void)[] = [];
  readonly #offset: number;
  readonly #rate: number;
  #frozen = 0;
  #frozenFrom: number | undefined;

  constructor(machine: Machine, pid: number, scheduler: Scheduler, random: Random) {
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

  /** Lets code of this process go on. */
  deliver(run: () => void): void {
    if (!this.alive) return;
    if (this.asleep) {
      this.#inbox.push(run);
      return;
    }
    this.#scheduler.woken = true;
    run();
  }

  crash(): void {
    this.alive = false;
    this.#inbox = [];
    this.#thaw();
  }

  /** Nothing of it goes on for a while; `frozen`: its clock does not either, as when a lid is shut. */
  pause(ms: number, frozen: boolean): void {
    if (this.asleep || !this.alive) return;
    this.asleep = true;
    this.#frozenFrom = frozen ? this.#scheduler.now : undefined;
    this.#scheduler.after(ms, () => this.wake());
  }

  wake(): void {
    if (!this.asleep) return;
    const { now } = this.#scheduler;
    this.asleep = false;
    this.sleptUntil = now;
    this.#thaw();
    const due = this.random.shuffled(this.#inbox);
    this.#inbox = [];
    for (const run of due) this.#scheduler.after(0, () => this.deliver(run));
  }

  #thaw(): void {
    const { now } = this.#scheduler;
    this.#frozen += now - (this.#frozenFrom ?? now);
    this.#frozenFrom = undefined;
  }

  trouble(untilMs: number): void {
    this.troubledUntil = Math.max(this.troubledUntil, untilMs);
  }

  get isCut(): boolean {
    return this.#scheduler.now < this.cutUntil;
  }

  mono(): number {
    const now = this.#frozenFrom ?? this.#scheduler.now;
    return this.#offset + (now - this.#frozen) * this.#rate;
  }

  /** Runs something when this clock has gone on for so long, whether or not the process sleeps. */
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

  /** Takes note of a look that is finished. */
  looked(began: number): void {
    this.looks.push(began);
    if (this.looks.length > LOOKS) this.looks.shift();
  }

  sleep(ms: number, until?: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const due = this.mono() + ms;
      const start = () => this.#scheduler.after((due - this.mono()) / this.#rate, fire);
      const fire = () =>
        this.deliver(() => {
          // The clock stood still for a while.
          if (this.mono() < due - 0.01) timer = start();
          else resolve();
        });
      let timer = start();
      const end = () => {
        timer.cancelled = true;
        resolve();
      };
      until?.then(end, end);
    });
  }
}
