/**
 * Writes a response: the branch, the lease and everything else that it moves, in one swap.
 *
 * Invariants:
 * - A response is built once and sent again unchanged.
 * - After an uncertain swap, new branches are read first, then the lease, then the head.
 * - A finished response that cannot be applied is kept on a ref.
 */
import type { NewBranch } from "../../core/outcome/create-children.ts";
import { branchOf, refOf, type Branch, type Ref, type Sha } from "../../core/protocol/ids.ts";
import { refsOf } from "../../core/protocol/refs.ts";
import type { Head } from "../../core/scheduling/snapshot.ts";
import { CannotSign, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { landingUpdates, type LandingUpdates } from "./landing-updates.ts";
import { leaseUpdates, refresh, release, type Claim, type RefreshPorts } from "./lease-holder.ts";
import { renewWhile, type RenewalPorts } from "./renew-lease.ts";
import type { StopSwitch } from "./stop-switch.ts";
import { keepCommit, salvageUpdates, type KeepPorts, type SavedTree } from "./salvage.ts";
import { BACKOFF, DEPTH } from "../timing.ts";
import { parseMessage, valueOf } from "../../core/protocol/message.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { jitterMs, readRef, swapWithRetry } from "./swap-retry.ts";
import type { CollectedTree } from "../attempt-trees.ts";
import type { Repository, Swap, Update } from "../ports.ts";

export interface PreparedResponse {
  readonly message: string;
  /** The changes of the script. Without them, the response keeps the tree of the request. */
  readonly collected: CollectedTree | undefined;
  readonly saved: SavedTree | undefined;
  /** Branches that start at the response, created in the same swap. */
  readonly newBranches: readonly NewBranch[];
  /** What the response moves besides its own branch. */
  readonly landing: LandingUpdates | undefined;
}

export type CommitResult =
  | { readonly kind: "answered"; readonly commit: Sha }
  | { readonly kind: "blocked"; readonly why: string }
  /** The remote rejects this content on every ref; it is kept on this machine. */
  | { readonly kind: "refused"; readonly why: string; readonly salvage: Ref }
  /** Another ref that the response would move has changed. Nothing was written. */
  | { readonly kind: "outdated" }
  /** A branch that the response would create exists. The response is kept under the salvage ref. */
  | { readonly kind: "clash"; readonly why: string; readonly salvage: Ref }
  /** The response has no signature and cannot wait for one. It is kept under the salvage ref. */
  | { readonly kind: "unsigned"; readonly why: string; readonly salvage: Ref }
  | { readonly kind: "overtaken"; readonly why: string; readonly salvage: Ref };

export type CommitPorts = KeepPorts &
  RenewalPorts & {
    readonly repository: Pick<Repository, "commit" | "isAncestor" | "sign" | "signLater" | "trail">;
  };

type Moves = {
  readonly commit: Sha;
  readonly newBranches: readonly Update[];
  readonly others: readonly Update[];
};

/** Applies the response to the branch and drops the lease, in one swap. */
export async function commitResponse(
  ports: CommitPorts,
  held: Claim,
  stop: StopSwitch,
  response: PreparedResponse,
): Promise<CommitResult> {
  const { repository } = ports;
  const { request, head } = held.run;
  const own = await writeOwnCommit(ports, held, response);
  let moves: Moves;
  try {
    // A key may take seconds for each commit.
    moves = await renewWhile(ports, held, stop, signAndExtend(repository, held, response, own));
  } catch (error) {
    if (!(error instanceof CannotSign)) throw error;
    return keepUnsigned(ports, held, response, own, error.why);
  }
  const { commit, newBranches, others } = moves;
  // A parked response is a single commit, which would land without the other refs.
  const isAlone = newBranches.length === 0 && others.length === 0;
  let { saved } = response;
  const updates = (): Update[] => [
    { ref: refOf(head.branch), expected: request.commit, next: commit },
    ...leaseUpdates(held),
    ...newBranches,
    ...others,
    ...salvageUpdates(saved),
  ];
  for (let tries = 0; tries < BACKOFF.commitTries; tries++) {
    const swap = await repository.swap(updates(), "answered");
    if (swap.kind === "landed") return { kind: "answered", commit };
    if (swap.kind === "blocked") {
      if (!saved && !isAlone) {
        const salvage = await keepCommit(ports, held, commit);
        return { kind: "clash", why: MESSAGES.cannotWait(swap.why), salvage };
      }
      if (!saved) return park(ports, held, commit, swap.why);
      // Perhaps only the saved tree is rejected, which must not hold up the response.
      await repository.keepLocally(saved.ref, saved.value);
      saved = undefined;
      continue;
    }
    const result = await resolveSwap(ports, held, moves, saved);
    if (result) return result;
    await ports.clock.sleep(jitterMs(ports, tries));
  }
  throw new UserError(MESSAGES.headMoved(head.branch));
}

/** Writes the commit of the response, without a signature. */
async function writeOwnCommit(
  { repository }: CommitPorts,
  held: Claim,
  { collected, message }: PreparedResponse,
): Promise<Sha> {
  const { request, head } = held.run;
  const parent = collected?.head ?? request.commit;
  if (parent !== request.commit && !(await repository.isAncestor(request.commit, parent))) {
    throw new UserError(MESSAGES.notADescendant(head.branch));
  }
  return repository.commit(collected?.tree ?? request.commit, parent, message);
}

/** Signs the response, and writes the commits of the branches that it creates and moves. */
async function signAndExtend(
  repository: CommitPorts["repository"],
  held: Claim,
  { collected, newBranches: drafts, landing }: PreparedResponse,
  own: Sha,
): Promise<Moves> {
  const commit = await repository.sign(own);
  const newBranches: Update[] = [];
  for (const { branch, message } of drafts) {
    const tree = collected?.tree ?? held.run.request.commit;
    const next = await repository.sign(await repository.commit(tree, commit, message));
    newBranches.push({ ref: refOf(branch), expected: null, next });
  }
  return { commit, newBranches, others: await landingUpdates(repository, held, landing, commit) };
}

/** Parks a response that cannot be signed now, so that its script does not run again. */
async function keepUnsigned(
  ports: CommitPorts,
  held: Claim,
  { saved, newBranches, landing }: PreparedResponse,
  commit: Sha,
  why: string,
): Promise<CommitResult> {
  const isAlone = newBranches.length === 0 && !landing;
  if (!isAlone) return { kind: "unsigned", why, salvage: await keepCommit(ports, held, commit) };
  if (saved) await keepCommit(ports, held, saved.value);
  await ports.repository.signLater(commit);
  const result = await park(ports, held, commit, MESSAGES.waitsForSignature(why));
  return result.kind === "refused" ? { ...result, kind: "unsigned", why } : result;
}

/** Finds out what became of a swap that was not confirmed. Undefined: nothing was written, try again. */
async function resolveSwap(
  ports: CommitPorts,
  held: Claim,
  { commit, newBranches, others }: Moves,
  saved: SavedTree | undefined,
): Promise<CommitResult | undefined> {
  const { repository } = ports;
  const { request, head } = held.run;
  // An own push that lands during these reads shows in the last one. So a new branch that exists before
  // the lease is read was created by another push.
  const existing = await firstExisting(ports, held, newBranches);
  const isHeld = await refresh(ports, held);
  const current = await readRef(ports, held, refOf(head.branch));
  if (current && (await repository.isAncestor(commit, current))) {
    if (isHeld) await release(ports, held);
    return { kind: "answered", commit };
  }
  if (!isHeld || current !== request.commit) {
    if (isHeld) await release(ports, held);
    // The response to a failure has the tree of its request, so the changes of the script are kept.
    const salvage = await keepCommit(ports, held, saved?.value ?? commit);
    return { kind: "overtaken", why: isHeld ? "the branch moved" : "another runner took over", salvage };
  }
  if (!existing && (await haveMoved(ports, held, others))) return { kind: "outdated" };
  if (!existing) return undefined;
  const salvage = await keepCommit(ports, held, commit);
  return { kind: "clash", why: MESSAGES.childBranchExists(existing), salvage };
}

/**
 * Puts a finished response that its branch rejects on a side ref, so that the request does not run
 * again. If that ref is rejected too, the remote rejects the content itself.
 */
async function park(ports: CommitPorts, held: Claim, commit: Sha, why: string): Promise<CommitResult> {
  const { parked } = refsOf(held.run.head.key);
  const expected = await readRef(ports, held, parked);
  const swap = await swapWithRetry(ports, held, "the pending response", () => [
    { ref: parked, expected, next: commit },
    ...leaseUpdates(held),
  ]);
  if (swap.kind === "landed") return { kind: "blocked", why };
  if (swap.kind !== "blocked" && (await isParked(ports, held, commit))) return { kind: "blocked", why };
  const salvage = await keepCommit(ports, held, commit);
  if (swap.kind === "blocked") return { kind: "refused", why: swap.why, salvage };
  return { kind: "overtaken", why: "another runner took over", salvage };
}

async function haveMoved(ports: RefreshPorts, held: Claim, updates: readonly Update[]): Promise<boolean> {
  for (const { ref, expected } of updates) if ((await readRef(ports, held, ref)) !== expected) return true;
  return false;
}

async function firstExisting(
  ports: RefreshPorts,
  held: Claim,
  updates: readonly Update[],
): Promise<Branch | undefined> {
  for (const { ref } of updates) if (await readRef(ports, held, ref)) return branchOf(ref);
  return undefined;
}

/** True when the response was parked without a confirmation. It may even be on its branch by now. */
async function isParked(ports: CommitPorts, held: Claim, commit: Sha): Promise<boolean> {
  const { head } = held.run;
  if ((await readRef(ports, held, refsOf(head.key).parked)) === commit) return true;
  const current = await readRef(ports, held, refOf(head.branch));
  // A signature gives the response another id.
  const trail = current ? await ports.repository.trail(current, DEPTH.work) : [];
  return trail.some(({ message }) => valueOf(parseMessage(message).trailers, KEY.run) === held.lease.run);
}

/** Applies a parked response to its branch, with a signature if it still lacks one. */
export async function placeParkedResponse(
  { repository }: { readonly repository: Pick<Repository, "sign" | "swap"> },
  head: Head,
  response: Sha,
): Promise<Swap & { readonly commit: Sha }> {
  let next: Sha;
  try {
    next = await repository.sign(response);
  } catch (error) {
    if (!(error instanceof CannotSign)) throw error;
    return { kind: "blocked", why: MESSAGES.waitsForSignature(error.why), commit: response };
  }
  const swap = await repository.swap(
    [
      { ref: refOf(head.branch), expected: head.commit, next },
      { ref: refsOf(head.key).parked, expected: response, next: null },
    ],
    "land a parked answer",
  );
  return { ...swap, commit: next };
}
