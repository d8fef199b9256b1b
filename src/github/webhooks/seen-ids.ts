/**
 * The ids of deliveries that came: by which a second delivery of the same is known.
 *
 * What must hold: an id is remembered for as long as GitHub can send it again; the oldest go first
 * when there are too many. What acts on a delivery knows a doubled event by itself too.
 */
import { DELIVERY } from "../timing.ts";

export class SeenIds {
  /** The oldest first: when each came. */
  readonly #seen = new Map<string, number>();
  readonly #files = new Map<number, Map<string, number>>();
  readonly #maxIds: number;

  constructor(most: number) {
    this.#maxIds = most;
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  /** When the last one came. */
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

  /** What a file is to remember at this time; nothing when it may go. */
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
