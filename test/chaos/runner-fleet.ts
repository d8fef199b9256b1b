/**
 * All machines, and the runners on them.
 *
 * Invariants:
 * - A runner that died is restarted after a while, until the fleet stops.
 * - At the end, every process that was started here is gone.
 */
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { SeededRandom } from "./seeded-random.ts";
import type { TrialDirectory } from "./trial-directory.ts";
import { appendEntry } from "./trial-log.ts";
import { hasNamespaces, openMachine, type Machine } from "./machine.ts";
import { hasHomeIn, processesIn, signal } from "./processes.ts";
import { ManagedRunner, type RunnerEnd } from "./managed-runner.ts";

export interface FleetOptions {
  readonly runners: number;
  readonly ttlMs: number;
  readonly concurrency: number;
}

/** How long a supervisor takes to restart a runner. */
const RESTART_DELAY_MS = [100, 2000] as const;
const GRACE_MS = 4000;

export class RunnerFleet {
  readonly machines: readonly Machine[];
  readonly runners: readonly ManagedRunner[];
  readonly ttlMs: number;
  /** Unexpected ends. */
  readonly crashes: string[] = [];
  readonly #directory: TrialDirectory;
  readonly #random: SeededRandom;
  readonly #machinesDown = new Set<Machine>();
  #isStopping = false;

  private constructor(
    lab: TrialDirectory,
    machines: readonly Machine[],
    options: FleetOptions,
    dice: SeededRandom,
  ) {
    this.#directory = lab;
    this.#random = dice;
    this.machines = machines;
    this.ttlMs = options.ttlMs;
    this.runners = Array.from({ length: options.runners }, (_, at) => {
      const machine = machines[at % machines.length];
      if (!machine) throw new Error("there is no machine");
      const remote = at % 2 === 0 ? "origin" : lab.remote;
      const args = ["run", "--watch", "--remote", remote, "--ttl", `${options.ttlMs}ms`];
      args.push("--concurrency", String(options.concurrency), "--grace", `${GRACE_MS}ms`);
      // Each machine has both programs, on one cache.
      const isOld = lab.oldProgram !== undefined && Math.floor(at / machines.length) % 2 === 1;
      const name = `${machine.name}-${at}${isOld ? "-old" : ""}`;
      return new ManagedRunner(lab, machine, name, args, isOld ? lab.oldProgram : lab.program);
    });
  }

  /** Opens two or three machines. All but the first get a namespace, if the system permits it. */
  static async open(lab: TrialDirectory, options: FleetOptions, dice: SeededRandom): Promise<RunnerFleet> {
    const apart = hasNamespaces();
    const count = options.runners > 4 ? 3 : 2;
    const machines: Machine[] = [];
    for (let at = 0; at < count; at++) machines.push(await openMachine(lab, `m${at}`, apart && at > 0));
    return new RunnerFleet(lab, machines, options, dice);
  }

  /** True when at least one machine cannot see the processes of another. */
  get hasNamespaces(): boolean {
    return this.machines.some(({ enter }) => enter.length > 0);
  }

  start(): void {
    for (const runnerSlot of this.runners) this.#start(runnerSlot);
  }

  #start(runnerSlot: ManagedRunner): void {
    if (this.#isStopping || runnerSlot.isRunning || this.#machinesDown.has(runnerSlot.machine)) return;
    this.recordIncident("start", runnerSlot.machine, runnerSlot.name);
    runnerSlot.start((ended) => this.#handleEnd(ended));
  }

  #handleEnd({ runner: runnerSlot, isUnexpected: byItself, how }: RunnerEnd): void {
    if (byItself) {
      const tail = runnerSlot.readLog().trimEnd().split("\n").slice(-3).join(" / ");
      this.crashes.push(`${runnerSlot.name} ${how}: ${tail}`);
      this.recordIncident("crash", runnerSlot.machine, `${runnerSlot.name} ${how}: ${tail}`);
    }
    if (this.#isStopping) return;
    void wait(this.#random.between(...RESTART_DELAY_MS)).then(() => this.#start(runnerSlot));
  }

  recordIncident(kind: string, { name }: Machine, what: string): void {
    appendEntry(this.#directory.incidents, { at: Date.now(), kind, machine: name, what });
  }

  /** Kills every runner of a machine and restarts them later; `wipe` deletes its cache. */
  async outage(machine: Machine, ms: number, wipe: boolean): Promise<number> {
    this.#machinesDown.add(machine);
    const seats = this.runners.filter((runnerSlot) => runnerSlot.machine === machine);
    const killed = seats.filter((runnerSlot) => runnerSlot.kill()).length;
    if (wipe) await this.#wipe(machine, seats);
    await wait(ms);
    this.#machinesDown.delete(machine);
    for (const runnerSlot of seats) this.#start(runnerSlot);
    return killed;
  }

  async #wipe(machine: Machine, seats: readonly ManagedRunner[]): Promise<void> {
    while (seats.some((runnerSlot) => runnerSlot.isRunning)) await wait(20);
    const aside = join(machine.home, `gone-${Date.now()}`);
    try {
      renameSync(machine.cache, aside);
    } catch {
      // No runner has created it yet.
      return;
    }
    this.recordIncident("wipe", machine, "the cache was deleted");
    // Processes of a killed runner may still write there.
    rmSync(aside, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  /** Resumes and restarts every runner. */
  resumeAll(): void {
    this.#machinesDown.clear();
    for (const runnerSlot of this.runners) {
      runnerSlot.resume();
      this.#start(runnerSlot);
    }
  }

  /** Asks every runner to end. Returns those that did not within the time. */
  async stop(ms: number): Promise<string[]> {
    this.#isStopping = true;
    for (const runnerSlot of this.runners) runnerSlot.terminate();
    const end = Date.now() + ms;
    while (Date.now() < end && this.runners.some((runnerSlot) => runnerSlot.isRunning)) await wait(50);
    return this.runners.filter((runnerSlot) => runnerSlot.isRunning).map(({ name }) => name);
  }

  /** Kills every process of the fleet. */
  destroy(): void {
    this.#isStopping = true;
    for (const runnerSlot of this.runners) runnerSlot.kill();
    for (const machine of this.machines) machine.close();
    for (const { pid } of processesIn(this.#directory.root)) {
      if (hasHomeIn(this.#directory.root, pid)) signal(pid, "SIGKILL");
    }
  }

  /** Counts the occurrences of a text in all logs. */
  countInLogs(text: string): number {
    return this.runners.reduce((sum, runnerSlot) => sum + runnerSlot.readLog().split(text).length - 1, 0);
  }
}
