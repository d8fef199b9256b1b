/**
 * The order in which what was accepted is worked off; in memory.
 *
 * What must hold: one at a time for each key, in the order they came; a key that was served goes
 * behind the others, so that a busy repository keeps nobody from their turn.
 */
import type { LogPosition } from "./write-ahead-log.ts";

/** A delivery that is not over; its payload stays on disk. */
export interface PendingDelivery {
  readonly id: string;
  readonly name: string;
  readonly at: number;
  /** Whose turn it is. */
  readonly key: string;
  readonly position: LogPosition;
  attempts: number;
}

export class PendingDeliveries {
  readonly #entries = new Map<string, PendingDelivery>();
  readonly #queues = new Map<string, PendingDelivery[]>();
  readonly #busy = new Set<string>();

  get waiting(): number {
    return this.#entries.size - this.#busy.size;
  }

  get working(): number {
    return this.#busy.size;
  }

  /** The files that hold a payload which is still needed. */
  get files(): Set<number> {
    return new Set([...this.#entries.values()].map(({ position }) => position.file));
  }

  find(id: string): PendingDelivery | undefined {
    return this.#entries.get(id);
  }

  add(entry: PendingDelivery): void {
    this.#entries.set(entry.id, entry);
    const queue = this.#queues.get(entry.key);
    if (queue) queue.push(entry);
    else this.#queues.set(entry.key, [entry]);
  }

  /** The next whose key is free; the key is busy from now on. */
  take(): PendingDelivery | undefined {
    for (const [key, queue] of this.#queues) {
      if (this.#busy.has(key)) continue;
      this.#busy.add(key);
      return queue[0];
    }
    return undefined;
  }

  /** It stays the first of its key. */
  release({ key }: PendingDelivery): void {
    this.#busy.delete(key);
  }

  remove(entry: PendingDelivery): void {
    this.#entries.delete(entry.id);
    this.#busy.delete(entry.key);
    const left = (this.#queues.get(entry.key) ?? []).filter((one) => one !== entry);
    this.#queues.delete(entry.key);
    if (left.length > 0) this.#queues.set(entry.key, left);
  }
}

/** Deliveries of one repository are worked off one after the other; else those of an installation. */
export function queueKey(payload: unknown): string {
  const { repository, installation } = (payload ?? {}) as Readonly<
    Record<string, { readonly id?: number } | undefined>
  >;
  if (repository?.id !== undefined) return `repository ${repository.id}`;
  return `installation ${installation?.id ?? ""}`;
}
