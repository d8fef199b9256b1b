/**
 * The line from one process to the remote, with everything that lines do.
 *
 * What must hold: a push that was sent lands whole or not at all, at some time, whether or not its
 * sender lives or hears of it; refs are read one after another, each at its own moment.
 */
import type { Ref } from "../../src/core/protocol/ids.ts";
import { RemoteUnreachable } from "../../src/core/messages/messages.ts";
import type { Swap, Update } from "../../src/engine/ports.ts";
import type { Proc } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import { short } from "./trace.ts";
import { isHealed, type World } from "./world.ts";

type Fate = "good" | "slow" | "lost" | "unacknowledged" | "late";

export class Link {
  readonly #world: World;
  readonly #proc: Proc;

  constructor(world: World, proc: Proc) {
    this.#world = world;
    this.#proc = proc;
  }

  /** Asks: each step is done at the remote at a moment of its own, then the answer comes back. */
  ask<T>(what: string, steps: readonly (() => void)[], gapMs: number, finish: () => T): Promise<T> {
    const { scheduler, random, plan, trace } = this.#world;
    const proc = this.#proc;
    for (const hazard of this.#world.hazards) hazard(proc);
    return new Promise((resolve, reject) => {
      const fail = () => {
        trace.add(proc.name, () => `${what}: unreachable`);
        proc.deliver(() => reject(new RemoteUnreachable("origin", "the line is cut")));
      };
      if (proc.isCut) {
        const ms = random.spread(20, TTL_MS);
        proc.trouble(scheduler.now + ms);
        scheduler.after(ms, fail);
        return;
      }
      const slow = !isHealed(this.#world) && random.chance(plan.slow / 2);
      let time = scheduler.now + this.#leg(slow);
      for (const step of steps) {
        scheduler.at(time, step);
        time += random.next() * gapMs;
      }
      time += this.#leg(slow);
      if (slow) proc.trouble(time);
      scheduler.at(time, () => (proc.isCut ? fail() : proc.deliver(() => resolve(finish()))));
    });
  }

  /** Sends a swap. */
  send(updates: readonly Update[], why: string): Promise<Swap> {
    const { scheduler, random, trace, stats } = this.#world;
    const proc = this.#proc;
    const fate = this.#fate();
    stats.pushes++;
    for (const hazard of this.#world.hazards) hazard(proc);
    trace.add(proc.name, () => `${why}: sends ${describe(updates)}${fate === "good" ? "" : `, ${fate}`}`);
    return new Promise((resolve) => {
      const reply = (swap: Swap) => {
        if (swap.kind === "unknown") stats.unknown++;
        proc.deliver(() => {
          trace.add(proc.name, () => `${why}: hears ${swap.kind}`);
          resolve(swap);
        });
      };
      const { now } = scheduler;
      const there = now + this.#leg(fate === "slow" && random.chance(0.5));
      if (fate === "good" || fate === "slow") {
        scheduler.at(there, () => {
          const swap = this.#arrive(updates, why);
          const back = this.#leg(fate === "slow");
          if (fate === "slow") proc.trouble(scheduler.now + back);
          scheduler.after(back, () => reply(swap));
        });
        return;
      }
      const timeout = now + random.spread(100, 2 * TTL_MS);
      if (fate === "unacknowledged") scheduler.at(there, () => this.#arrive(updates, why));
      if (fate === "late") {
        const time = Math.min(timeout + random.spread(10, 3 * TTL_MS), this.#world.healAt);
        scheduler.at(time, () => this.#arrive(updates, why));
      }
      const isReadAfter = random.chance(0.5);
      proc.trouble(timeout);
      scheduler.at(timeout, () => reply(isReadAfter ? this.#settle(updates) : UNKNOWN));
    });
  }

  #arrive(updates: readonly Update[], why: string): Swap {
    const { remote, trace } = this.#world;
    const kind = remote.swap(updates, this.#proc, why);
    trace.add(this.#proc.name, () => `${why}: ${kind} ${describe(updates)}`);
    return kind === "blocked" ? { kind, why: "the branch is protected" } : { kind };
  }

  /** After a doubtful end the refs are read, and say what they can. */
  #settle(updates: readonly Update[]): Swap {
    const { remote } = this.#world;
    if (this.#proc.isCut) return UNKNOWN;
    if (updates.every(({ ref, next }) => remote.value(ref) === next)) return { kind: "landed" };
    if (updates.every(({ ref, expected }) => remote.value(ref) === expected)) return UNKNOWN;
    return { kind: "refused" };
  }

  #fate(): Fate {
    const { plan, random } = this.#world;
    if (this.#proc.isCut) return random.chance(0.8) ? "lost" : "unacknowledged";
    if (isHealed(this.#world)) return "good";
    const { lost, unacknowledged, late, slow } = plan;
    return random.weighted({
      lost,
      unacknowledged,
      late,
      slow,
      good: 1 - lost - unacknowledged - late - slow,
    });
  }

  #leg(slow: boolean): number {
    const { random } = this.#world;
    return slow ? random.spread(500, 2 * TTL_MS) : random.spread(3, 150);
  }
}

const UNKNOWN: Swap = { kind: "unknown", why: "the line was cut" };

/** The end of a ref's name says enough. */
const nameOf = (ref: Ref): string =>
  ref.replace(/^refs\/(?:trailhand\/)?/, "").replace(/([0-9a-f]{7})[0-9a-f-]{29,33}$/, "$1");

export const describe = (updates: readonly Update[]): string =>
  updates.map(({ ref, expected, next }) => `${nameOf(ref)} ${short(expected)}>${short(next)}`).join(", ");
