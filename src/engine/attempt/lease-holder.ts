/**
 * Takes, keeps and gives back the lease of one request.
 *
 * What must hold: a Claim exists only after its swap landed and the head was read again; each
 * renewal has a new nonce; a lease whose run is not ours is never written. See docs/protocol.md.
 */
import { NO_AMOUNTS, type Budget } from "../../core/util/amounts.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import { refOf, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { formatLease, type Lease } from "../../core/protocol/lease.ts";
import { refsOf } from "../../core/protocol/refs.ts";
import { parseMessage, valueOf } from "../../core/protocol/message.ts";
import { formatLaneRun } from "../../core/scheduling/side-refs.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { retryUnreachable } from "../loop/retry-remote.ts";
import type { Ports, Update } from "../ports.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { LEASE } from "../timing.ts";

declare const landed: unique symbol;

interface Held {
  readonly ref: Ref;
  readonly value: Sha;
}

interface Mark extends Held {
  readonly lane: string;
  readonly at: number;
  next?: Sha;
}

/** Proof that this run holds the lease; only `claim` makes one. */
export interface Claim {
  readonly run: Run;
  readonly lease: Lease;
  readonly ref: Ref;
  /** The object that the lease ref holds now; changes with each renewal. */
  value: Sha;
  /** When it was sent, on our own clock: until others may take it over, time runs from there. */
  readonly since: number;
  /** The places in lanes that go when the lease goes, as long as they are there. */
  slots: readonly Held[];
  /** The marks in quotas of lanes, each with what it is to become. */
  quotas: readonly Mark[];
  readonly [landed]: true;
}

/** Why a run must end before its script does. */
export type StopReason = "fenced" | "moved" | "lease-lost" | "shutdown" | "held" | "called-off";

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

/** Claims a request. Undefined: somebody else has it, or it is no longer the head. */
export async function claim(ports: Ports, run: Run, ttlMs: number): Promise<Claim | undefined> {
  const { repository, machine, clock } = ports;
  const ref = refsOf(run.head.key).lease;
  const before = run.previousLease?.lease;
  const lease: Lease = {
    branch: run.head.branch,
    request: run.request.commit,
    run: machine.newRun(),
    runner: machine.runner,
    attempt: run.attempt,
    ttlMs,
    nonce: machine.newNonce(),
    // What runs no script is in no lane.
    lanes: (run.limit || run.knownAnswer ? undefined : run.state?.lane) ?? ["default"],
    slots: (run.slots ?? []).map(({ name }) => name),
    spent: (before?.request === run.request.commit ? before.spent : undefined) ?? NO_AMOUNTS,
    ...(machine.holder ? { holder: machine.holder } : {}),
  };
  const value = await repository.note(formatLease(lease));
  const places: Update[] = (run.slots ?? []).map(({ ref, expected }) => ({ ref, expected, next: value }));
  const marks = await markQuotas(ports, run, lease.run);
  const since = clock.mono();
  const swap = await repository.swap(
    [{ ref, expected: run.previousLease?.value ?? null, next: value }, ...places, ...marks],
    `claim ${run.request.state}`,
  );
  if (swap.kind === "blocked") throw new UserError(MESSAGES.noClaim(swap.why));
  if (swap.kind !== "landed") {
    if (swap.kind !== "unknown") return undefined;
    const found = await retryUnreachable(ports, ttlMs * LEASE.unreachableFactor, () =>
      repository.readLease(ref),
    );
    if (found?.lease?.run !== lease.run) return undefined;
  }
  const slots = places.map((one) => ({ ref: one.ref, value }));
  const quotas = marks.map(({ ref: mark, next, lane, at }): Mark => ({ ref: mark, value: next, lane, at }));
  const claimed = { run, lease, ref, value, slots, quotas, since } as unknown as Claim;
  if (await retryUnreachable(ports, timeLeft(ports, claimed), () => isAsked(ports, claimed))) return claimed;
  await release(ports, claimed, await laidBack(ports, claimed));
  return undefined;
}

/** What a claim writes into quotas, in its own swap. */
async function markQuotas({ repository, clock }: Ports, run: Run, id: Lease["run"]) {
  const marks = [];
  for (const { lane, ref, expected } of run.quotas ?? []) {
    const at = clock.wall();
    const next = await repository.note(formatLaneRun({ lane, run: id, at, tokens: 0, cost: 0 }));
    marks.push({ ref, expected, next, lane, at });
  }
  return marks;
}

/** Lets the marks of a claim say what it spent, once it ends. */
export async function markLaneUse({ repository }: Ports, claim: Claim, spent: Budget): Promise<void> {
  const { tokens = 0, cost = 0 } = spent;
  if (tokens === 0 && cost === 0) return;
  for (const mark of claim.quotas) {
    const { lane, at } = mark;
    mark.next = await repository.note(formatLaneRun({ lane, run: claim.lease.run, at, tokens, cost }));
  }
}

/**
 * We looked too early, and what we took over may be the lease of the request that is the head by now:
 * then it rests, because its attempts count.
 */
async function laidBack({ repository, machine }: Ports, { run, lease }: Claim): Promise<Sha | undefined> {
  const before = run.previousLease?.lease;
  if (!before || before.request === lease.request) return undefined;
  const own = { run: lease.run, runner: lease.runner, nonce: machine.newNonce() };
  const rest = before.backoff ?? { ms: 0, why: "its runner was lost" };
  return repository.note(formatLease({ ...before, ...own, backoff: rest }));
}

