/** Fills the tree of an attempt with the files of a commit, and what they stand for. */
import type { RunId, Sha } from "../../core/protocol/ids.ts";
import type { AttemptNeeds } from "../../engine/attempt-trees.ts";
import { isGitProblem } from "../bounded-git.ts";
import type { Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { lfsDrivers } from "./lfs-objects.ts";
import type { LfsTransfer } from "./lfs-transfer.ts";
import { checkOut } from "./tree-git.ts";

/** What is wrong with the files of a commit: names that the disk does not take, or objects that are gone. */
export async function fillTree(
  location: Pick<GitLocation, "commonDir" | "git">,
  lfs: LfsTransfer,
  folder: AttemptFolder,
  what: { readonly run: RunId; readonly commit: Sha },
  settings: readonly Setting[],
  { filters, trusted }: AttemptNeeds,
): Promise<string | undefined> {
  if (lfsDrivers(settings).some((name) => filters.includes(name))) {
    const problem = await lfs.fetch(folder.folder, what.commit, trusted, settings);
    if (problem !== undefined) return problem;
  }
  try {
    await checkOut(location, folder, what, settings, filters);
    return undefined;
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    return `its files could not be checked out: ${error.message}`;
  }
}
