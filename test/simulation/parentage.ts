/**
 * What the commits of a branch say of its family, read once more and in another way than in the core.
 *
 * What must hold: only what runners wrote counts; of a commit of a person the nearest of theirs below.
 */
import { refOf, type Branch, type Sha } from "../../src/core/protocol/ids.ts";
import { parseRequest, type Request } from "../../src/core/protocol/request.ts";
import type { Objects } from "./object-store.ts";
import type { Remote } from "./remote.ts";

export interface Family {
  readonly parent: string | undefined;
  readonly children: readonly string[];
  /** Those of the children that are not waited for again. */
  readonly joined: ReadonlySet<string>;
  readonly cancels: ReadonlySet<string>;
}

export const childOf = (branch: Branch, key: string): Branch => `${branch}.${key}` as Branch;

/** The family of the work at a commit. */
export function familyAt(objects: Objects, at: Sha): Family {
  for (const { commit } of objects.line(at)) {
    const isAnswer = objects.value(commit, "Answers") !== undefined;
    if (!isAnswer && objects.value(commit, "Parent") === undefined) continue;
    const words = (key: string) => (objects.value(commit, key) ?? "").split(" ").filter((one) => one !== "");
    return {
      parent: objects.value(commit, "Parent"),
      children: words("Children"),
      joined: new Set(words("Joined")),
      cancels: new Set(words("Cancels")),
    };
  }
  return { parent: undefined, children: [], joined: new Set(), cancels: new Set() };
}

/** What a commit asks for, or a person goes on with above it. */
export function requestAt(objects: Objects, branch: Branch, at: Sha): Request | undefined {
  for (const commit of objects.line(at)) {
    const asked = parseRequest(branch, commit);
    if (asked.kind === "request") return asked;
    if (asked.reason !== "no-state") return undefined;
  }
  return undefined;
}

/** True when a branch was a child of another at some time. */
export function wasChild(
  { objects, remote }: { objects: Objects; remote: Remote },
  parent: Branch,
  child: Branch,
): boolean {
  return remote
    .history(refOf(child))
    .some(({ value }) => value !== null && familyAt(objects, value).parent === parent);
}
