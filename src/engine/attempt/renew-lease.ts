/**
 * Renews the lease of a claim while its script runs, and while its files are collected and saved.
 *
 * Invariants:
 * - Each renewal has a new nonce, so that other runners see a new value.
 * - The run is stopped before another runner may take over its lease.
 */
import { refOf } from "../../core/protocol/ids.ts";
import { formatLease } from "../../core/protocol/lease.ts";
import type { Clock, Machine, Repository } from "../ports.ts";
import { LEASE } from "../timing.ts";
import type { Claim } from "./lease-holder.ts";
import type { StopSwitch } from "./stop-switch.ts";

export interface RenewalPorts {
  readonly repository: Pick<Repository, "note" | "read" | "readLease" | "swap">;
  readonly clock: Pick<Clock, "mono" | "sleep">;
  readonly machine: Pick<Machine, "newNonce">;
}

/** Renews the lease until the work settles, so that no other runner takes over meanwhile. */
export async function renewWhile<T>(
  ports: RenewalPorts,
  held: Claim,
  stop: StopSwitch,
  work: Promise<T>,
): Promise<T> {
  const renewals = renewUntil(ports, held, stop, work);
  try {
    return await work;
  } finally {
    // A swap that follows must name the value that the last renewal wrote.
    await renewals;
  }
}

/**
 * Renews until `until` settles, also after the script was asked to stop, because its files are still to
 * be saved. Stops the run when another run holds the lease, when the head moved, or
 * when no renewal succeeded for two thirds of the lease time.
 */
async function renewUntil(
  ports: RenewalPorts,
  held: Claim,
  stop: StopSwitch,
  until: Promise<unknown>,
): Promise<void> {
  const { clock } = ports;
  const { ttlMs } = held.lease;
  let hasEnded = false;
  const markEnd = () => void (hasEnded = true);
  const ended = until.then(markEnd, markEnd);
  while (!hasEnded) {
    const deadline = held.renewedAt + ttlMs * LEASE.giveUpShare;
    const waitMs = Math.min(ttlMs / LEASE.renewals, deadline - clock.mono());
    await clock.sleep(Math.max(0, waitMs), ended);
    if (hasEnded) return;
    const sentAt = clock.mono();
    const leftMs = deadline - sentAt;
    if (leftMs < 0) return stop.stop("lease-lost");
    const renewal = new Promise<Renewal>((resolve) => {
      renew(ports, held).then(resolve, () => resolve("unknown"));
    });
    // A remote that does not reply must not hide that the time is up.
    const result = await Promise.race([renewal, clock.sleep(leftMs, Promise.race([renewal, ended]))]);
    if (hasEnded) return void (await renewal);
    if (result === undefined) return stop.stop("lease-lost");
    if (result === "fenced" || result === "moved") return stop.stop(result);
    if (result === "renewed") held.renewedAt = sentAt;
  }
}

type Renewal = "renewed" | "fenced" | "moved" | "unknown";

/** Writes a new nonce, then reads the head. */
async function renew(ports: RenewalPorts, held: Claim): Promise<Renewal> {
  const { repository, machine } = ports;
  const next = await repository.note(formatLease({ ...held.lease, nonce: machine.newNonce() }));
  const swap = await repository.swap([{ ref: held.ref, expected: held.value, next }], "renew");
  if (swap.kind === "landed") held.value = next;
  else {
    const current = await repository.readLease(held.ref);
    if (current?.lease?.run !== held.lease.run) return "fenced";
    held.value = current.value;
  }
  if (!(await isHead(ports, held).catch(() => true))) return "moved";
  return held.value === next ? "renewed" : "unknown";
}

async function isHead({ repository }: RenewalPorts, { run }: Claim): Promise<boolean> {
  const ref = refOf(run.head.branch);
  return (await repository.read([ref])).get(ref) === run.request.commit;
}