/** How long nobody may take over a claim that was not renewed yet; below 0: somebody may have. */
export function timeLeft({ clock }: Ports, { since, lease }: Claim): number {
  return since + lease.ttlMs * LEASE.giveUpShare - clock.mono();
}

/** True when the request is the head of its branch, and no finished answer to it waits beside that. */
async function isAsked(ports: Ports, { run }: Claim): Promise<boolean> {
  const { repository } = ports;
  const [ref, { parked }] = [refOf(run.head.branch), refsOf(run.head.key)];
  // What waits beside the branch before the branch itself: an answer that lands in between shows there.
  const value = (await repository.read([parked])).get(parked);
  if ((await repository.read([ref])).get(ref) !== run.request.commit) return false;
  const [answer] = value ? await repository.trail(value, 1) : [];
  return !answer || valueOf(parseMessage(answer.message).trailers, KEY.answers) !== run.request.commit;
}

/** True while the request is still the head of its branch. */
async function isHead(ports: Ports, claim: Claim): Promise<boolean> {
  const ref = refOf(claim.run.head.branch);
  const values = await ports.repository.read([ref]);
  return values.get(ref) === claim.run.request.commit;
}

/** What goes or changes together when a claim ends: its lease, and its places in lanes. */
export function leaseUpdates(claim: Claim, next: Sha | null = null): Update[] {
  const { ref, value, slots, quotas } = claim;
  const places = slots.map((slot): Update => ({ ref: slot.ref, expected: slot.value, next: null }));
  const marks = quotas.flatMap((mark): Update[] =>
    mark.next ? [{ ref: mark.ref, expected: mark.value, next: mark.next }] : [],
  );
  return [{ ref, expected: value, next }, ...places, ...marks];
}

/** Reads again what a claim holds, after a swap that did not land. False: the lease is not ours. */
export async function refresh(ports: Ports, claim: Claim): Promise<boolean> {
  const { lease, ref } = claim;
  const refs = [...claim.slots, ...claim.quotas].map((one) => one.ref);
  const read = () =>
    Promise.all([
      ports.repository.readLease(ref),
      refs.length > 0 ? ports.repository.read(refs) : new Map<Ref, Sha | null>(),
    ]);
  const [now, there] = await retryUnreachable(ports, lease.ttlMs * LEASE.unreachableFactor, read);
  if (now?.lease?.run !== lease.run) return false;
  claim.value = now.value;
  claim.slots = claim.slots.filter((one) => there.get(one.ref) === one.value);
  claim.quotas = claim.quotas.filter((one) => there.get(one.ref) === one.value);
  return true;
}

/** Deletes the lease, or replaces it by `next`, if it is still ours. */
export async function release(ports: Ports, claim: Claim, next?: Sha): Promise<void> {
  for (let tries = 0; tries < LEASE.releaseTries && claim.value !== next; tries++) {
    const swap = await ports.repository.swap(leaseUpdates(claim, next), "release");
    if (swap.kind === "landed" || !(await refresh(ports, claim))) return;
  }
}

/**
 * Renews until `until` resolves; stops the run when the lease or the head is no longer ours, or when
 * nothing is known of the lease for two thirds of its time: then nobody may have taken over yet.
 */
export async function keep(
  ports: Ports,
  claim: Claim,
  stop: StopSwitch,
  until: Promise<unknown>,
): Promise<void> {
  const { clock } = ports;
  const { ttlMs } = claim.lease;
  let over = false;
  const ended = until.then(
    () => void (over = true),
    () => void (over = true),
  );
  let lastGood = claim.since;
  while (!over && stop.reason === undefined) {
    const restMs = Math.min(ttlMs / LEASE.renewals, lastGood + ttlMs * LEASE.giveUpShare - clock.mono());
    await clock.sleep(Math.max(0, restMs), ended);
    if (over) return;
    const sent = clock.mono();
    const leftMs = lastGood + ttlMs * LEASE.giveUpShare - sent;
    if (leftMs < 0) return stop.stop("lease-lost");
    const answered = new Promise<Renewal>((resolve) => {
      renew(ports, claim).then(resolve, () => resolve("unknown"));
    });
    // A remote that does not answer must not keep us from noticing that time is up.
    const waited = await Promise.race([answered, clock.sleep(leftMs, Promise.race([answered, ended]))]);
    if (over) return void (await answered);
    if (waited === undefined) return stop.stop("lease-lost");
    if (waited === "fenced" || waited === "moved") return stop.stop(waited);
    if (waited === "renewed") lastGood = sent;
  }
}

type Renewal = "renewed" | "fenced" | "moved" | "unknown";

/** One new nonce, and one look at the head. */
async function renew(ports: Ports, claim: Claim): Promise<Renewal> {
  const { repository, machine } = ports;
  const next = await repository.note(formatLease({ ...claim.lease, nonce: machine.newNonce() }));
  const swap = await repository.swap([{ ref: claim.ref, expected: claim.value, next }], "renew");
  if (swap.kind === "landed") claim.value = next;
  else {
    const now = await repository.readLease(claim.ref);
    if (now?.lease?.run !== claim.lease.run) return "fenced";
    claim.value = now.value;
  }
  if (!(await isHead(ports, claim).catch(() => true))) return "moved";
  return claim.value === next ? "renewed" : "unknown";
}
