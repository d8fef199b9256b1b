/**
 * Side refs, logs and copies that nobody needs any more.
 *
 * What must hold: nothing is removed here; each finding has its reason; what a request that is
 * still open may need is never found; the ages that commits claim decide only how long noise is
 * kept, never what runs. What landed is archived for ever.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Ref, Sha } from "../core/protocol/ids.ts";
import { COLLECTED_REFS, NOTE_REFS, refsOf, UNSIGNED } from "../core/protocol/refs.ts";
import { parseMessage, valueOf } from "../core/protocol/message.ts";
import { readSideRefs } from "../core/scheduling/side-refs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import type { RefListing } from "../engine/ports.ts";
import type { GitLocation } from "./open-repository.ts";
import { parseRecords, requireSha } from "./parse-output.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";

export type Garbage =
  | { readonly kind: "ref"; readonly name: Ref; readonly value: Sha; readonly why: string }
  | { readonly kind: "file"; readonly name: string; readonly why: string };

export interface CacheFolders {
  readonly states: string;
  readonly contracts: string;
  readonly logs: string;
}

/** What the workflow says of lanes; undefined where it cannot be used. */
export interface LaneWindows {
  readonly now: number;
  /** The windows of the lanes that count their runs. */
  readonly windows: ReadonlyMap<string, number>;
}

/** Everything that could be removed. `before` is in milliseconds since 1970. */
export async function findGarbage(
  place: GitLocation,
  look: RefListing,
  cache: CacheFolders,
  before: number,
  lanes: LaneWindows | undefined,
): Promise<Garbage[]> {
  const heads = new Map(look.heads.map((head) => [head.branch as string, head.commit as string]));
  const keys = new Map(look.heads.map((head) => [head.key, head]));
  const format = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents)%00";
  const output = await place.git.text(["for-each-ref", format, ...COLLECTED_REFS]);
  const found: Garbage[] = [];
  for (const [name = "", value = "", time = "", message = ""] of parseRecords(output, 4)) {
    if (NOTE_REFS.some((prefix) => name.startsWith(prefix))) {
      const why = whyNote(name, requireSha(value), message, keys, lanes);
      if (why !== undefined) found.push({ kind: "ref", name: name as Ref, value: requireSha(value), why });
      continue;
    }
    const { trailers } = parseMessage(message);
    const branch = valueOf(trailers, KEY.branch) ?? "";
    // A finished answer that nobody put in its place may be all that is left of a run.
    const request = valueOf(trailers, name.startsWith(UNSIGNED) ? KEY.answers : KEY.request);
    const open = request !== undefined && heads.get(branch) === request;
    const why = !heads.has(branch) ? "its branch is gone" : "its request is answered, and it is old";
    if (!open && Number(time) * 1000 < before) {
      found.push({ kind: "ref", name: name as Ref, value: requireSha(value), why });
    }
  }
  for (const [key, { ref, value, lease }] of look.leases) {
    const head = keys.get(key);
    if (!head) found.push({ kind: "ref", name: ref, value, why: "a lease on a branch that is gone" });
    else if (lease?.backoff && lease.request !== head.commit) {
      found.push({ kind: "ref", name: ref, value, why: "a rest of a request that is answered" });
    }
  }
  for (const [key, { value, answers }] of look.parkedResponses) {
    const ref = refsOf(key).parked;
    if (keys.get(key)?.commit !== answers) {
      found.push({ kind: "ref", name: ref, value, why: "an answer whose branch has moved on" });
    }
  }
  return [
    ...found,
    ...oldFiles(cache.logs, before, "an old log"),
    ...oldFiles(cache.contracts, before, "a workflow that was read"),
    ...oldFiles(cache.states, before, "an old copy of states"),
  ];
}

/** Why a note on a side ref bears on no decision any more. */
function whyNote(
  name: string,
  value: Sha,
  message: string,
  heads: ReadonlyMap<string, Head>,
  lanes: LaneWindows | undefined,
): string | undefined {
  const { laneUsage: used, closedUntil: closed, checks } = readSideRefs([[name, value, message]]);
  const [mark] = used;
  if (mark && lanes) {
    const window = lanes.windows.get(mark.lane);
    if (window === undefined) return "a run in a lane that counts none";
    return mark.at + window < lanes.now ? "a run that its lane no longer counts" : undefined;
  }
  for (const until of closed.values()) if (lanes && until < lanes.now) return "a lane that is open again";
  for (const [key, { commit }] of checks) {
    const head = heads.get(key);
    if (!head) return "checks of a branch that is gone";
    // What approvals stand on is checked, not the approvals.
    const { reading } = head;
    const approved = reading.kind === "none" && reading.reason === "approves" ? reading.detail : undefined;
    if (commit !== head.commit && commit !== approved) return "checks of a commit that is no longer the head";
  }
  return undefined;
}

function oldFiles(folder: string, before: number, why: string): Garbage[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).mtimeMs < before)
    .map((name) => ({ kind: "file", name, why }));
}
