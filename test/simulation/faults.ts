/**
 * What goes wrong, and when it stops going wrong.
 *
 * What must hold: after `heal` nothing is disturbed any more, and a runner lives.
 */
import type { Machine, Proc } from "./simulated-machine.ts";
import { TTL_MS, type Disturbance } from "./scenario.ts";
import type { People } from "./people.ts";
import type { Starter } from "./process-starter.ts";
import { isHealed, type World } from "./world.ts";

const DAY_MS = 86_400_000;

export class Faults {
  readonly #world: World;
  readonly #starter: Starter;
  readonly #people: People;

  constructor(world: World, starter: Starter, people: People) {
    this.#world = world;
    this.#starter = starter;
    this.#people = people;
  }

  begin(): void {
    this.#world.hazards.push((proc) => this.hazard(proc));
    const { plan, random, machines } = this.#world;
    for (const machine of machines) machine.skewMs = this.#skew();
    for (let at = 0; at < plan.runners; at++) this.#starter.start(random.pick(machines));
    for (const [kind, mean] of Object.entries(plan.every)) {
      if (mean > 0) this.#repeat(mean, () => this.#disturb(kind as Disturbance));
    }
    this.#world.scheduler.at(this.#world.healAt, () => this.#heal());
  }

  /** Something may happen to a process while it waits for an answer. */
  hazard(proc: Proc): void {
    const { plan, random, scheduler } = this.#world;
    if (isHealed(this.#world)) return;
    const draw = random.next();
    if (draw > plan.fragile + plan.drowsy) return;
    scheduler.after(random.spread(1, 200), () => {
      if (!proc.alive || isHealed(this.#world)) return;
      if (draw < plan.fragile) this.#crash(proc);
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
    const { random, machines, plan, trace } = this.#world;
    const { living } = this.#starter;
    if (kind === "people") return this.#people.act();
    if (kind === "start") {
      if (living.length < plan.runners) this.#starter.start(random.pick(machines));
      return;
    }
    if (kind === "clock") return this.#turnClock(random.pick(machines));
    if (kind === "protect") return this.#protect();
    const alive = this.#starter.started.filter(({ proc }) => proc.alive);
    if (alive.length === 0) return;
    const one = random.pick(alive);
    if (kind === "crash") this.#crash(one.proc);
    if (kind === "pause") this.#pause(one.proc);
    if (kind === "cut") this.#cut(one.proc);
    if (kind === "cut" || kind === "stop") trace.add("fault", () => `${kind} ${one.proc.name}`);
    if (kind === "stop" && !one.proc.stopping) {
      one.proc.stopping = true;
      const graceMs = random.pick([0, 0, 3000]);
      one.proc.deliver(() => one.runner.shutdown(graceMs));
    }
  }

  #crash(proc: Proc): void {
    this.#world.stats.crashes++;
    this.#world.trace.add("fault", () => `crash ${proc.name}`);
    proc.crash();
    const { machine } = proc;
    if (this.#world.random.chance(0.4)) {
      this.#world.scheduler.after(this.#world.random.spread(50, TTL_MS), () => this.#starter.start(machine));
    }
  }

  #pause(proc: Proc): void {
    const { random, stats, scheduler, healAt, trace, plan } = this.#world;
    stats.pauses++;
    trace.add("fault", () => `pause ${proc.name}`);
    const ms = random.chance(0.4) ? random.spread(300, TTL_MS) : random.between(1.5, 4) * TTL_MS;
    proc.pause(Math.min(ms, healAt - scheduler.now), random.chance(plan.frozen));
  }

  #cut(proc: Proc): void {
    const { random, scheduler, healAt } = this.#world;
    proc.cutUntil = Math.min(scheduler.now + random.spread(500, 3 * TTL_MS), healAt);
    proc.trouble(proc.cutUntil);
  }

  #turnClock(machine: Machine): void {
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
    remote.closed.add(ref);
    scheduler.after(random.spread(1000, 2 * TTL_MS), () => remote.closed.delete(ref));
  }

  #heal(): void {
    const { remote, plan, procs, machines, random, trace, scheduler } = this.#world;
    trace.add("fault", () => "no more");
    remote.closed.clear();
    for (const machine of machines) {
      machine.stuckAt = undefined;
      // Or a wait that is over by one clock and not by another would never come to rest.
      if (plan.joins) machine.skewMs = 0;
    }
    for (const proc of procs) {
      proc.cutUntil = scheduler.now;
      proc.wake();
    }
    if (this.#starter.living.length === 0) this.#starter.start(random.pick(machines));
  }
}
