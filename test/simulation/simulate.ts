/**
 * Simulates one seed from start to end.
 *
 * Invariants:
 * - The same seed gives the same events. The first violation ends it.
 * - L2: after the faults, everything is finished soon and stays so.
 * - S5: after all runners ended, a new one on each machine saves what they left, and nothing is lost.
 */
import type { Branch } from "../../src/core/protocol/ids.ts";
import { SwapChecker } from "./check-swaps.ts";
import { findUnfinished } from "./find-unfinished.ts";
import { RunChecker } from "./check-runs.ts";
import { hasDeadlineSoon, WaitChecker } from "./check-waits.ts";
import { Faults } from "./faults.ts";
import { SimulatedMachine } from "./simulated-machine.ts";
import { ObjectStore } from "./object-store.ts";
import { People } from "./people.ts";
import { makeScenario, TTL_MS } from "./scenario.ts";
import { ProcessStarter } from "./process-starter.ts";
import { Random } from "./random.ts";
import { SimulatedRemote } from "./remote.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";
import type { Stats, World } from "./world.ts";

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly events: number;
  readonly virtualMs: number;
  readonly stats: Stats;
}

/** The longest time without progress after the faults. */
const IDLE_LIMIT_MS = 11 * TTL_MS;
/** The time limit for finishing everything after the faults. */
const LIMIT_MS = 90 * TTL_MS;
const EVENT_LIMIT = 60_000;
const POLL_MS = 1000;

export async function simulate(seed: number, traced = false): Promise<SimulationResult> {
  const random = new Random(seed);
  const plan = makeScenario(random.fork());
  const scheduler = new Scheduler();
  const objects = new ObjectStore();
  const machines = Array.from(
    { length: plan.machines },
    (_, at) => new SimulatedMachine(`m${at + 1}`, scheduler),
  );
  const violations: string[] = [];
  const world: World = {
    scenario: plan,
    random: random.fork(),
    scheduler,
    objects,
    remote: new SimulatedRemote(scheduler, objects, plan.isStrict),
    trace: new Trace(traced, () => scheduler.now),
    target: "main" as Branch,
    machines,
    processes: [],
    running: new Map(),
    runOwners: new Map(),
    runPollStarts: new Map(),
    checks: [],
    onWait: [],
    stats: {
      claims: 0,
      answers: 0,
      takeovers: 0,
      fenced: 0,
      salvages: 0,
      scripts: 0,
      crashes: 0,
      pauses: 0,
      unknown: 0,
      pushes: 0,
    },
    healAt: plan.chaosMs,
  };
  const fail = (what: string) => {
    violations.push(what);
    world.trace.add("CHECK", () => `violation: ${what}`);
  };
  const runs = new RunChecker(world, fail);
  const waits = new WaitChecker(world, fail);
  world.checks.push(runs, waits);
  const people = new People(world);
  people.begin();
  new SwapChecker(world, fail).begin();
  const starter = new ProcessStarter(world);
  new Faults(world, starter, people).begin();
  const end = new Ending(world, starter, runs, fail);
  await scheduler.run(() => {
    if (scheduler.events > EVENT_LIMIT) fail(`STORM more than ${EVENT_LIMIT} events`);
    return violations.length > 0 || end.isOver;
  });
  const { lines } = world.trace;
  return {
    seed,
    violations,
    trace: lines,
    events: scheduler.events,
    virtualMs: scheduler.now,
    stats: world.stats,
  };
}

/** Ends a simulation after the faults. */
class Ending {
  isOver = false;
  readonly #world: World;
  readonly #starter: ProcessStarter;
  readonly #runs: RunChecker;
  readonly #fail: (what: string) => void;
  /** The last write, except for renewals. */
  #progressAt: number;
  #settledAt: number | undefined;

  constructor(world: World, starter: ProcessStarter, runs: RunChecker, fail: (what: string) => void) {
    this.#world = world;
    this.#starter = starter;
    this.#runs = runs;
    this.#fail = fail;
    const { scheduler, remote, healAt } = world;
    this.#progressAt = healAt;
    remote.watch(({ why }) => {
      if (why !== "renew") this.#progressAt = Math.max(healAt, scheduler.now);
    });
    scheduler.at(healAt + POLL_MS, () => this.#poll());
  }

  #poll(): void {
    const { scheduler, healAt, trace, machines } = this.#world;
    const { now } = scheduler;
    if (this.#starter.living.length === 0 && machines[0]) this.#starter.start(machines[0]);
    // Only its own machine signs a response that waits for a signature.
    for (const machine of machines) {
      const isIdle = !this.#starter.living.some(({ proc }) => proc.machine === machine);
      if (machine.unsigned.size > 0 && isIdle) this.#starter.start(machine);
    }
    const left = findUnfinished(this.#world);
    if (left.length > 0) {
      this.#settledAt = undefined;
      const idleMs = now - this.#progressAt;
      if (idleMs > IDLE_LIMIT_MS) this.#fail(`L2 no progress for ${idleMs} ms: ${left.join("; ")}`);
      if (now - healAt > LIMIT_MS) this.#fail(`L1 it does not end: ${left.join("; ")}`);
    } else if (hasDeadlineSoon(this.#world)) {
      // A deadline is near, and then there is more to do.
      this.#settledAt = undefined;
      this.#progressAt = now;
    } else {
      this.#settledAt ??= now;
      if (now - this.#settledAt > TTL_MS && now - this.#progressAt > TTL_MS) {
        trace.add("CHECK", () => "everything is finished");
        return this.#endRunners();
      }
    }
    scheduler.after(POLL_MS, () => this.#poll());
  }

  /** Ends every runner, at random by a crash. */
  #endRunners(): void {
    const { scheduler, random } = this.#world;
    for (const { proc, runner } of this.#starter.living) {
      if (random.chance(0.5)) proc.crash();
      else {
        proc.isStopping = true;
        proc.deliver(() => runner.shutdown());
      }
    }
    scheduler.after(POLL_MS, () => this.#waitForEnd(scheduler.now));
  }

  /** After the last one has ended, starts a new one on each machine. */
  #waitForEnd(since: number): void {
    const { scheduler, machines, processes: procs } = this.#world;
    const last = procs.find(({ isAlive }) => isAlive);
    if (last) {
      if (scheduler.now - since > IDLE_LIMIT_MS) this.#fail(`L2 ${last.name} does not end`);
      scheduler.after(POLL_MS, () => this.#waitForEnd(since));
      return;
    }
    for (const machine of machines) this.#starter.start(machine);
    scheduler.after(TTL_MS, () => this.#checkEnd());
  }

  #checkEnd(): void {
    const { machines } = this.#world;
    for (const tree of machines.flatMap(({ trees }) => [...trees])) {
      const isLost = this.#runs.isSaved(tree) ? "" : ", and no ref holds its changes";
      this.#fail(`S5 the tree of ${tree.run} on ${tree.branch} was left by ${tree.owner.name}${isLost}`);
    }
    for (const left of findUnfinished(this.#world)) this.#fail(`L1 ${left}`);
    this.isOver = true;
  }
}
