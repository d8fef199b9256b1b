/** Clocks that skip some waits, so that hour-long leases expire or are renewed at once. */
import { LEASE } from "../../src/engine/timing.ts";
import type { Clock, Ports } from "../../src/engine/ports.ts";

/** The lease time for runners with these clocks, so long that real time is negligible. */
export const LONG_TTL_MS = 3_600_000;

/** A clock that skips the waits for which `isQuick` is true. `waited` is the total skipped time in ms. */
export function quick(
  clock: Clock,
  isQuick: (ms: number) => boolean,
): Clock & { readonly waited: () => number } {
  let ahead = 0;
  return {
    waited: () => ahead,
    wall: () => clock.wall() + ahead,
    mono: () => clock.mono() + ahead,
    async sleep(ms, until) {
      if (!isQuick(ms)) return clock.sleep(ms, until);
      const soon = new Promise((resolve) => setTimeout(resolve, 5, "late"));
      const first = await Promise.race([soon, until?.then(() => "until") ?? soon]);
      if (first === "late" && Number.isFinite(ms)) ahead += ms;
    },
  };
}

/** A clock that skips the waits between renewals of a lease of LONG_TTL_MS. */
export const withQuickRenewals = (clock: Clock): ReturnType<typeof quick> =>
  quick(clock, (ms) => ms === LONG_TTL_MS / LEASE.renewals);

/** Ports of a runner that skips waits for other leases, and holds its own lease in real time. */
export function quickBetweenRuns(ports: Ports): Ports {
  let isRunning = false;
  return {
    ...ports,
    clock: quick(ports.clock, () => !isRunning),
    report: (event) => {
      isRunning = event.kind === "claimed";
      ports.report(event);
    },
  };
}
