/** The side refs that Trailhand keeps beside the branches, and how each is named. */
import type { Branch, Ref, RunId, Sha } from "./ids.ts";

export const NAMESPACE = "refs/trailhand/";
export const LEASES = `${NAMESPACE}leases/`;
export const LANES = `${NAMESPACE}lanes/`;
export const PARKED = `${NAMESPACE}parked/`;
/** What was begun in a lane with a quota, one ref for each run of its window. */
export const USED = `${NAMESPACE}used/`;
/** Lanes that a rate limit closed. */
export const CLOSED = `${NAMESPACE}closed/`;
/** Results of checks from outside. */
export const CHECKS = `${NAMESPACE}checks/`;
export const ARCHIVE = `${NAMESPACE}archive/`;
export const SHADOW = `${NAMESPACE}shadow/`;
/** The global stop. */
export const HOLD = `${NAMESPACE}hold` as Ref;
/** Commits that a server is asked to make and sign, with all that they are made of. */
export const UNSIGNED = `${NAMESPACE}unsigned/`;
export const FOLLOW = `${NAMESPACE}follow/`;
export const SALVAGE = `${NAMESPACE}salvage/`;
export const JOURNAL = `${NAMESPACE}journal/`;
/** The refs that belong to a branch; `key` is 40 hex digits of SHA-256 of its full ref. */
export function refsOf(key: string): { lease: Ref; parked: Ref; follow: Ref; journal: Ref } {
  return {
    lease: `${LEASES}${key}` as Ref,
    parked: `${PARKED}${key}` as Ref,
    follow: `${FOLLOW}${key}` as Ref,
    journal: `${JOURNAL}${key}` as Ref,
  };
}
/** Where the saved tree of an attempt is kept. */
export function salvageRef(branch: Branch, run: RunId): Ref {
  return `${SALVAGE}${branch}/${run}` as Ref;
}
/** Where a commit is while the server makes its own of it. */
export function unsignedRef(commit: Sha): Ref {
  return `${UNSIGNED}${commit}` as Ref;
}
/** Where the history of a branch that landed is kept; a name may be used again, and lands again. */
export function archiveRef(branch: Branch, answer: Sha): Ref {
  return `${ARCHIVE}${branch}/${answer.slice(0, 12)}` as Ref;
}
/** One place of a lane; whoever holds it made it exist together with its lease. */
export function slotRef(lane: string, slot: number): Ref {
  return `${LANES}${lane}/${slot}` as Ref;
}
