/**
 * Whether an event from outside has asked for something before.
 *
 * What must hold: a webhook that is delivered twice asks once. Who comes second either finds the
 * event here, or its swap finds that the branch has moved.
 */
import type { Branch, Sha } from "../core/protocol/ids.ts";
import { parseMessage, valuesOf } from "../core/protocol/message.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { readTrail } from "../git/local-repository.ts";
import type { RefListing } from "../engine/ports.ts";
import type { Workspace } from "./workspace.ts";
import { ARCHIVE, HOLD } from "../core/protocol/refs.ts";
import { type Commit, parseRequest, type Request } from "../core/protocol/request.ts";
import { isReservedState } from "../core/workflow/workflow.ts";
import { LOG_FORMAT, parseLog } from "../git/parse-output.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { DEPTH } from "../engine/timing.ts";

/** The commit of the branch above the trusted branch that carries the event; undefined: there is none. */
export async function findEvent(
  { location }: Workspace,
  { target, heads }: Pick<RefListing, "target" | "heads">,
  { branch, commit }: Head,
  event: string,
): Promise<Sha | undefined> {
  const trusted = heads.find((one) => one.branch === target)?.commit;
  const range = trusted === undefined || branch === target ? commit : `${trusted}..${commit}`;
  const trail = await readTrail(location, range, DEPTH.event);
  return trail.find(({ message }) => valuesOf(parseMessage(message).trailers, KEY.event).includes(event))
    ?.commit;
}

export interface HoldInfo {
  readonly commit: Sha;
  readonly by: string;
  readonly since: string;
  readonly reason: string;
}

/** Undefined when nothing is held. */
export async function findHold({ repository, location }: Workspace): Promise<HoldInfo | undefined> {
  const value = (await repository.read([HOLD])).get(HOLD);
  const [note] = value ? await readTrail(location, value, 1) : [];
  if (!note) return undefined;
  return {
    commit: note.commit,
    by: note.author ?? "",
    since: new Date(note.committed * 1000).toISOString(),
    reason: parseMessage(note.message).header.replace(/^hold: /, ""),
  };
}

/** Undefined when there is none. `trail` is newest first. */
export function lastRequest(branch: Branch, trail: readonly Commit[]): Request | undefined {
  for (const commit of trail) {
    const asked = parseRequest(branch, commit);
    if (asked.kind === "request" && !isReservedState(asked.state)) return asked;
  }
  return undefined;
}

export interface CommitPile {
  readonly commits: readonly Commit[];
  /** True when there are older commits that were not read. */
  readonly cut: boolean;
}

/** Newest first. `options` go to `git log`, such as `--first-parent`. */
export async function readAllCommits(
  { location }: Workspace,
  options: readonly string[],
): Promise<CommitPile> {
  const refs = ["--branches", `--glob=${ARCHIVE}*`];
  const args = ["log", "-n", String(DEPTH.all + 1), LOG_FORMAT, ...refs, ...options, "--"];
  const commits = parseLog(await location.git.text(args));
  return { commits: commits.slice(0, DEPTH.all), cut: commits.length > DEPTH.all };
}
