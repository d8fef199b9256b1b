/**
 * Injects faults until a fixed time.
 *
 * Invariants:
 * - After `heal` there are no faults, and at least one runner lives.
 */
import { HEADS, type Branch } from "../../src/core/protocol/ids.ts";
import { refsOf, slotRef } from "../../src/core/protocol/refs.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import { EMPTY_TREE } from "./object-store.ts";
import type { SimulatedMachine, RunnerProcess } from "./simulated-machine.ts";
import { TTL_MS, type Disturbance } from "./scenario.ts";
import type { People } from "./people.ts";
import type { ProcessStarter } from "./process-starter.ts";
import { isHealed, type World } from "./world.ts";

const DAY_MS = 86_400_000;

export class Faults {
  readonly #world: World;
  readonly #starter: ProcessStarter;
  readonly #people: People;

  constructor(world: World, starter: ProcessStarter, people: People) {
    this.#world = world;
    this.#starter = starter;
    this.#people = people;
  }

  begin(): void {
    this.#world.onWait.push((proc) => this.hazard(proc));
    const { scenario, random, machines } = this.#world;
    for (const machine of machines) machine.skewMs = this.#skew();
    for (let at = 0; at < scenario.runners; at++) this.#starter.start(random.pick(machines));
    for (const [kind, mean] of Object.entries(scenario.meanIntervals)) {
      if (mean > 0) this.#repeat(mean, () => this.#disturb(kind as Disturbance));
    }
    this.#world.scheduler.at(this.#world.healAt, () => this.#heal());
  }

  /** A process may die or sleep while it waits for a reply. */
  hazard(proc: RunnerProcess): void {
    const { scenario, random, scheduler } = this.#world;
    if (isHealed(this.#world)) return;
    const draw = random.next();
    if (draw > scenario.crashChance + scenario.pauseChance) return;
    scheduler.after(random.spread(1, 200), () => {
      if (!proc.isAlive || isHealed(this.#world)) return;
      if (draw < scenario.crashChance) this.#crash(proc);
      else this.#pause(proc);
    });
  }

  #repeat(mean: number, disturb: () => void): void {
    const { scheduler, random, healAt } = this.#world;
    const ms = random.gap(mean);
    if (scheduler.now + ms >= healAt) return;
    scheduler.after(ms, () => {
      disturb();
      this.#repeat(mean, disturb);
    });
  }

  #disturb(kind: Disturbance): void {
    const { random, machines, scenario, trace } = this.#world;
    const { living } = this.#starter;
    if (kind === "people") return this.#people.act();
    if (kind === "start") {
      if (living.length < scenario.runners) this.#starter.start(random.pick(machines));
      return;
    }
    if (kind === "clock") return this.#turnClock(random.pick(machines));
    if (kind === "protect") return this.#protect();
    if (kind === "key") return this.#lockKey(random.pick(machines));
    if (kind === "garbage") return this.#pushGarbage();
    const alive = this.#starter.started.filter(({ proc }) => proc.isAlive);
    if (alive.length === 0) return;
    const target = random.pick(alive);
    if (kind === "crash") this.#crash(target.proc);
    if (kind === "pause") this.#pause(target.proc);
    if (kind === "cut") this.#cut(target.proc);
    if (kind === "cut" || kind === "stop") trace.add("fault", () => `${kind} ${target.proc.name}`);
    if (kind === "stop" && !target.proc.isStopping) {
      target.proc.isStopping = true;
      const graceMs = random.pick([0, 0, 3000]);
      target.proc.deliver(() => target.runner.shutdown(graceMs));
    }
  }

  #crash(proc: RunnerProcess): void {
    this.#world.stats.crashes++;
    this.#world.trace.add("fault", () => `crash ${proc.name}`);
    proc.crash();
    const { machine } = proc;
    if (this.#world.random.chance(0.4)) {
      this.#world.scheduler.after(this.#world.random.spread(50, TTL_MS), () => this.#starter.start(machine));
    }
  }

  #pause(proc: RunnerProcess): void {
    const { random, stats, scheduler, healAt, trace, scenario } = this.#world;
    stats.pauses++;
    trace.add("fault", () => `pause ${proc.name}`);
    const ms = random.chance(0.4) ? random.spread(300, TTL_MS) : random.between(1.5, 4) * TTL_MS;
    proc.pause(Math.min(ms, healAt - scheduler.now), random.chance(scenario.frozenShare));
  }

  #cut(proc: RunnerProcess): void {
    const { random, scheduler, healAt } = this.#world;
    proc.disconnectedUntil = Math.min(scheduler.now + random.spread(500, 3 * TTL_MS), healAt);
    proc.recordTrouble(proc.disconnectedUntil);
  }

  #turnClock(machine: SimulatedMachine): void {
    const { random } = this.#world;
    const now = machine.wall();
    machine.skewMs = this.#skew();
    machine.stuckAt = random.chance(0.5) ? now : undefined;
  }

  #skew(): number {
    const { random } = this.#world;
    return random.pick([0, random.between(-5, 5) * 1000, random.between(-3, 3) * DAY_MS]);
  }

  #protect(): void {
    const { random, remote, scheduler } = this.#world;
    const heads = [...remote.refs.keys()].filter((ref) => ref.startsWith("refs/heads/"));
    const ref = random.pick(heads);
    remote.protectedRefs.add(ref);
    scheduler.after(random.spread(1000, 2 * TTL_MS), () => remote.protectedRefs.delete(ref));
  }

  /** A broken program writes a record that no runner can read, where there is none. */
  #pushGarbage(): void {
    const { random, remote, objects, scheduler } = this.#world;
    const heads = [...remote.refs.keys()].filter((ref) => ref.startsWith(HEADS));
    const { lease, parked } = refsOf(branchKey(random.pick(heads).slice(HEADS.length) as Branch));
    const ref = random.pick([lease, lease, parked, slotRef("narrow", 0), slotRef("wide", 1)]);
    const next = objects.write(EMPTY_TREE, [], "garbage\n", Math.floor(scheduler.now / 1000));
    if (!remote.value(ref)) remote.push([{ ref, next }], "garbage");
  }

  #lockKey(machine: SimulatedMachine): void {
    const { random, scheduler } = this.#world;
    machine.isKeyLocked = true;
    scheduler.after(random.spread(500, 3 * TTL_MS), () => (machine.isKeyLocked = false));
  }

  #heal(): void {
    const { remote, scenario, processes: procs, machines, random, trace, scheduler } = this.#world;
    trace.add("fault", () => "no more");
    remote.protectedRefs.clear();
    for (const machine of machines) {
      machine.stuckAt = undefined;
      machine.isKeyLocked = false;
      // Otherwise runners with different clocks would disagree forever about a deadline.
      if (scenario.hasJoins) machine.skewMs = 0;
    }
    for (const proc of procs) {
      proc.disconnectedUntil = scheduler.now;
      proc.wake();
    }
    if (this.#starter.living.length === 0) this.#starter.start(random.pick(machines));
  }
}
