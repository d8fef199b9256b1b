/**
 * Builds a ref listing from refs and their commits.
 *
 * Invariants:
 * - Refs of a local repository and of a remote give the same listing.
 * - Only the parts of a head that decisions need are kept.
 */
import { branchOf, type Branch, type Ref, type Sha } from "../core/protocol/ids.ts";
import { parseLease } from "../core/protocol/lease.ts";
import { FOLLOW, LANES, LEASES, NOTE_REFS } from "../core/protocol/refs.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { parseRequest, type Commit } from "../core/protocol/request.ts";
import { readSideRefs } from "../core/scheduling/side-refs.ts";
import type { Head, ParkedResponse } from "../core/scheduling/snapshot.ts";
import type { LeaseRef, RefListing } from "../engine/ports.ts";
import { branchKey } from "./swap-refs.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

/** A branch head, or the commit of a side ref. */
export type RefEntry = Head | Commit;

/** A checkout that still has to follow its branch. */
export interface PendingFollow {
  readonly ref: Ref;
  readonly from: Sha;
  readonly head: Head;
}

export interface FullListing extends Omit<RefListing, "target"> {
  readonly pendingFollows: readonly PendingFollow[];
  /** The branch that `origin/HEAD` points to. */
  readonly originHead: string | undefined;
}

export function readEntry(ref: string, commit: Commit): RefEntry {
  const branch = branchOf(ref);
  return branch ? readHead(branch, commit) : commit;
}

/** Keeps the whole message of a request only. */
function readHead(branch: Branch, commit: Commit): Head {
  const reading = parseRequest(branch, commit);
  const message = reading.kind === "request" ? commit.message : commit.message.slice(0, 200);
  const { commit: id, parents, committed } = commit;
  return { branch, commit: id, key: branchKey(branch), parents, committed, message, reading };
}

export function buildListing(
  entries: ReadonlyMap<string, RefEntry>,
  originHead: string | undefined,
  isUnchanged: boolean,
): FullListing {
  const heads: Head[] = [];
  const leases = new Map<string, LeaseRef>();
  const slots = new Map<Ref, LeaseRef>();
  const parkedResponses = new Map<string, ParkedResponse>();
  const notes: [string, Sha, string][] = [];
  const follows: { ref: Ref; key: string; from: Sha }[] = [];
  for (const [name, entry] of entries) {
    if ("reading" in entry) {
      heads.push(entry);
      continue;
    }
    const ref = name as Ref;
    const { commit: value, committed, message } = entry;
    const lease = (): LeaseRef => ({ ref, value, committed, lease: parseLease(message) });
    const key = name.slice(name.lastIndexOf("/") + 1);
    if (name.startsWith(LEASES)) leases.set(key, lease());
    else if (name.startsWith(LANES)) slots.set(ref, lease());
    else if (NOTE_REFS.some((prefix) => name.startsWith(prefix))) notes.push([name, value, message]);
    else if (name.startsWith(FOLLOW)) follows.push({ ref, key, from: value });
    else
      parkedResponses.set(key, {
        value,
        answers: valueOf(parseMessage(message).trailers, KEY.answers) ?? "",
      });
  }
  const pendingFollows = follows.flatMap(({ ref, key, from }) => {
    const head = heads.find((one) => one.key === key);
    return head ? [{ ref, from, head }] : [];
  });
  return {
    heads,
    leases,
    slots,
    parkedResponses,
    sideRefs: readSideRefs(notes),
    pendingFollows,
    originHead,
    isUnchanged,
  };
}
