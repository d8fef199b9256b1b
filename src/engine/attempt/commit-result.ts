/**
 * The writes that end a run: the answer, a rest before the next attempt, or the saved tree alone.
 *
 * What must hold: the lease goes or changes in the same swap as what it guards; a response is built
 * once and sent again unchanged; "unknown" is settled by reading the head, then the lease; a
 * finished response that cannot be placed is kept on a ref.
 */
import { composeMessage } from "../../core/protocol/compose.ts";
import type { NewBranch } from "../../core/outcome/create-children.ts";
import { branchOf, refOf, type Branch, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { addAmounts, type Budget } from "../../core/util/amounts.ts";
import { formatLease } from "../../core/protocol/lease.ts";
import { refsOf, salvageRef } from "../../core/protocol/refs.ts";
import type { Head } from "../../core/scheduling/snapshot.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { landingUpdates, type LandingUpdates } from "./landing-updates.ts";
import { leaseUpdates, refresh, release, type Claim } from "./lease-holder.ts";
import { retryUnreachable } from "../loop/retry-remote.ts";
import type { Ports, CollectedTree, Swap, AttemptTree, Update } from "../ports.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { BACKOFF, LEASE } from "../timing.ts";

export interface Saved {
  readonly ref: Ref;
  readonly value: Sha;
}

export interface PreparedResponse {
  readonly message: string;
  /** What the script left; without it the answer keeps the tree of the request. */
  readonly sealed: CollectedTree | undefined;
  readonly salvage: Saved | undefined;
  /** Branches that begin at the answer, made in the same swap. */
  readonly births: readonly NewBranch[];
  /** What it moves besides its own branch. */
  readonly beyond: LandingUpdates | undefined;
}

export type CommitResult =
  | { readonly kind: "answered"; readonly commit: Sha }
  | { readonly kind: "blocked"; readonly why: string }
  /** The remote takes this very content nowhere; it is kept on this machine. */
  | { readonly kind: "refused"; readonly why: string; readonly salvage: Ref }
  /** What it would move beside its own branch has moved; nothing was written. */
  | { readonly kind: "outdated" }
  /** A branch that the answer would make is there already; the answer is kept beside. */
  | { readonly kind: "clash"; readonly why: string; readonly salvage: Ref }
  | { readonly kind: "overtaken"; readonly why: string; readonly salvage: Ref };

export interface Backoff {
  readonly ms: number;
  readonly why: string;
  /** Attempts used up so far. */
  readonly used: number;
  readonly journal: string | undefined;
  readonly salvage: Saved | undefined;
  /** What the attempt spent. */
  readonly spent: Budget;
}

/** Puts the response on the branch and drops the lease, in one swap. */
export async function commitResponse(
  ports: Ports,
  held: Claim,
  reply: PreparedResponse,
): Promise<CommitResult> {
  const { repository } = ports;
  const { request, head } = held.run;
  const parent = reply.sealed?.head ?? request.commit;
  if (parent !== request.commit && !(await repository.isAncestor(request.commit, parent))) {
    throw new UserError(MESSAGES.notADescendant(head.branch));
  }
  const tree = reply.sealed?.tree ?? request.commit;
  const commit = await repository.commit(tree, parent, reply.message);
  const births: Update[] = [];
  for (const { branch: born, message } of reply.births) {
    births.push({ ref: refOf(born), expected: null, next: await repository.commit(tree, commit, message) });
  }
  const branch = refOf(head.branch);
  const moves = await landingUpdates(ports, held, reply.beyond, commit);
  // What waits beside its branch is one commit, and would land without the rest.
  const isAlone = births.length === 0 && moves.length === 0;
  let { salvage: saved } = reply;
  const updates = (): Update[] => [
    { ref: branch, expected: request.commit, next: commit },
    ...leaseUpdates(held),
    ...births,
    ...moves,
    ...created(saved),
  ];
  const why = `${request.state} answered`;
  for (let tries = 0; tries < BACKOFF.commitTries; tries++) {
    const swap = await repository.swap(updates(), why);
    if (swap.kind === "landed") return { kind: "answered", commit };
    if (swap.kind === "blocked") {
      if (!saved && !isAlone) {
        const salvage = await keepCommit(ports, held, commit);
        return { kind: "clash", why: MESSAGES.cannotWait(swap.why), salvage };
      }
      if (!saved) return park(ports, held, commit, swap.why);
      // It may be the saved tree that is refused, and that must not hold up the answer.
      await repository.keepLocally(saved.ref, saved.value);
      saved = undefined;
      continue;
    }
    // The children before the lease, and that before the head: a push of ours that lands in between
    // shows in what is read last, and a child that is there before it is another's.
    const there = await firstThere(ports, held, births);
    const mine = await refresh(ports, held);
    const present = await readOne(ports, held, branch);
    if (present && (await repository.isAncestor(commit, present))) {
      if (mine) await release(ports, held);
      return { kind: "answered", commit };
    }
    if (!mine || present !== request.commit) {
      if (mine) await release(ports, held);
      // An answer that is a failure has the tree of its request; what the script left is beside it.
      const salvage = await keepCommit(ports, held, saved?.value ?? commit);
      return { kind: "overtaken", why: mine ? "the branch moved" : "another runner took over", salvage };
    }
    if (!there && (await haveMoved(ports, held, moves))) return { kind: "outdated" };
    if (there) {
      const salvage = await keepCommit(ports, held, commit);
      return { kind: "clash", why: MESSAGES.branchThere(there), salvage };
    }
    await ports.clock.sleep(jitterMs(ports, tries));
  }
  throw new UserError(MESSAGES.headMoved(head.branch));
}

/**
 * The answer is finished but has no place: it waits on a ref, and the request is not run again. What
 * is refused even there has content that the remote never takes.
 */
async function park(ports: Ports, held: Claim, commit: Sha, why: string): Promise<CommitResult> {
  const { parked } = refsOf(held.run.head.key);
  const before = await readOne(ports, held, parked);
  const swap = await settle(ports, held, "park the answer", () => [
    { ref: parked, expected: before, next: commit },
    ...leaseUpdates(held),
  ]);
  if (swap.kind === "landed") return { kind: "blocked", why };
  if (swap.kind !== "blocked" && (await isKept(ports, held, commit))) return { kind: "blocked", why };
  const salvage = await keepCommit(ports, held, commit);
  if (swap.kind === "blocked") return { kind: "refused", why: swap.why, salvage };
  return { kind: "overtaken", why: "another runner took over", salvage };
}

/** True when something that an answer moves beyond its own branch has another value by now. */
async function haveMoved(ports: Ports, held: Claim, moves: readonly Update[]): Promise<boolean> {
  for (const { ref, expected } of moves) if ((await readOne(ports, held, ref)) !== expected) return true;
  return false;
}

/** The first of the branches to be made that is there already. */
async function firstThere(ports: Ports, held: Claim, births: readonly Update[]): Promise<Branch | undefined> {
  for (const { ref } of births) if (await readOne(ports, held, ref)) return branchOf(ref);
  return undefined;
}

/** True when it was parked although we were not told; by now it may even be in its place. */
async function isKept(ports: Ports, held: Claim, commit: Sha): Promise<boolean> {
  const { head } = held.run;
  if ((await readOne(ports, held, refsOf(head.key).parked)) === commit) return true;
  const present = await readOne(ports, held, refOf(head.branch));
  return present !== null && ports.repository.isAncestor(commit, present);
}

/** Puts a parked response on its branch. */
export function placeParkedResponse(ports: Ports, head: Head, response: Sha): Promise<Swap> {
  return ports.repository.swap(
    [
      { ref: refOf(head.branch), expected: head.commit, next: response },
      { ref: refsOf(head.key).parked, expected: response, next: null },
    ],
    "land a parked answer",
  );
}

/**
 * Replaces the lease by one that rests, with the journal entry and the saved tree. False: another
 * runner has it, and only the tree is kept.
 */
export async function commitBackoff(ports: Ports, held: Claim, end: Backoff): Promise<boolean> {
  const { repository, machine } = ports;
  const spent = addAmounts(held.lease.spent, end.spent);
  const lease = { ...held.lease, attempt: end.used, nonce: machine.newNonce(), spent };
  const next = await repository.note(formatLease({ ...lease, backoff: { ms: end.ms, why: end.why } }));
  const { journal } = refsOf(held.run.head.key);
  const before = await readOne(ports, held, journal);
  const entry =
    end.journal === undefined ? undefined : await repository.note(end.journal, before ?? undefined);
  const updates = (saved: Saved | undefined) => () => [
    ...leaseUpdates(held, next),
    ...(entry ? [{ ref: journal, expected: before, next: entry }] : []),
    ...created(saved),
  ];
  const swap = await settle(ports, held, "rest", updates(end.salvage), next);
  if (swap.kind === "landed" || !end.salvage) return swap.kind === "landed";
  if (swap.kind !== "blocked") {
    await keepCommit(ports, held, end.salvage.value);
    return false;
  }
  await repository.keepLocally(end.salvage.ref, end.salvage.value);
  return (await settle(ports, held, "rest", updates(undefined), next)).kind === "landed";
}

/** Saves a tree under the salvage ref, whoever holds the lease by now. */
export async function salvage(
  ports: Ports,
  held: Claim,
  tree: AttemptTree,
  why: string,
): Promise<Ref | undefined> {
  const value = await ports.trees.save(tree, salvageMessage(held, why));
  return value && keepCommit(ports, held, value);
}

/** The message of the commit that keeps what an attempt did. */
export function salvageMessage(held: Claim, why: string): string {
  const { branch, commit, state } = held.run.request;
  return composeMessage({
    header: `salvage: ${state} on ${branch}, attempt ${held.lease.attempt}: ${why}`,
    trailers: [
      { key: KEY.branch, value: branch },
      { key: KEY.request, value: commit },
      { key: KEY.run, value: held.lease.run },
    ],
  });
}

async function keepCommit(ports: Ports, held: Claim, value: Sha): Promise<Ref> {
  const ref = salvageRef(held.run.head.branch, held.lease.run);
  for (let tries = 0; tries < BACKOFF.commitTries; tries++) {
    const swap = await ports.repository.swap([{ ref, expected: null, next: value }], "salvage");
    if (swap.kind === "landed" || (await readOne(ports, held, ref))) return ref;
    if (swap.kind === "blocked") {
      await ports.repository.keepLocally(ref, value);
      return ref;
    }
    await ports.clock.sleep(jitterMs(ports, tries));
  }
  throw new UserError(MESSAGES.notSaved(ref));
}

/** The present value of a ref, waited for while the remote is out of reach. */
async function readOne(ports: Ports, held: Claim, ref: Ref): Promise<Sha | null> {
  const read = () => ports.repository.read([ref]);
  return (await retryUnreachable(ports, held.lease.ttlMs * LEASE.unreachableFactor, read)).get(ref) ?? null;
}

/** Full jitter, longer each time: two who try at once do not meet again. */
const jitterMs = ({ machine }: Ports, tries: number): number =>
  BACKOFF.commitJitterMs * 2 ** tries * machine.random();

const created = (saved: Saved | undefined): Update[] =>
  saved ? [{ ref: saved.ref, expected: null, next: saved.value }] : [];

/** Sends the swap until it is settled; somebody else's lease ends it. `next`: the lease that it makes. */
async function settle(
  ports: Ports,
  held: Claim,
  why: string,
  updates: () => Update[],
  next?: Sha,
): Promise<Swap> {
  for (let tries = 0; tries < BACKOFF.commitTries; tries++) {
    const swap = await ports.repository.swap(updates(), why);
    if (swap.kind === "landed" || swap.kind === "blocked") return swap;
    if (!(await refresh(ports, held))) return swap;
    // A lease that rests is still ours: it landed, and we were not told.
    if (held.value === next) return { kind: "landed" };
    await ports.clock.sleep(jitterMs(ports, tries));
  }
  throw new UserError(MESSAGES.notWritten(why, held.run.head.branch));
}
