/**
 * Retries a call while the remote is unreachable.
 *
 * Invariants:
 * - Only an unreachable remote is retried; every other error is thrown at once.
 * - A retry is safe anywhere, because every later write names the values that it expects.
 */
import { RemoteUnreachable } from "../core/messages/messages.ts";
import { BACKOFF } from "./timing.ts";
import type { Clock, Machine, Ports } from "./ports.ts";

export interface RetryPorts {
  readonly clock: Pick<Clock, "mono" | "sleep">;
  readonly machine: Pick<Machine, "random">;
}

/** Throws the last RemoteUnreachable when `forMs` is over. */
export async function retryUnreachable<T>(
  { clock, machine }: RetryPorts,
  forMs: number,
  call: () => Promise<T>,
): Promise<T> {
  const { firstMs, longestMs } = BACKOFF.unreachable;
  const end = clock.mono() + forMs;
  for (let retries = 0; ; retries++) {
    try {
      return await call();
    } catch (error) {
      const jitter = 0.5 + machine.random() / 2;
      const pause = Math.min(longestMs, firstMs * 2 ** retries) * jitter;
      if (!(error instanceof RemoteUnreachable) || clock.mono() + pause > end) throw error;
      await clock.sleep(pause);
    }
  }
}

/** Wraps a call so that the first RemoteUnreachable is reported, and later ones are not. */
export function reportOutage(
  { report }: Pick<Ports, "report">,
  call: () => Promise<void>,
): () => Promise<void> {
  let isReported = false;
  return async () => {
    try {
      await call();
    } catch (error) {
      if (error instanceof RemoteUnreachable && !isReported) {
        const { message: what, next } = error;
        report({ kind: "fault", branch: undefined, what, next });
        isReported = true;
      }
      throw error;
    }
  };
}
