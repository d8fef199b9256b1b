/**
 * Takes and gives back the lease of one request.
 *
 * Invariants:
 * - A claim exists only after its swap landed and the head was read again.
 * - A lease whose run is another's is never written.
 *
 * See docs/protocol.md.
 */
import { NO_AMOUNTS, type Budget } from "../../core/util/amounts.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import { refOf, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { formatLease, type Lease } from "../../core/protocol/lease.ts";
import { refsOf } from "../../core/protocol/refs.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { parseMessage, valueOf } from "../../core/protocol/message.ts";
import { formatLaneRun } from "../../core/scheduling/side-refs.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { retryUnreachable } from "../retry-remote.ts";
import { BACKOFF, LEASE } from "../timing.ts";
import type { Clock, Machine, Repository, Update } from "../ports.ts";

export interface LeasePorts {
  readonly repository: Pick<Repository, "note" | "read" | "readLease" | "swap" | "trail">;
  readonly clock: Pick<Clock, "mono" | "sleep" | "wall">;
  readonly machine: Pick<Machine, "holder" | "newNonce" | "newRun" | "random" | "runner">;
}

const claimed = Symbol("claimed");

interface HeldRef {
  readonly ref: Ref;
  readonly value: Sha;
}

interface QuotaMark extends HeldRef {
  readonly lane: string;
  readonly at: number;
  /** The value that replaces it when the claim ends. */
  next?: Sha;
}

/** Proof that this run holds the lease. Only `claim` makes one. */
export interface Claim {
  readonly run: Run;
  readonly lease: Lease;
  readonly ref: Ref;
  /** The current value of the lease ref; changes with each renewal. */
  value: Sha;
  /** When the claim was sent, on the monotonic clock. Its lease time starts there. */
  readonly since: number;
  /** When the last successful renewal was sent. */
  renewedAt: number;
  /** The lane slots to delete together with the lease, as long as they exist. */
  slots: readonly HeldRef[];
  quotas: readonly QuotaMark[];
  readonly [claimed]: true;
}

/** How long an unreachable remote is retried. */
export const outageMs = ({ ttlMs }: Pick<Lease, "ttlMs">): number => ttlMs * LEASE.unreachableFactor;

/** Claims a request. Undefined: another runner has it, or its branch moved. */
export async function claim(ports: LeasePorts, run: Run, ttlMs: number): Promise<Claim | undefined> {
  const { repository, clock } = ports;
  const { lease: ref } = refsOf(run.head.key);
  const lease = newLease(ports.machine, run, ttlMs);
  const value = await repository.note(formatLease(lease));
  const slots: Update[] = (run.slots ?? []).map(({ ref, expected }) => ({ ref, expected, next: value }));
  const marks = await quotaMarks(ports, run, lease.run);
  const since = clock.mono();
  const swap = await repository.swap(
    [{ ref, expected: run.previousLease?.value ?? null, next: value }, ...slots, ...marks],
    "claim",
  );
  if (swap.kind === "blocked") throw new UserError(MESSAGES.leaseNotWritable(swap.why));
  if (swap.kind === "refused") return undefined;
  if (swap.kind === "unknown") {
    const current = await retryUnreachable(ports, outageMs(lease), () => repository.readLease(ref));
    if (current?.lease?.run !== lease.run) return undefined;
  }
  const held: Claim = {
    run,
    lease,
    ref,
    value,
    since,
    renewedAt: since,
    slots: slots.map((slot): HeldRef => ({ ref: slot.ref, value })),
    quotas: marks.map((mark): QuotaMark => ({
      ref: mark.ref,
      value: mark.next,
      lane: mark.lane,
      at: mark.at,
    })),
    [claimed]: true,
  };
  if (await retryUnreachable(ports, timeLeftMs(ports, held), () => isStillRequested(ports, held)))
    return held;
  await release(ports, held, await restoredLease(ports, held));
  return undefined;
}

function newLease(machine: LeasePorts["machine"], run: Run, ttlMs: number): Lease {
  const previous = run.previousLease?.lease;
  const hasScript = !run.limit && !run.knownAnswer;
  return {
    branch: run.head.branch,
    request: run.request.commit,
    run: machine.newRun(),
    runner: machine.runner,
    attempt: run.attempt,
    ttlMs,
    nonce: machine.newNonce(),
    // A run without a script is in no lane of its state.
    lanes: (hasScript ? run.state?.lane : undefined) ?? ["default"],
    slots: (run.slots ?? []).map(({ name }) => name),
    spent: (previous?.request === run.request.commit ? previous.spent : undefined) ?? NO_AMOUNTS,
    ...(machine.holder ? { holder: machine.holder } : {}),
  };
}

/** The marks that a claim writes into lane quotas, in its own swap. */
async function quotaMarks({ repository, clock }: LeasePorts, run: Run, id: Lease["run"]) {
  const marks = [];
  for (const { lane, ref, expected } of run.quotas ?? []) {
    const at = clock.wall();
    const next = await repository.note(formatLaneRun({ lane, run: id, at, tokens: 0, cost: 0 }));
    marks.push({ ref, expected, next, lane, at });
  }
  return marks;
}

