/** Fills the tree of an attempt with the files of a commit, and what they stand for. */
import type { RunId, Sha } from "../../core/protocol/ids.ts";
import type { AttemptNeeds } from "../../engine/attempt-trees.ts";
import { isGitProblem } from "../bounded-git.ts";
import type { Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { originOf, type OutsideContent } from "./build-gits.ts";
import { fillSubmodules } from "./fill-submodules.ts";
import { lfsDrivers } from "./lfs-objects.ts";
import type { TreeFiles } from "./tree-files.ts";
import { driverSettings } from "./tree-git.ts";

export interface FillSource extends Pick<GitLocation, "commonDir" | "git"> {
  /** The settings of the remote that the runner works at; undefined: the repository itself. */
  readonly remote: readonly Setting[] | undefined;
  readonly files: TreeFiles;
}

/**
 * The settings that the repository of the attempt gets for drivers and filled submodules. Or what is wrong with the files of a commit: names that the disk
 * does not take, or objects that are gone.
 */
export async function fillTree(
  { git, commonDir, remote, files }: FillSource,
  { lfs, submodules: store }: OutsideContent,
  folder: AttemptFolder,
  what: { readonly run: RunId; readonly commit: Sha },
  settings: readonly Setting[],
  { filters, submodules, trusted, checkout }: AttemptNeeds,
): Promise<readonly Setting[] | string> {
  if (lfsDrivers(settings).some((name) => filters.includes(name))) {
    const problem = await lfs.fetch(folder.folder, what.commit, trusted, settings);
    if (problem !== undefined) return problem;
  }
  const problem = await files.fill(folder, what, { settings, filters, checkout });
  if (problem !== undefined) return problem;
  try {
    const drivers = driverSettings(settings, filters);
    if (!submodules) return drivers;
    const { tree, gitDir } = folder;
    const { run, commit } = what;
    const origin = originOf(remote ?? settings, commonDir);
    const project = { commonDir, trusted, commit, origin, tree, gitDir };
    const filled = await fillSubmodules({ git, store, run, settings }, project);
    return typeof filled === "string" ? filled : [...drivers, ...filled];
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    return `its files could not be checked out: ${error.message}`;
  }
}
