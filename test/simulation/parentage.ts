/**
 * Reads the parent and the children of a branch from its commits, independently of the core.
 *
 * Invariants:
 * - Only commits of runners count. For a person's commit, the nearest of them below counts.
 */
import { refOf, type Branch, type Sha } from "../../src/core/protocol/ids.ts";
import { parseRequest, type Request } from "../../src/core/protocol/request.ts";
import type { ObjectStore } from "./object-store.ts";
import type { SimulatedRemote } from "./remote.ts";

export interface Parentage {
  readonly parent: string | undefined;
  readonly children: readonly string[];
  /** The children that were joined already. */
  readonly joined: ReadonlySet<string>;
  readonly cancels: ReadonlySet<string>;
}

export const childBranch = (branch: Branch, key: string): Branch => `${branch}.${key}` as Branch;

export function parentageAt(objects: ObjectStore, at: Sha): Parentage {
  for (const { commit } of objects.firstParents(at)) {
    const isAnswer = objects.trailer(commit, "Answers") !== undefined;
    if (!isAnswer && objects.trailer(commit, "Parent") === undefined) continue;
    const words = (key: string) =>
      (objects.trailer(commit, key) ?? "").split(" ").filter((one) => one !== "");
    return {
      parent: objects.trailer(commit, "Parent"),
      children: words("Children"),
      joined: new Set(words("Joined")),
      cancels: new Set(words("Cancels")),
    };
  }
  return { parent: undefined, children: [], joined: new Set(), cancels: new Set() };
}

/** The request at a commit, or below plain commits of a person. */
export function requestAt(objects: ObjectStore, branch: Branch, at: Sha): Request | undefined {
  for (const commit of objects.firstParents(at)) {
    const reading = parseRequest(branch, commit);
    if (reading.kind === "request") return reading;
    if (reading.reason !== "no-state") return undefined;
  }
  return undefined;
}

/** True when a branch has ever been a child of the other. */
export function wasChild(
  { objects, remote }: { objects: ObjectStore; remote: SimulatedRemote },
  parent: Branch,
  child: Branch,
): boolean {
  return remote
    .history(refOf(child))
    .some(({ value }) => value !== null && parentageAt(objects, value).parent === parent);
}
