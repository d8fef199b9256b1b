/** Sets, reads and releases the hold that stops all runners. */
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Sha } from "../core/protocol/ids.ts";
import { HOLD } from "../core/protocol/refs.ts";
import { parseMessage } from "../core/protocol/message.ts";
import { formatHold } from "../core/scheduling/side-refs.ts";
import { readTrail } from "../git/local-repository.ts";
import type { Workspace } from "./workspace.ts";

export interface HoldInfo {
  readonly commit: Sha;
  /** The address of the person who set the hold. */
  readonly by: string;
  /** As ISO 8601. */
  readonly since: string;
  readonly reason: string;
}

/** Reads the hold, once the refs have been listed. Undefined when nothing is held. */
export async function readKnownHold({ repository, location }: Workspace): Promise<HoldInfo | undefined> {
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

/** Lists the refs, then reads the hold. Undefined when nothing is held. */
export async function readHold(workspace: Workspace): Promise<HoldInfo | undefined> {
  // On a remote, the listing reads the prefix of our refs from the workflow.
  await workspace.repository.listRefs();
  return readKnownHold(workspace);
}

/** Throws a UserError when a hold exists, or was set at the same time. */
export async function setHold(workspace: Workspace, reason: string): Promise<HoldInfo | undefined> {
  const hold = await readHold(workspace);
  if (hold) throw new UserError(MESSAGES.alreadyHeld(hold.reason, hold.by));
  await changeHold(workspace, undefined, formatHold(reason));
  return readKnownHold(workspace);
}

/** Throws a UserError when nothing is held, or the hold changed at the same time. */
export async function releaseHold(workspace: Workspace): Promise<void> {
  const hold = await readHold(workspace);
  if (!hold) throw new UserError(MESSAGES.notHeld());
  await changeHold(workspace, hold, null);
}

async function changeHold(
  { repository, location }: Workspace,
  hold: HoldInfo | undefined,
  message: string | null,
): Promise<void> {
  if (!location.person) throw new UserError(MESSAGES.noIdentity());
  const next = message === null ? null : await repository.personNote(message, location.person);
  const swap = await repository.swap([{ ref: HOLD, expected: hold?.commit ?? null, next }], "hold");
  if (swap.kind !== "landed") throw new UserError(MESSAGES.holdMoved());
}
