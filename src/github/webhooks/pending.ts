/**
 * The queue of accepted deliveries, in memory.
 *
 * Invariants:
 * - At most one delivery per key is processed at a time, in the order of arrival.
 * - A processed key goes to the end, so that a busy repository does not block the others.
 */
import type { LogPosition } from "./write-ahead-log.ts";

/** An unfinished delivery. Its payload stays on disk. */
export interface PendingDelivery {
  readonly id: string;
  readonly name: string;
  readonly at: number;
  /** See `queueKey`. */
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

  /** The log files with a payload that is still needed. */
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

  /** The next delivery whose key is free. Marks the key as busy. */
  take(): PendingDelivery | undefined {
    for (const [key, queue] of this.#queues) {
      if (this.#busy.has(key)) continue;
      this.#busy.add(key);
      return queue[0];
    }
    return undefined;
  }

  /** The delivery stays the first of its key. */
  release({ key }: PendingDelivery): void {
    this.#busy.delete(key);
  }

  remove(entry: PendingDelivery): void {
    this.#entries.delete(entry.id);
    this.#busy.delete(entry.key);
    const rest = (this.#queues.get(entry.key) ?? []).filter((other) => other !== entry);
    this.#queues.delete(entry.key);
    if (rest.length > 0) this.#queues.set(entry.key, rest);
  }
}

/** Deliveries with the same key are processed one after another: those of a repository or installation. */
export function queueKey(payload: unknown): string {
  const { repository, installation } = (payload ?? {}) as Readonly<
    Record<string, { readonly id?: number } | undefined>
  >;
  if (repository?.id !== undefined) return `repository ${repository.id}`;
  return `installation ${installation?.id ?? ""}`;
}
