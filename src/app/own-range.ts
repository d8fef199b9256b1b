/** Names the commits of a branch that the trusted branch does not have, as git takes a range. */
import type { Head } from "../core/scheduling/snapshot.ts";
import type { RefListing } from "../engine/ports.ts";

export function ownRange(
  { target, heads }: Pick<RefListing, "target" | "heads">,
  { branch, commit }: Pick<Head, "branch" | "commit">,
): string {
  const trusted = heads.find((candidate) => candidate.branch === target)?.commit;
  return trusted === undefined || branch === target ? commit : `${trusted}..${commit}`;
}
