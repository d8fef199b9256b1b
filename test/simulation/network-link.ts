/**
 * The network connection from one process to the remote, with delays and losses.
 *
 * Invariants:
 * - A push that was sent lands completely or not at all, at some time, even if its sender dies.
 * - Refs are read one after another, each at its own time.
 */
import type { Ref } from "../../src/core/protocol/ids.ts";
import { RemoteUnreachable } from "../../src/core/messages/messages.ts";
import type { Swap, Update } from "../../src/engine/ports.ts";
import type { RunnerProcess } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import { short } from "./trace.ts";
import { isHealed, type World } from "./world.ts";

type Delivery = "good" | "slow" | "lost" | "unacknowledged" | "late";

export class NetworkLink {
  readonly #world: World;
  readonly #proc: RunnerProcess;

  constructor(world: World, proc: RunnerProcess) {
    this.#world = world;
    this.#proc = proc;
  }

  /** Runs each step at the remote at a time of its own, then returns the result. */
  query<T>(what: string, steps: readonly (() => void)[], gapMs: number, finish: () => T): Promise<T> {
    const { scheduler, random, scenario, trace } = this.#world;
    const proc = this.#proc;
    for (const hazard of this.#world.onWait) hazard(proc);
    return new Promise((resolve, reject) => {
      const fail = () => {
        trace.add(proc.name, () => `${what}: unreachable`);
        proc.deliver(() => reject(new RemoteUnreachable("origin", "the connection was lost")));
      };
      if (proc.isDisconnected) {
        const ms = random.spread(20, TTL_MS);
        proc.recordTrouble(scheduler.now + ms);
        scheduler.after(ms, fail);
        return;
      }
      const isSlow = !isHealed(this.#world) && random.chance(scenario.slowChance / 2);
      let time = scheduler.now + this.#latency(isSlow);
      for (const step of steps) {
        scheduler.at(time, step);
        time += random.next() * gapMs;
      }
      time += this.#latency(isSlow);
      if (isSlow) proc.recordTrouble(time);
      scheduler.at(time, () => (proc.isDisconnected ? fail() : proc.deliver(() => resolve(finish()))));
    });
  }

  push(updates: readonly Update[], why: string): Promise<Swap> {
    const { scheduler, random, trace, stats } = this.#world;
    const proc = this.#proc;
    const delivery = this.#drawDelivery();
    stats.pushes++;
    for (const hazard of this.#world.onWait) hazard(proc);
    trace.add(
      proc.name,
      () => `${why}: sends ${describeUpdates(updates)}${delivery === "good" ? "" : `, ${delivery}`}`,
    );
    return new Promise((resolve) => {
      const reply = (swap: Swap) => {
        if (swap.kind === "unknown") stats.unknown++;
        proc.deliver(() => {
          trace.add(proc.name, () => `${why}: hears ${swap.kind}`);
          resolve(swap);
        });
      };
      const { now } = scheduler;
      const arrivalTime = now + this.#latency(delivery === "slow" && random.chance(0.5));
      if (delivery === "good" || delivery === "slow") {
        scheduler.at(arrivalTime, () => {
          const swap = this.#apply(updates, why);
          const replyMs = this.#latency(delivery === "slow");
          if (delivery === "slow") proc.recordTrouble(scheduler.now + replyMs);
          scheduler.after(replyMs, () => reply(swap));
        });
        return;
      }
      const timeout = now + random.spread(100, 2 * TTL_MS);
      if (delivery === "unacknowledged") scheduler.at(arrivalTime, () => this.#apply(updates, why));
      if (delivery === "late") {
        const time = Math.min(timeout + random.spread(10, 3 * TTL_MS), this.#world.healAt);
        scheduler.at(time, () => this.#apply(updates, why));
      }
      const isReadAfter = random.chance(0.5);
      proc.recordTrouble(timeout);
      scheduler.at(timeout, () => reply(isReadAfter ? this.#resolveDoubt(updates) : UNKNOWN));
    });
  }

  #apply(updates: readonly Update[], why: string): Swap {
    const { remote, trace } = this.#world;
    const kind = remote.swap(updates, this.#proc, why);
    trace.add(this.#proc.name, () => `${why}: ${kind} ${describeUpdates(updates)}`);
    return kind === "blocked" ? { kind, why: "the branch is protected" } : { kind };
  }

  /** Reads the refs after a push that was not confirmed. */
  #resolveDoubt(updates: readonly Update[]): Swap {
    const { remote } = this.#world;
    if (this.#proc.isDisconnected) return UNKNOWN;
    if (updates.every(({ ref, next }) => remote.value(ref) === next)) return { kind: "landed" };
    if (updates.every(({ ref, expected }) => remote.value(ref) === expected)) return UNKNOWN;
    return { kind: "refused" };
  }

  #drawDelivery(): Delivery {
    const { scenario, random } = this.#world;
    if (this.#proc.isDisconnected) return random.chance(0.8) ? "lost" : "unacknowledged";
    if (isHealed(this.#world)) return "good";
    const {
      lostChance: lost,
      unacknowledgedChance: unacknowledged,
      lateChance: late,
      slowChance: slow,
    } = scenario;
    return random.weighted({
      lost,
      unacknowledged,
      late,
      slow,
      good: 1 - lost - unacknowledged - late - slow,
    });
  }

  #latency(isSlow: boolean): number {
    const { random } = this.#world;
    return isSlow ? random.spread(500, 2 * TTL_MS) : random.spread(3, 150);
  }
}

const UNKNOWN: Swap = { kind: "unknown", why: "the connection was lost" };

/** A short name of a ref for the trace. */
const nameOf = (ref: Ref): string =>
  ref.replace(/^refs\/(?:trailhand\/)?/, "").replace(/([0-9a-f]{7})[0-9a-f-]{29,33}$/, "$1");

export const describeUpdates = (updates: readonly Update[]): string =>
  updates.map(({ ref, expected, next }) => `${nameOf(ref)} ${short(expected)}>${short(next)}`).join(", ");
