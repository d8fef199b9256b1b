/**
 * One seed from its begin to its end.
 *
 * What must hold: the same seed gives the same events, whatever ran before it; the first violation
 * ends it. After the faults everything is settled soon (L2) and stays so; then every runner ends, a
 * new one on each machine saves what they left, and nothing is lost (S5).
 */
import type { Branch } from "../../src/core/protocol/ids.ts";
import { SwapCheck } from "./check-swaps.ts";
import { unfinished } from "./find-unfinished.ts";
import { RunCheck } from "./check-runs.ts";
import { isDue, WaitCheck } from "./check-waits.ts";
import { Faults } from "./faults.ts";
import { Machine } from "./simulated-machine.ts";
import { Objects } from "./object-store.ts";
import { People } from "./people.ts";
import { makePlan, TTL_MS } from "./scenario.ts";
import { Starter } from "./process-starter.ts";
import { Random } from "./random.ts";
import { Remote } from "./remote.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";
import type { Stats, World } from "./world.ts";

export interface Result {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly events: number;
  /** Virtual milliseconds. */
  readonly took: number;
  readonly stats: Stats;
}

/** Time without any step forward in which a healed system must make one. */
const IDLE_LIMIT_MS = 11 * TTL_MS;
/** Time in which everything is settled after the last fault. */
const LIMIT_MS = 90 * TTL_MS;
const EVENT_LIMIT = 60_000;
const LOOK_EVERY_MS = 1000;

export async function simulate(seed: number, traced = false): Promise<Result> {
  const random = new Random(seed);
  const plan = makePlan(random.fork());
  const scheduler = new Scheduler();
  const objects = new Objects();
  const machines = Array.from({ length: plan.machines }, (_, at) => new Machine(`m${at + 1}`, scheduler));
  const violations: string[] = [];
  const world: World = {
    plan,
    random: random.fork(),
    scheduler,
    objects,
    remote: new Remote(scheduler, objects, plan.strict),
    trace: new Trace(traced, () => scheduler.now),
    target: "main" as Branch,
    machines,
    procs: [],
    running: new Map(),
    owners: new Map(),
    since: new Map(),
    checks: [],
    hazards: [],
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
  const runs = new RunCheck(world, fail);
  const waits = new WaitCheck(world, fail);
  world.checks.push(runs, waits);
  const people = new People(world);
  people.begin();
  new SwapCheck(world, fail).begin();
  const starter = new Starter(world);
  new Faults(world, starter, people).begin();
  const end = new End(world, starter, runs, fail);
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
    took: scheduler.now,
    stats: world.stats,
  };
}

/** Brings a simulation to its end. */
class End {
  isOver = false;
  readonly #world: World;
  readonly #starter: Starter;
  readonly #runs: RunCheck;
  readonly #fail: (what: string) => void;
  /** When something was last written, renewals left out. */
  #progressAt: number;
  #settledAt: number | undefined;

  constructor(world: World, starter: Starter, runs: RunCheck, fail: (what: string) => void) {
    this.#world = world;
    this.#starter = starter;
    this.#runs = runs;
    this.#fail = fail;
    const { scheduler, remote, healAt } = world;
    this.#progressAt = healAt;
    remote.watch(({ why }) => {
      if (why !== "renew") this.#progressAt = Math.max(healAt, scheduler.now);
    });
    scheduler.at(healAt + LOOK_EVERY_MS, () => this.#look());
  }

  #look(): void {
    const { scheduler, healAt, trace, machines } = this.#world;
    const { now } = scheduler;
    if (this.#starter.living.length === 0 && machines[0]) this.#starter.start(machines[0]);
    const left = unfinished(this.#world);
    if (left.length > 0) {
      this.#settledAt = undefined;
      const idleMs = now - this.#progressAt;
      if (idleMs > IDLE_LIMIT_MS) this.#fail(`L2 nothing was done for ${idleMs} ms, and ${left.join("; ")}`);
      if (now - healAt > LIMIT_MS) this.#fail(`L1 it comes to no end: ${left.join("; ")}`);
    } else if (isDue(this.#world)) {
      // A wait comes to its end before long, and then there is more to do.
      this.#settledAt = undefined;
      this.#progressAt = now;
    } else {
      this.#settledAt ??= now;
      if (now - this.#settledAt > TTL_MS && now - this.#progressAt > TTL_MS) {
        trace.add("CHECK", () => "all is settled");
        return this.#close();
      }
    }
    scheduler.after(LOOK_EVERY_MS, () => this.#look());
  }

  /** Every runner ends; those that come after them find what they left. */
  #close(): void {
    const { scheduler, random } = this.#world;
    for (const { proc, runner } of this.#starter.living) {
      if (random.chance(0.5)) proc.crash();
      else {
        proc.stopping = true;
        proc.deliver(() => runner.shutdown());
      }
    }
    scheduler.after(LOOK_EVERY_MS, () => this.#follow(scheduler.now));
  }

  /** When the last one has ended, others come. */
  #follow(since: number): void {
    const { scheduler, machines, procs } = this.#world;
    const last = procs.find(({ alive }) => alive);
    if (last) {
      if (scheduler.now - since > IDLE_LIMIT_MS) this.#fail(`L2 ${last.name} does not end`);
      scheduler.after(LOOK_EVERY_MS, () => this.#follow(since));
      return;
    }
    for (const machine of machines) this.#starter.start(machine);
    scheduler.after(TTL_MS, () => this.#judge());
  }

  #judge(): void {
    const { machines } = this.#world;
    for (const tree of machines.flatMap(({ trees }) => [...trees])) {
      const isLost = this.#runs.isSaved(tree) ? "" : ", and its work is on no ref";
      this.#fail(`S5 the tree of ${tree.run} on ${tree.branch} was left by ${tree.owner.name}${isLost}`);
    }
    for (const left of unfinished(this.#world)) this.#fail(`L1 ${left}`);
    this.isOver = true;
  }
}
