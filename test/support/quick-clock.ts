/** Clocks on which some waits take no time, so that leases of an hour end or are renewed in a moment. */
import { LEASE } from "../../src/engine/timing.ts";
import type { Clock, Ports } from "../../src/engine/ports.ts";

/** The length of a lease for runners with these clocks: real time never matters beside it. */
export const LONG_TTL_MS = 3_600_000;

/** A clock on which the waits that are quick take no time; `waited` is how long those were. */
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

/** A clock on which the next renewal of a lease of LONG_TTL_MS is always due. */
export const withQuickRenewals = (clock: Clock): ReturnType<typeof quick> =>
  quick(clock, (ms) => ms === LONG_TTL_MS / LEASE.renewals);

/** The ports of a runner that waits for the leases of others in no time, and holds its own in real time. */
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
