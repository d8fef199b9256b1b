/**
 * The refs of the simulated remote, and their history.
 *
 * Invariants:
 * - A swap is a single step that moves all refs or none.
 * - Watchers are notified of every change, in order.
 */
import type { Ref, Sha } from "../../src/core/protocol/ids.ts";
import type { Update } from "../../src/engine/ports.ts";
import type { RunnerProcess } from "./simulated-machine.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Change {
  readonly ref: Ref;
  readonly before: Sha | null;
  readonly after: Sha | null;
}

export interface LandedPush {
  /** Undefined for a person. */
  readonly by: RunnerProcess | undefined;
  readonly why: string;
  readonly changes: readonly Change[];
}

export interface HistoryEntry {
  readonly time: number;
  readonly value: Sha | null;
  readonly by: RunnerProcess | undefined;
}

export class SimulatedRemote {
  readonly refs = new Map<Ref, Sha>();
  /** Branches that the server protects from runners. */
  readonly protectedRefs = new Set<Ref>();
  readonly #history = new Map<Ref, HistoryEntry[]>();
  readonly #scheduler: Scheduler;
  readonly #objects: ObjectStore;
  readonly #isStrict: boolean;
  readonly #watchers: ((landed: LandedPush) => void)[] = [];

  constructor(scheduler: Scheduler, objects: ObjectStore, isStrict: boolean) {
    this.#scheduler = scheduler;
    this.#objects = objects;
    this.#isStrict = isStrict;
  }

  watch(watcher: (landed: LandedPush) => void): void {
    this.#watchers.push(watcher);
  }

  value(ref: Ref): Sha | null {
    return this.refs.get(ref) ?? null;
  }

  /** Every value that a ref has had, oldest first. */
  history(ref: Ref): readonly HistoryEntry[] {
    return this.#history.get(ref) ?? [];
  }

  /** The push of a runner. */
  swap(updates: readonly Update[], by: RunnerProcess, why: string): "landed" | "refused" | "blocked" {
    const isExpected = ({ ref, expected, next }: Update) => {
      const value = this.value(ref);
      // A push does not send, and so does not check, a ref that already has the next value.
      return value === expected || (!this.#isStrict && next !== null && value === next);
    };
    if (!updates.every(isExpected)) return "refused";
    if (updates.some(({ ref }) => this.protectedRefs.has(ref)) || this.#containsSecret(updates))
      return "blocked";
    this.#apply(updates, by, why);
    return "landed";
  }

  /** Some servers scan pushed content for passwords and reject it. */
  #containsSecret(updates: readonly Update[]): boolean {
    return updates.some(({ next, expected }) => next !== null && this.#objects.hasSecret(next, expected));
  }

  /** The push of a person, which may be forced. */
  push(updates: readonly Pick<Update, "ref" | "next">[], why: string): void {
    this.#apply(updates, undefined, why);
  }

  #apply(updates: readonly Pick<Update, "ref" | "next">[], by: RunnerProcess | undefined, why: string): void {
    const { now: time } = this.#scheduler;
    const changes = updates
      .map(({ ref, next }): Change => ({ ref, before: this.value(ref), after: next }))
      .filter(({ before, after }) => before !== after);
    for (const { ref, after } of changes) {
      if (after === null) this.refs.delete(ref);
      else this.refs.set(ref, after);
      const entries = this.#history.get(ref) ?? [];
      entries.push({ time, value: after, by });
      this.#history.set(ref, entries);
    }
    if (changes.length === 0) return;
    for (const watcher of this.#watchers) watcher({ by, why, changes });
  }
}
