/**
 * Finds side refs, logs and cached copies that can be deleted.
 *
 * Invariants:
 * - Nothing is deleted here, and each finding has a reason.
 * - Nothing that an open request may need is found. The archive of landed branches stays.
 * - Commit dates decide only how long garbage is kept, never what runs.
 */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Ref, Sha } from "../core/protocol/ids.ts";
import { COLLECTED_REFS, NOTE_REFS, refsOf, UNSIGNED } from "../core/protocol/refs.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { readSideRefs } from "../core/scheduling/side-refs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { RefListing } from "../engine/ports.ts";
import { forEachRef } from "./for-each-ref.ts";
import type { GitLocation } from "./open-repository.ts";
import { requireSha } from "./parse-output.ts";
import { readReason } from "./quarantine.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

export type Garbage =
  | { readonly kind: "ref"; readonly name: Ref; readonly value: Sha; readonly why: string }
  | { readonly kind: "file"; readonly name: string; readonly why: string };

export interface CacheFolders {
  readonly states: string;
  readonly configs: string;
  readonly logs: string;
  readonly quarantine: string;
}

/** The lane windows of the workflow, and the current time in milliseconds since 1970. */
export interface LaneWindows {
  readonly now: number;
  /** The windows, in milliseconds, of the lanes that count their runs. */
  readonly windows: ReadonlyMap<string, number>;
}

/** `cutoff` is in milliseconds since 1970. `lanes` is undefined when the workflow is invalid. */
export async function findGarbage(
  location: GitLocation,
  listing: RefListing,
  cache: CacheFolders,
  cutoff: number,
  lanes: LaneWindows | undefined,
): Promise<Garbage[]> {
  const heads = new Map(listing.heads.map((head) => [head.branch as string, head.commit as string]));
  const keys = new Map(listing.heads.map((head) => [head.key, head]));
  const records = new Map<string, readonly string[]>();
  await forEachRef(location.git, {
    fields: ["%(refname)", "%(objectname)", "%(committerdate:unix)", "%(contents)"],
    patterns: COLLECTED_REFS,
    take: (record) => void records.set(record[0] ?? "", record),
  });
  const garbage: Garbage[] = [];
  for (const [name = "", value = "", time = "", message = ""] of records.values()) {
    if (NOTE_REFS.some((prefix) => name.startsWith(prefix))) {
      const why = noteReason(name, requireSha(value), message, keys, lanes);
      if (why !== undefined) garbage.push({ kind: "ref", name: name as Ref, value: requireSha(value), why });
      continue;
    }
    const { trailers } = parseMessage(message);
    const branch = valueOf(trailers, KEY.branch) ?? "";
    // A pending response may be all that exists of a run.
    const request = valueOf(trailers, name.startsWith(UNSIGNED) ? KEY.answers : KEY.request);
    const isOpen = request !== undefined && heads.get(branch) === request;
    const why = !heads.has(branch) ? "its branch is gone" : "its request is answered, and it is old";
    if (!isOpen && Number(time) * 1000 < cutoff) {
      garbage.push({ kind: "ref", name: name as Ref, value: requireSha(value), why });
    }
  }
  for (const [key, { ref, value, lease }] of listing.leases) {
    const head = keys.get(key);
    if (!head) garbage.push({ kind: "ref", name: ref, value, why: "a lease on a branch that is gone" });
    else if (lease?.backoff && lease.request !== head.commit) {
      garbage.push({ kind: "ref", name: ref, value, why: "the back-off of an answered request" });
    }
  }
  for (const [key, { value, answers }] of listing.parkedResponses) {
    const ref = refsOf(key).parked;
    if (keys.get(key)?.commit !== answers) {
      garbage.push({ kind: "ref", name: ref, value, why: "a pending response whose branch has moved on" });
    }
  }
  return [
    ...garbage,
    ...filesBefore(cache.logs, cutoff, "an old log"),
    ...filesBefore(cache.configs, cutoff, "a cached workflow"),
    ...quarantinedBefore(cache.quarantine, cutoff),
    ...filesBefore(cache.states, cutoff, "an old copy of state scripts"),
  ];
}

/** Why a note on a side ref no longer affects any decision; undefined while it does. */
function noteReason(
  name: string,
  value: Sha,
  message: string,
  heads: ReadonlyMap<string, Head>,
  lanes: LaneWindows | undefined,
): string | undefined {
  const { laneUsage, closedUntil, checks } = readSideRefs([[name, value, message]]);
  const [laneRun] = laneUsage;
  if (laneRun && lanes) {
    const window = lanes.windows.get(laneRun.lane);
    if (window === undefined) return "a run in a lane without a quota";
    return laneRun.at + window < lanes.now ? "a run outside the window of its lane" : undefined;
  }
  for (const until of closedUntil.values())
    if (lanes && until < lanes.now) return "a lane that is open again";
  for (const [key, { commit }] of checks) {
    const head = heads.get(key);
    if (!head) return "checks of a branch that is gone";
    // Checks belong to the commit below the approvals.
    const { reading } = head;
    const approvedCommit =
      reading.kind === "none" && reading.reason === "approves" ? reading.detail : undefined;
    if (commit !== head.commit && commit !== approvedCommit) return "checks of an earlier head";
  }
  return undefined;
}

function filesBefore(folder: string, cutoff: number, why: string): Garbage[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? cutoff) < cutoff)
    .map((name) => ({ kind: "file", name, why }));
}

/** Work that was moved aside when it could not be saved, each with the reason of that time. */
function quarantinedBefore(folder: string, cutoff: number): Garbage[] {
  return filesBefore(folder, cutoff, "").map(({ name }) => {
    const reason = readReason(name);
    return { kind: "file", name, why: `work that was moved aside long ago: ${reason}` };
  });
}
