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
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { landingUpdates, type LandingUpdates } from "./landing-updates.ts";
import { leaseUpdates, refresh, release, type Claim, type RefreshPorts } from "./lease-holder.ts";
import { keepCommit, salvageUpdates, type KeepPorts, type SavedTree } from "./salvage.ts";
import { BACKOFF } from "../timing.ts";
import { jitterMs, readRef, swapWithRetry } from "./swap-retry.ts";
import type { CollectedTree } from "../attempt-trees.ts";
import type { RefStore, Repository, Swap, Update } from "../ports.ts";

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
  | { readonly kind: "overtaken"; readonly why: string; readonly salvage: Ref };

export type CommitPorts = KeepPorts & { readonly repository: Pick<Repository, "commit" | "isAncestor"> };

type Moves = {
  readonly commit: Sha;
  readonly newBranches: readonly Update[];
  readonly others: readonly Update[];
};

/** Applies the response to the branch and drops the lease, in one swap. */
export async function commitResponse(
  ports: CommitPorts,
  held: Claim,
  response: PreparedResponse,
): Promise<CommitResult> {
  const { repository } = ports;
  const { request, head } = held.run;
  const moves = await writeCommits(ports, held, response);
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

/** Writes the commit of the response, and those of the branches that it creates and moves. */
async function writeCommits(ports: CommitPorts, held: Claim, response: PreparedResponse): Promise<Moves> {
  const { repository } = ports;
  const { request, head } = held.run;
  const { collected } = response;
  const parent = collected?.head ?? request.commit;
  if (parent !== request.commit && !(await repository.isAncestor(request.commit, parent))) {
    throw new UserError(MESSAGES.notADescendant(head.branch));
  }
  const tree = collected?.tree ?? request.commit;
  const commit = await repository.commit(tree, parent, response.message);
  const newBranches: Update[] = [];
  for (const { branch, message } of response.newBranches) {
    const next = await repository.commit(tree, commit, message);
    newBranches.push({ ref: refOf(branch), expected: null, next });
  }
  return { commit, newBranches, others: await landingUpdates(repository, held, response.landing, commit) };
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
  return current !== null && ports.repository.isAncestor(commit, current);
}

/** Applies a parked response to its branch. */
export function placeParkedResponse(
  { repository }: { readonly repository: Pick<RefStore, "swap"> },
  head: Head,
  response: Sha,
): Promise<Swap> {
  return repository.swap(
    [
      { ref: refOf(head.branch), expected: head.commit, next: response },
      { ref: refsOf(head.key).parked, expected: response, next: null },
    ],
    "land a parked answer",
  );
}
