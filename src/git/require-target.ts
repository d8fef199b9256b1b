/** The trusted branch of a repository, which a listing must name without doubt. */
import { join } from "node:path";
import { type Branch, branchOf, refOf } from "../core/protocol/ids.ts";
import { HOLD } from "../core/protocol/refs.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { FullListing } from "./build-listing.ts";
import type { UnreadableRef } from "./for-each-ref.ts";
import type { GitLocation } from "./open-repository.ts";

/** Throws a UserError when the hold or the trusted branch cannot be read. They must not count as missing. */
export function requireReadable(
  location: GitLocation,
  { heads, originHead }: FullListing,
  unreadableRefs: readonly UnreadableRef[],
): Branch {
  const unreadable = new Map(unreadableRefs.map(({ ref, why }) => [ref, why]));
  const branches = [...unreadable.keys()].flatMap((ref) => branchOf(ref) ?? []);
  const all = [...heads, ...branches.map((branch) => ({ branch }))];
  const target = requireTarget(location, { heads: all, originHead });
  const ref = refOf(target);
  const targetProblem = unreadable.get(ref);
  if (targetProblem !== undefined) throw new UserError(MESSAGES.unreadableTarget(ref, targetProblem));
  const holdProblem = unreadable.get(HOLD);
  const file = join(location.commonDir, HOLD);
  if (holdProblem !== undefined) throw new UserError(MESSAGES.unreadableHold(HOLD, holdProblem, file));
  return target;
}

/**
 * The trusted branch: the configured one, else the one that `origin/HEAD` names, `main`, `master`, or
 * the only branch. Throws a UserError without any of them.
 */
export function requireTarget(
  location: GitLocation,
  listing: Pick<FullListing, "originHead"> & { readonly heads: readonly Pick<Head, "branch">[] },
): Branch {
  const configured = location.config.get("trailhand.target");
  const names = listing.heads.map((head) => head.branch);
  const candidates = configured === undefined ? [listing.originHead, "main", "master"] : [configured];
  const target = candidates.flatMap((candidate) => names.filter((name) => name === candidate))[0];
  if (target !== undefined) return target;
  const [onlyBranch] = names;
  if (configured === undefined && names.length === 1 && onlyBranch !== undefined) return onlyBranch;
  if (names.length === 0) throw new UserError(MESSAGES.noCommits());
  const why =
    configured === undefined
      ? "there is no main or master, and more than one branch"
      : `there is no branch ${configured}`;
  throw new UserError(MESSAGES.noTarget(why));
}
