/**
 * Asks a remote again while it cannot be reached.
 *
 * What must hold: only a cut line is waited for; any other error is thrown at once. Waiting is safe
 * anywhere, because whatever is written afterwards names the values that it expects.
 */
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Ports } from "../ports.ts";
import { BACKOFF } from "../timing.ts";

/** Returns the answer; throws Unreachable when none came within `forMs`. */
export async function retryUnreachable<T>(
  { clock, machine }: Pick<Ports, "clock" | "machine">,
  forMs: number,
  ask: () => Promise<T>,
): Promise<T> {
  const { firstMs, longestMs } = BACKOFF.unreachable;
  const end = clock.mono() + forMs;
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const pause = Math.min(longestMs, firstMs * 2 ** tries) * (0.5 + machine.random() / 2);
      if (!(error instanceof RemoteUnreachable) || clock.mono() + pause > end) throw error;
      await clock.sleep(pause);
    }
  }
}

/** A service that starts before its network waits for it, and says so once. */
export function reportOutage(
  { report: tell }: Pick<Ports, "report">,
  ask: () => Promise<void>,
): () => Promise<void> {
  let isTold = false;
  return async () => {
    try {
      await ask();
    } catch (error) {
      if (error instanceof RemoteUnreachable && !isTold) {
        const { message: what, next } = error;
        tell({ kind: "fault", branch: undefined, what, next });
        isTold = true;
      }
      throw error;
    }
  };
}
