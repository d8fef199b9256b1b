/**
 * Tries on throw-away refs whether a remote keeps the promises that runners build on.
 *
 * What must hold: nothing but refs under `probe/` is written, and they are removed again; a promise
 * that is broken is named; a remote that does not answer is Unreachable, which says nothing.
 */
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { probeRef } from "../../core/protocol/refs.ts";
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Swap, Update } from "../../engine/ports.ts";
import type { RemoteRepository } from "./remote-repository.ts";

/** Returns what is wrong, or undefined. `id` makes the refs of this probe its own. */
export async function checkCapabilities(
  repository: RemoteRepository,
  id: string,
): Promise<string | undefined> {
  const ref = (name: string) => probeRef(id, name);
  const [a, b] = [ref("a"), ref("b")];
  const note = (text: string) => repository.note(`trailhand: probe ${id}, ${text}\n`);
  const [one, two, three] = [await note("one"), await note("two"), await note("three")] as const;
  const swap = (...updates: Update[]) => answered(repository, updates);
  const made = await swap({ ref: a, expected: null, next: one });
  if (made.kind !== "landed") return `it refuses refs under ${repository.prefix.value}: ${wordsOf(made)}`;
  try {
    if ((await swap({ ref: a, expected: null, next: two })).kind === "landed") {
      return "it makes a ref that exists already";
    }
    if ((await swap({ ref: a, expected: two, next: three })).kind === "landed") {
      return "it changes a ref that holds another value than the expected one";
    }
    // git itself finds the two above; only this one is for the server to find, because the names clash.
    const clash: Update = { ref: ref("a/below"), expected: null, next: one };
    await repository.swap([{ ref: b, expected: null, next: two }, clash]);
    const values = await repository.read([a, b]);
    if (values.get(b) !== null) return "it lets half of an atomic push through";
    if (values.get(a) !== one) return "it changed a ref although the push was refused";
  } finally {
    await remove(repository, [a, b, ref("a/below")]);
  }
  const left = await repository.read([a]);
  return left.get(a) === null ? undefined : "it does not delete refs";
}

const wordsOf = (swap: Swap): string => ("why" in swap ? swap.why : swap.kind);

async function answered(repository: RemoteRepository, updates: readonly Update[]): Promise<Swap> {
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
