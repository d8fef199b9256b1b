/** Sends the final swaps of a run until their result is certain. */
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { retryUnreachable } from "../retry-remote.ts";
import { BACKOFF } from "../timing.ts";
import type { Machine, Swap, Update } from "../ports.ts";
import { outageMs, refresh, type Claim, type RefreshPorts, type ReleasePorts } from "./lease-holder.ts";

/** Reads a ref; retries while the remote is unreachable. */
export async function readRef(ports: RefreshPorts, { lease }: Claim, ref: Ref): Promise<Sha | null> {
  const read = () => ports.repository.read([ref]);
  return (await retryUnreachable(ports, outageMs(lease), read)).get(ref) ?? null;
}

/** Full jitter that grows with each try, so that two runners do not collide again. */
export const jitterMs = ({ machine }: { readonly machine: Pick<Machine, "random"> }, tries: number): number =>
  BACKOFF.commitJitterMs * 2 ** tries * machine.random();

/**
 * Retries a swap until it landed, was blocked, or the run was fenced. `next` is the lease that the swap
 * writes. Throws after too many tries.
 */
export async function swapWithRetry(
  ports: ReleasePorts,
  held: Claim,
  record: "the back-off" | "the pending response",
  updates: () => Update[],
  next?: Sha,
): Promise<Swap> {
  for (let tries = 0; tries < BACKOFF.commitTries; tries++) {
    const swap = await ports.repository.swap(updates(), `write ${record}`);
    if (swap.kind === "landed" || swap.kind === "blocked") return swap;
    if (!(await refresh(ports, held))) return swap;
    // A lease in back-off still names this run: the swap landed without a confirmation.
    if (held.value === next) return { kind: "landed" };
    await ports.clock.sleep(jitterMs(ports, tries));
  }
  throw new UserError(MESSAGES.refsKeepChanging(record, held.run.head.branch));
}
