/**
 * Tests with temporary refs whether a remote supports what runners rely on.
 *
 * Invariants:
 * - Only refs under `probe/` are written, and they are deleted again.
 * - An unreachable remote throws RemoteUnreachable, which says nothing about its capabilities.
 */
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { probeRef } from "../../core/protocol/refs.ts";
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Swap, Update } from "../../engine/ports.ts";
import type { RemoteRepository } from "./remote-repository.ts";

/** Returns what the remote does not support, or undefined. `id` makes the refs of this check unique. */
export async function checkCapabilities(
  repository: RemoteRepository,
  id: string,
): Promise<string | undefined> {
  const ref = (name: string) => probeRef(id, name);
  const [a, b] = [ref("a"), ref("b")];
  const note = (text: string) => repository.note(`trailhand: probe ${id}, ${text}\n`);
  const [first, second, third] = [await note("one"), await note("two"), await note("three")] as const;
  const swap = (...updates: Update[]) => certainSwap(repository, updates);
  const created = await swap({ ref: a, expected: null, next: first });
  if (created.kind !== "landed")
    return `it refuses refs under ${repository.prefix.value}: ${describeSwap(created)}`;
  try {
    if ((await swap({ ref: a, expected: null, next: second })).kind === "landed") {
      return "it creates a ref that already exists";
    }
    if ((await swap({ ref: a, expected: second, next: third })).kind === "landed") {
      return "it moves a ref that does not have the expected value";
    }
    // git itself rejects the two above. Only the server can reject this one, because the names clash.
    const clashingUpdate: Update = { ref: ref("a/below"), expected: null, next: first };
    await repository.swap([{ ref: b, expected: null, next: second }, clashingUpdate]);
    const values = await repository.read([a, b]);
    if (values.get(b) !== null) return "it applies an atomic push only partly";
    if (values.get(a) !== first) return "it moved a ref although it rejected the push";
  } finally {
    await remove(repository, [a, b, ref("a/below")]);
  }
  const remaining = await repository.read([a]);
  return remaining.get(a) === null ? undefined : "it does not delete refs";
}

const describeSwap = (swap: Swap): string => ("why" in swap ? swap.why : swap.kind);

async function certainSwap(repository: RemoteRepository, updates: readonly Update[]): Promise<Swap> {
  const swap = await repository.swap(updates);
  if (swap.kind === "unknown") throw new RemoteUnreachable(repository.transport.address.name, swap.why);
  return swap;
}

async function remove(repository: RemoteRepository, refs: readonly Ref[]): Promise<void> {
  const values = await repository.read(refs);
  const updates = [...values].flatMap(([ref, value]: [Ref, Sha | null]) =>
    value === null ? [] : [{ ref, expected: value, next: null }],
  );
  await repository.swap(updates);
}
