/** Reads the contents of many blobs with one git process. */
import type { Sha } from "../core/protocol/ids.ts";
import type { Git } from "./git.ts";

const NEWLINE = 0x0a;

/** The bytes of each blob, in the order asked for. Throws when one of them is not there. */
export async function readBlobs(git: Git, blobs: readonly Sha[]): Promise<Buffer[]> {
  if (blobs.length === 0) return [];
  const output = await git.bytes(["cat-file", "--batch"], { stdin: `${blobs.join("\n")}\n` });
  let at = 0;
  return blobs.map((blob) => {
    const end = output.indexOf(NEWLINE, at);
    const header = output.toString("latin1", at, end);
    const [, size] = /^[0-9a-f]+ blob ([0-9]+)$/.exec(header) ?? [];
    if (size === undefined) throw new Error(`git cat-file --batch says "${header}" of the blob ${blob}`);
    const begin = end + 1;
    // A newline ends the contents of each blob.
    at = begin + Number(size) + 1;
    return output.subarray(begin, at - 1);
  });
}
