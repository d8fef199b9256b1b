/**
 * Takes, keeps and gives back the lease of one request.
 *
 * What must hold: a Claim exists only after its swap landed and the head was read again; each
 * renewal has a new nonce; a lease whose run is not ours is never written. See docs/protocol.md.
 */
import type { Run } from "../core/decide.ts";
import { refOf, type Ref, type Sha } from "../core/ids.ts";
import { formatLease, refsOf, type Lease } from "../core/lease.ts";
import type { Ports } from "./ports.ts";

declare const landed: unique symbol;

/** Proof that this run holds the lease; only `claim` makes one. */
export interface Claim {
  readonly run: Run;
  readonly lease: Lease;
  readonly ref: Ref;
  /** The object that the lease ref holds now; changes with each renewal. */
  value: Sha;
  readonly [landed]: true;
}

/** Why a run must end before its script does. */
export type StopReason = "fenced" | "moved" | "lease-lost" | "shutdown";

/** One stop for one run: the first reason wins. */
export class StopSwitch {
  reason: StopReason | undefined;
  readonly done: Promise<string>;
  #resolve: (why: string) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  stop(reason: StopReason): void {
    this.reason ??= reason;
    this.#resolve(this.reason);
  }
}

const RENEWALS = 3;
const GIVE_UP = 2 / 3;

/** Claims a request. Undefined: somebody else has it, or it is no longer the head. */
export async function claim(ports: Ports, run: Run, ttlMs: number): Promise<Claim | undefined> {
  const { repository, machine } = ports;
  const ref = refsOf(run.head.key).lease;
  const lease: Lease = {
    branch: run.head.branch,
    request: run.request.commit,
    run: machine.newRun(),
    runner: machine.runner,
    attempt: run.attempt,
    ttlMs,
    nonce: machine.newNonce(),
    lane: run.state?.lane ?? "default",
    ...(machine.holder ? { holder: machine.holder } : {}),
  };
  const value = await repository.note(formatLease(lease));
  const swap = await repository.swap(
    [{ ref, expected: run.over?.value ?? null, next: value }],
    `claim ${run.request.state}`,
  );
  if (swap.kind !== "landed") {
    if (swap.kind !== "unknown") return undefined;
    if ((await repository.readLease(ref))?.lease?.run !== lease.run) return undefined;
  }
  const claimed = { run, lease, ref, value } as Claim;
  if (await isHead(ports, claimed)) return claimed;
  await release(ports, claimed);
  return undefined;
}

/** True while the request is still the head of its branch. */
export async function isHead(ports: Ports, claim: Claim): Promise<boolean> {
  const ref = refOf(claim.run.head.branch);
  const values = await ports.repository.read([ref]);
  return values.get(ref) === claim.run.request.commit;
}

/** Deletes the lease, if it is still ours. */
export async function release(ports: Ports, claim: Claim): Promise<void> {
  const remove = () =>
    ports.repository.swap([{ ref: claim.ref, expected: claim.value, next: null }], "release");
  if ((await remove()).kind === "landed") return;
  const now = await ports.repository.readLease(claim.ref);
  if (now?.lease?.run !== claim.lease.run) return;
  claim.value = now.value;
  await remove();
}

/** Renews until `until` resolves; stops the run when the lease or the head is no longer ours. */
export async function keep(
  ports: Ports,
  claim: Claim,
  stop: StopSwitch,
  until: Promise<unknown>,
): Promise<void> {
  const { clock } = ports;
  const { ttlMs } = claim.lease;
  let over = false;
  const ended = until.finally(() => {
    over = true;
  });
  let lastGood = clock.mono();
  while (!over && stop.reason === undefined) {
    await clock.sleep(
      ttlMs / RENEWALS,
      ended.catch(() => undefined),
    );
    if (over) return;
    const sent = clock.mono();
    if (sent - lastGood > ttlMs * GIVE_UP) return stop.stop("lease-lost");
    const renewed = await renew(ports, claim).catch(() => "unknown" as const);
    if (renewed === "fenced") return stop.stop("fenced");
    if (renewed === "renewed") lastGood = sent;
    if (!(await isHead(ports, claim).catch(() => true))) return stop.stop("moved");
  }
}

async function renew(ports: Ports, claim: Claim): Promise<"renewed" | "fenced" | "unknown"> {
  const { repository, machine } = ports;
  const next = await repository.note(formatLease({ ...claim.lease, nonce: machine.newNonce() }));
  const swap = await repository.swap([{ ref: claim.ref, expected: claim.value, next }], "renew");
  if (swap.kind === "landed") {
    claim.value = next;
    return "renewed";
  }
  const now = await repository.readLease(claim.ref);
  if (now?.lease?.run !== claim.lease.run) return "fenced";
  claim.value = now.value;
  return now.value === next ? "renewed" : "unknown";
}
