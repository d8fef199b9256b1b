/**
 * The refs of the simulated repository, and all that ever happened to them.
 *
 * What must hold: a swap is one step, all or nothing; whoever watches is told of every change in the
 * order in which it happened.
 */
import type { Ref, Sha } from "../../src/core/protocol/ids.ts";
import type { Update } from "../../src/engine/ports.ts";
import type { Proc } from "./simulated-machine.ts";
import type { Objects } from "./object-store.ts";
import type { Scheduler } from "./scheduler.ts";

export interface Change {
  readonly ref: Ref;
  readonly before: Sha | null;
  readonly after: Sha | null;
}

/** What one push changed. */
export interface Landed {
  /** Undefined: a person. */
  readonly by: Proc | undefined;
  readonly why: string;
  readonly changes: readonly Change[];
}

export interface Moment {
  readonly time: number;
  readonly value: Sha | null;
  readonly by: Proc | undefined;
}

export class Remote {
  readonly refs = new Map<Ref, Sha>();
  /** Branches that the server lets no runner write. */
  readonly closed = new Set<Ref>();
  readonly #history = new Map<Ref, Moment[]>();
  readonly #scheduler: Scheduler;
  readonly #objects: Objects;
  readonly #strict: boolean;
  readonly #watchers: ((landed: Landed) => void)[] = [];

  constructor(scheduler: Scheduler, objects: Objects, strict: boolean) {
    this.#scheduler = scheduler;
    this.#objects = objects;
    this.#strict = strict;
  }

  watch(watcher: (landed: Landed) => void): void {
    this.#watchers.push(watcher);
  }

  value(ref: Ref): Sha | null {
    return this.refs.get(ref) ?? null;
  }

  /** Every value that a ref has had, oldest first. */
  history(ref: Ref): readonly Moment[] {
    return this.#history.get(ref) ?? [];
  }

  /** A runner's push. */
  swap(updates: readonly Update[], by: Proc, why: string): "landed" | "refused" | "blocked" {
    const fits = ({ ref, expected, next }: Update) => {
      const value = this.value(ref);
      // A push does not send, and so does not check, what is there already.
      return value === expected || (!this.#strict && next !== null && value === next);
    };
    if (!updates.every(fits)) return "refused";
    if (updates.some(({ ref }) => this.closed.has(ref)) || this.#isUnfit(updates)) return "blocked";
    this.#apply(updates, by, why);
    return "landed";
  }

  /** Servers that look for passwords refuse what holds one. */
  #isUnfit(updates: readonly Update[]): boolean {
    return updates.some(({ next, expected }) => next !== null && this.#objects.hasSecret(next, expected));
  }

  /** A person's push, which may force. */
  push(updates: readonly Pick<Update, "ref" | "next">[], why: string): void {
    this.#apply(updates, undefined, why);
  }

  #apply(updates: readonly Pick<Update, "ref" | "next">[], by: Proc | undefined, why: string): void {
    const { now: time } = this.#scheduler;
    const changes = updates
      .map(({ ref, next }): Change => ({ ref, before: this.value(ref), after: next }))
      .filter(({ before, after }) => before !== after);
    for (const { ref, after } of changes) {
      if (after === null) this.refs.delete(ref);
      else this.refs.set(ref, after);
      const moments = this.#history.get(ref) ?? [];
      moments.push({ time, value: after, by });
      this.#history.set(ref, moments);
    }
    if (changes.length === 0) return;
    for (const watcher of this.#watchers) watcher({ by, why, changes });
  }
}
