/**
 * Side refs, logs and copies that nobody needs any more.
 *
 * What must hold: nothing is removed here; each finding has its reason; what a request that is
 * still open may need is never found; the ages that commits claim decide only how long noise is
 * kept, never what runs.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Ref, Sha } from "../core/ids.ts";
import { JOURNAL, SALVAGE } from "../core/lease.ts";
import { parseMessage, valueOf } from "../core/message.ts";
import type { Look } from "../runner/ports.ts";
import type { Place } from "./open.ts";
import { parseRecords, requireSha } from "./parse.ts";

export type Garbage =
  | { readonly kind: "ref"; readonly name: Ref; readonly value: Sha; readonly why: string }
  | { readonly kind: "file"; readonly name: string; readonly why: string };

export interface CachePlaces {
  readonly states: string;
  readonly contracts: string;
  readonly logs: string;
}

/** Everything that could be removed. `before` is in milliseconds since 1970. */
export async function findGarbage(
  place: Place,
  look: Look,
  cache: CachePlaces,
  before: number,
): Promise<Garbage[]> {
  const heads = new Map(look.heads.map((head) => [head.branch as string, head.commit as string]));
  const keys = new Map(look.heads.map((head) => [head.key, head]));
  const format = "--format=%(refname)%00%(objectname)%00%(committerdate:unix)%00%(contents)%00";
  const output = await place.git.text(["for-each-ref", format, SALVAGE, JOURNAL]);
  const found: Garbage[] = [];
  for (const [name = "", value = "", time = "", message = ""] of parseRecords(output, 4)) {
    const { trailers } = parseMessage(message);
    const branch = valueOf(trailers, "Branch") ?? "";
    const open = heads.get(branch) === valueOf(trailers, "Request");
    const why = !heads.has(branch) ? "its branch is gone" : "its request is answered, and it is old";
    if (!open && Number(time) * 1000 < before) {
      found.push({ kind: "ref", name: name as Ref, value: requireSha(value), why });
    }
  }
  for (const [key, { ref, value, lease }] of look.leases) {
    const head = keys.get(key);
    if (!head) found.push({ kind: "ref", name: ref, value, why: "a lease on a branch that is gone" });
    else if (lease?.rest && lease.request !== head.commit) {
      found.push({ kind: "ref", name: ref, value, why: "a rest of a request that is answered" });
    }
  }
  for (const [key, { value, answers }] of look.parked) {
    const ref = `refs/trailhand/parked/${key}` as Ref;
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

function oldFiles(folder: string, before: number, why: string): Garbage[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).mtimeMs < before)
    .map((name) => ({ kind: "file", name, why }));
}
