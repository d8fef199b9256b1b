/** Refs in memory with an atomic swap, for simulations of many runners. */
import type { Ref, Sha } from "../../src/core/protocol/ids.ts";
import type { Repository, Swap, Update } from "../../src/engine/ports.ts";

export type Refs = Pick<Repository, "read" | "swap">;

export class MemoryRefs implements Refs {
  readonly #values = new Map<Ref, Sha>();

  async read(refs: readonly Ref[]): Promise<ReadonlyMap<Ref, Sha | null>> {
    return new Map(refs.map((ref) => [ref, this.#values.get(ref) ?? null]));
  }

  async swap(updates: readonly Update[]): Promise<Swap> {
    const holds = ({ ref, expected }: Update) => (this.#values.get(ref) ?? null) === expected;
    if (!updates.every(holds)) return { kind: "refused" };
    for (const { ref, next } of updates) {
      if (next === null) this.#values.delete(ref);
      else this.#values.set(ref, next);
    }
    return { kind: "landed" };
  }
}
