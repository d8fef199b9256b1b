/**
 * The ids of accepted deliveries, by which a repeated delivery is recognised.
 *
 * Invariants:
 * - An id is remembered for as long as GitHub can send it again; above the limit, the oldest are dropped.
 */
import { DELIVERY } from "../timing.ts";

export class SeenIds {
  /** The time of arrival by id, oldest first. */
  readonly #seen = new Map<string, number>();
  readonly #files = new Map<number, Map<string, number>>();
  readonly #maxIds: number;

  constructor(maxIds: number) {
    this.#maxIds = maxIds;
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  /** When the last delivery arrived. */
  get lastSeen(): number | undefined {
    let last: number | undefined;
    for (const at of this.#seen.values()) last = Math.max(last ?? at, at);
    return last;
  }

  add(file: number, id: string, at: number): void {
    this.#seen.delete(id);
    this.#seen.set(id, at);
    const ids = this.#files.get(file);
    if (ids) ids.set(id, at);
    else this.#files.set(file, new Map([[id, at]]));
  }

  /** The ids of a file that must still be remembered. Empty when the file can be removed. */
  idsIn(file: number, now: number): readonly (readonly [id: string, at: number])[] {
    return [...(this.#files.get(file) ?? [])].filter(([, at]) => at > now - DELIVERY.logMs);
  }

  dropFile(file: number): void {
    this.#files.delete(file);
  }

  expire(now: number): void {
    for (const [id, at] of this.#seen) {
      if (at > now - DELIVERY.logMs && this.#seen.size <= this.#maxIds) return;
      this.#seen.delete(id);
    }
  }
}
