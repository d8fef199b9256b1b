/** Reads the contents of many blobs. */
import type { Sha } from "../core/protocol/ids.ts";
import type { Git } from "./git.ts";
import { sessionsOf } from "./sessions.ts";

/** The bytes of each blob, in the order asked for. Throws when one of them is not there. */
export async function readBlobs(git: Git, blobs: readonly Sha[]): Promise<Buffer[]> {
  const objects = await sessionsOf(git).objects.session.contents(blobs);
  return objects.map((object, at) => {
    if (object?.type === "blob") return object.bytes;
    throw new Error(`the blob ${blobs[at]} is ${object ? `a ${object.type}` : "missing"}`);
  });
}
