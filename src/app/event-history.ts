/** Finds what external events have asked for, also on branches that have landed. */
import type { Branch, Ref, Sha } from "../core/protocol/ids.ts";
import { parseMessage, valuesOf } from "../core/protocol/message.ts";
import { ARCHIVE } from "../core/protocol/refs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { DEPTH } from "../engine/timing.ts";
import type { RefListing } from "../engine/ports.ts";
import { readTrail } from "../git/local-repository.ts";
import { ownRange } from "./own-range.ts";
import type { Workspace } from "./workspace.ts";

/** At most this many requests of one person are counted. */
const COUNTED = 200;

/**
 * The commit of a branch, above the trusted branch, that carries an event; undefined: none. A webhook that
 * is delivered twice asks once: the second delivery finds the event here, or its swap finds a moved branch.
 */
export async function findEvent(
  { location }: Workspace,
  refs: Pick<RefListing, "target" | "heads">,
  head: Head,
  event: string,
): Promise<Sha | undefined> {
  const trail = await readTrail(location, ownRange(refs, head), DEPTH.event);
  return trail.find(({ message }) => valuesOf(parseMessage(message).trailers, KEY.event).includes(event))
    ?.commit;
}

/** The same, also in the archive and on the trusted branch. */
export async function findEventAnywhere(
  workspace: Workspace,
  branch: Branch,
  event: string,
): Promise<Sha | undefined> {
  const { location, repository } = workspace;
  const refs = await repository.listRefs();
  const head = refs.heads.find((candidate) => candidate.branch === branch);
  const commit = head && (await findEvent(workspace, refs, head, event));
  if (commit) return commit;
  // Work that has landed may have no branch any more.
  const archive = `${ARCHIVE}${branch}` as Ref;
  const archived = (await repository.read([archive])).get(archive);
  const trusted = refs.heads.find((candidate) => candidate.branch === refs.target)?.commit;
  for (const tip of [archived, trusted]) {
    if (!tip) continue;
    const carrier = (await readTrail(location, tip, DEPTH.landedEvent)).find(
      ({ message }) =>
        message.includes(event) && valuesOf(parseMessage(message).trailers, KEY.event).includes(event),
    );
    if (carrier) return carrier.commit;
  }
  return undefined;
}

/**
 * When requests of a person from GitHub were written, oldest first, in milliseconds since 1970. Trusts
 * committer dates, because this program commits what is asked for on GitHub.
 */
export async function acceptedTimes(
  { location }: Workspace,
  email: string,
  since: number,
): Promise<number[]> {
  const range = ["log", "--branches", `--max-age=${Math.floor(since / 1000)}`, "-n", String(COUNTED)];
  const search = ["--fixed-strings", "--all-match", `--grep=${KEY.event}: github:`, `--author=<${email}>`];
  const format = `--format=%ct %(trailers:key=${KEY.event},valueonly,separator=%x20)`;
  const lines = (await location.git.text([...range, ...search, format, "--"])).split("\n").filter(Boolean);
  // One command may begin several branches.
  const events = new Map(lines.map((line) => [line.slice(line.indexOf(" ")), Number.parseInt(line, 10)]));
  return [...events.values()].map((seconds) => seconds * 1000).toSorted((a, b) => a - b);
}
