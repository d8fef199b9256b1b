/**
 * All machines and the runners on them.
 *
 * What must hold: a runner that died is started again after a while, until the crew is told to
 * stop; at the end every process that was started here is gone, whatever happened.
 */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Dice } from "./seeded-random.ts";
import type { Lab } from "./trial-directory.ts";
import { append } from "./trial-log.ts";
import { hasNamespaces, openMachine, type Machine } from "./machine.ts";
import { hasHomeIn, processesIn, signal } from "./processes.ts";
import { Seat, type Ended } from "./managed-runner.ts";

export interface CrewOptions {
  readonly runners: number;
  readonly ttlMs: number;
  readonly concurrency: number;
}

/** How long a supervisor takes to start a runner again. */
const AWAY_MS = [100, 2000] as const;
const GRACE_MS = 4000;

export class Crew {
  readonly machines: readonly Machine[];
  readonly seats: readonly Seat[];
  readonly ttlMs: number;
  /** Ends that nobody caused. */
  readonly crashes: string[] = [];
  readonly #lab: Lab;
  readonly #dice: Dice;
  readonly #out = new Set<Machine>();
  #over = false;

  private constructor(lab: Lab, machines: readonly Machine[], options: CrewOptions, dice: Dice) {
    this.#lab = lab;
    this.#dice = dice;
    this.machines = machines;
    this.ttlMs = options.ttlMs;
    this.seats = Array.from({ length: options.runners }, (_, at) => {
      const machine = machines[at % machines.length];
      if (!machine) throw new Error("there is no machine");
      const remote = at % 2 === 0 ? "origin" : lab.remote;
      const args = ["run", "--watch", "--remote", remote, "--ttl", `${options.ttlMs}ms`];
      args.push("--concurrency", String(options.concurrency), "--grace", `${GRACE_MS}ms`);
      return new Seat(lab, machine, `${machine.name}-${at}`, args);
    });
  }

  /** Two or three machines; all but the first in a namespace of their own, where that is permitted. */
  static async open(lab: Lab, options: CrewOptions, dice: Dice): Promise<Crew> {
    const apart = hasNamespaces();
    const count = options.runners > 4 ? 3 : 2;
    const machines: Machine[] = [];
    for (let at = 0; at < count; at++) machines.push(await openMachine(lab, `m${at}`, apart && at > 0));
    return new Crew(lab, machines, options, dice);
  }

  /** True when at least one machine cannot see the processes of another. */
  get isApart(): boolean {
    return this.machines.some(({ enter }) => enter.length > 0);
  }

  start(): void {
    for (const seat of this.seats) this.#start(seat);
  }

  #start(seat: Seat): void {
    if (this.#over || seat.isUp || this.#out.has(seat.machine)) return;
    this.note("start", seat.machine, seat.name);
    seat.start((ended) => this.#ended(ended));
  }

  #ended({ seat, byItself, how }: Ended): void {
    if (byItself) {
      const tail = seat.said().trimEnd().split("\n").slice(-3).join(" / ");
      this.crashes.push(`${seat.name} ${how}: ${tail}`);
      this.note("crash", seat.machine, `${seat.name} ${how}: ${tail}`);
    }
    if (this.#over) return;
    void wait(this.#dice.between(...AWAY_MS)).then(() => this.#start(seat));
  }

  note(kind: string, { name }: Machine, what: string): void {
    append(this.#lab.incidents, { at: Date.now(), kind, machine: name, what });
  }

  /** Kills every runner of a machine, and keeps it out for a while; `wipe`: without its cache. */
  async outage(machine: Machine, ms: number, wipe: boolean): Promise<number> {
    this.#out.add(machine);
    const seats = this.seats.filter((seat) => seat.machine === machine);
    const killed = seats.filter((seat) => seat.kill()).length;
    if (wipe) await this.#wipe(machine, seats);
    await wait(ms);
    this.#out.delete(machine);
    for (const seat of seats) this.#start(seat);
    return killed;
  }

  async #wipe(machine: Machine, seats: readonly Seat[]): Promise<void> {
    while (seats.some((seat) => seat.isUp)) await wait(20);
    const aside = join(machine.home, `gone-${Date.now()}`);
    try {
      renameSync(machine.cache, aside);
    } catch {
      // No runner came as far as making it.
      return;
    }
    this.note("wipe", machine, "the cache was deleted");
    // What a runner left running may still write there.
    rmSync(aside, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  /** Lets everybody work: nobody is paused, nobody is away. */
  calm(): void {
    this.#out.clear();
    for (const seat of this.seats) {
      seat.resume();
      this.#start(seat);
    }
  }

  /** Asks everybody to end; returns those that did not within the time. */
  async stop(ms: number): Promise<string[]> {
    this.#over = true;
    for (const seat of this.seats) seat.terminate();
    const end = Date.now() + ms;
    while (Date.now() < end && this.seats.some((seat) => seat.isUp)) await wait(50);
    return this.seats.filter((seat) => seat.isUp).map(({ name }) => name);
  }

  /** Ends whatever is left of what was started here. */
  destroy(): void {
    this.#over = true;
    for (const seat of this.seats) seat.kill();
    for (const machine of this.machines) machine.close();
    for (const { pid } of processesIn(this.#lab.root)) {
      if (hasHomeIn(this.#lab.root, pid)) signal(pid, "SIGKILL");
    }
  }

  /** Lines of all runners that hold a text. */
  countSaid(text: string): number {
    return this.seats.reduce((sum, seat) => sum + seat.said().split(text).length - 1, 0);
  }
}
