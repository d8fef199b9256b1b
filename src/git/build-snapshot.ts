/**
 * Turns refs and the commits that they name into what a look hands on.
 *
 * What must hold: it makes no difference whether the refs were read here or at a remote; of a head
 * only what decides is kept.
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

/** A follow that is not finished: the branch moved, its checkout did not. */
export interface PendingFollow {
  readonly ref: Ref;
  readonly from: Sha;
  readonly head: Head;
}

export interface FullListing extends Omit<RefListing, "target"> {
  readonly pendingFollows: readonly PendingFollow[];
  /** The branch that `origin/HEAD` names. */
  readonly originHead: string | undefined;
}

/** What the commit of a ref is: a head, or a record of ours. */
export function readEntry(ref: string, commit: Commit): RefEntry {
  const branch = branchOf(ref);
  return branch ? readHead(branch, commit) : commit;
}

/** A head; the text of one that asks for nothing is not kept. */
function readHead(branch: Branch, commit: Commit): Head {
  const asked = parseRequest(branch, commit);
  const message = asked.kind === "request" ? commit.message : commit.message.slice(0, 200);
  const { commit: id, parents, committed } = commit;
  return { branch, commit: id, key: branchKey(branch), parents, committed, message, reading: asked };
}

/** One look, from every ref that was read. */
export function buildListing(
  entries: ReadonlyMap<string, RefEntry>,
  originHead: string | undefined,
  unchanged: boolean,
): FullListing {
  const heads: Head[] = [];
  const leases = new Map<string, LeaseRef>();
  const slots = new Map<Ref, LeaseRef>();
  const parked = new Map<string, ParkedResponse>();
  const sides: [string, Sha, string][] = [];
  const pending: { ref: Ref; key: string; from: Sha }[] = [];
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
    else if (NOTE_REFS.some((prefix) => name.startsWith(prefix))) sides.push([name, value, message]);
    else if (name.startsWith(FOLLOW)) pending.push({ ref, key, from: value });
    else parked.set(key, { value, answers: valueOf(parseMessage(message).trailers, KEY.answers) ?? "" });
  }
  const follows = pending.flatMap(({ ref, key, from }) => {
    const head = heads.find((one) => one.key === key);
    return head ? [{ ref, from, head }] : [];
  });
  return {
    heads,
    leases,
    slots,
    parkedResponses: parked,
    sideRefs: readSideRefs(sides),
    pendingFollows: follows,
    originHead,
    isUnchanged: unchanged,
  };
}