/** Prepares the quota marks of a claim to say what the run spent. They are written when the claim ends. */
export async function markLaneUse(
  { repository }: { readonly repository: Pick<Repository, "note"> },
  held: Claim,
  spent: Budget,
): Promise<void> {
  const { tokens = 0, cost = 0 } = spent;
  if (tokens === 0 && cost === 0) return;
  for (const mark of held.quotas) {
    const { lane, at } = mark;
    mark.next = await repository.note(formatLaneRun({ lane, run: held.lease.run, at, tokens, cost }));
  }
}

/**
 * The snapshot was stale: the lease that the claim replaced may belong to the request that is the head
 * now. It is restored in back-off, so that its attempts stay counted.
 */
async function restoredLease(
  { repository, machine }: LeasePorts,
  { run, lease }: Claim,
): Promise<Sha | undefined> {
  const replaced = run.previousLease?.lease;
  if (!replaced || replaced.request === lease.request) return undefined;
  const own = { run: lease.run, runner: lease.runner, nonce: machine.newNonce() };
  const backoff = replaced.backoff ?? { ms: 0, why: "its runner was lost" };
  return repository.note(formatLease({ ...replaced, ...own, backoff }));
}

/** How long no other runner may take over a claim that was not renewed yet. Below 0: one may have. */
export function timeLeftMs({ clock }: Pick<LeasePorts, "clock">, { since, lease }: Claim): number {
  return since + lease.ttlMs * LEASE.giveUpShare - clock.mono();
}

/** True when the request is the head of its branch and no parked response to it exists. */
async function isStillRequested({ repository }: LeasePorts, { run }: Claim): Promise<boolean> {
  const [branchRef, { parked }] = [refOf(run.head.branch), refsOf(run.head.key)];
  // The parked response is read before the branch: a response that lands in between shows on the branch.
  const value = (await repository.read([parked])).get(parked);
  if ((await repository.read([branchRef])).get(branchRef) !== run.request.commit) return false;
  const [response] = value ? await repository.trail(value, 1) : [];
  return !response || valueOf(parseMessage(response.message).trailers, KEY.answers) !== run.request.commit;
}

/** The updates that end or change a claim: its lease, its lane slots and its quota marks. */
export function leaseUpdates(held: Claim, next: Sha | null = null): Update[] {
  const { ref, value, slots, quotas } = held;
  const freed = slots.map((slot): Update => ({ ref: slot.ref, expected: slot.value, next: null }));
  const marks = quotas.flatMap((mark): Update[] =>
    mark.next ? [{ ref: mark.ref, expected: mark.value, next: mark.next }] : [],
  );
  return [{ ref, expected: value, next }, ...freed, ...marks];
}

export interface RefreshPorts {
  readonly repository: Pick<Repository, "read" | "readLease">;
  readonly clock: Pick<Clock, "mono" | "sleep">;
  readonly machine: Pick<Machine, "random">;
}

/** Reads the refs of a claim again after a swap that did not land. False: the run was fenced. */
export async function refresh(ports: RefreshPorts, held: Claim): Promise<boolean> {
  const { lease, ref } = held;
  const refs = [...held.slots, ...held.quotas].map((heldRef) => heldRef.ref);
  const read = () =>
    Promise.all([
      ports.repository.readLease(ref),
      refs.length > 0 ? ports.repository.read(refs) : new Map<Ref, Sha | null>(),
    ]);
  const [current, values] = await retryUnreachable(ports, outageMs(lease), read);
  if (current?.lease?.run !== lease.run) return false;
  held.value = current.value;
  held.slots = held.slots.filter((slot) => values.get(slot.ref) === slot.value);
  held.quotas = held.quotas.filter((mark) => values.get(mark.ref) === mark.value);
  return true;
}

export type ReleasePorts = RefreshPorts & { readonly repository: Pick<Repository, "swap"> };

/** Deletes the lease, or replaces it by `next`, if this run still holds it. */
export async function release(ports: ReleasePorts, held: Claim, next?: Sha): Promise<void> {
  for (let tries = 0; tries < LEASE.releaseTries && held.value !== next; tries++) {
    const swap = await ports.repository.swap(leaseUpdates(held, next), "release");
    if (swap.kind === "landed" || !(await refresh(ports, held))) return;
  }
}

/** Puts the request into back-off after a fault of the runner, without using up an attempt. Never rejects. */
export async function releaseAfterFault(ports: LeasePorts, held: Claim, fault: string): Promise<void> {
  const { repository, machine } = ports;
  const attempt = held.lease.attempt - 1;
  const backoff = { ms: BACKOFF.faultMs, why: fault.split("\n")[0] || "a fault" };
  const lease = { ...held.lease, attempt, nonce: machine.newNonce(), backoff };
  try {
    const current = await repository.readLease(held.ref);
    // A fault after the end of the run, such as a worktree that cannot be removed, changes nothing.
    if (current?.lease?.run !== held.lease.run || current.lease.backoff) return;
    held.value = current.value;
    const next = await repository.note(formatLease(lease));
    await repository.swap(leaseUpdates(held, next), "give back");
  } catch {
    // The disk may be full. The lease then stays until this process ends, and is taken over.
  }
}
