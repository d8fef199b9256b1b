/** Who holds everything, since when and why. */
import type { Sha } from "../../core/text/ids.ts";
import { HOLD } from "../../core/decide/lease.ts";
import { parseMessage } from "../../core/text/message.ts";
import { readTrail } from "../../git/repository.ts";
import type { Site } from "../../site.ts";

export interface Held {
  readonly commit: Sha;
  readonly by: string;
  readonly since: string;
  readonly reason: string;
}

/** Undefined when nothing is held. */
export async function findHold({ repository, place }: Site): Promise<Held | undefined> {
  const value = (await repository.read([HOLD])).get(HOLD);
  const [note] = value ? await readTrail(place, value, 1) : [];
  if (!note) return undefined;
  return {
    commit: note.commit,
    by: note.author ?? "",
    since: new Date(note.committed * 1000).toISOString(),
    reason: parseMessage(note.message).header.replace(/^hold: /, ""),
  };
}
