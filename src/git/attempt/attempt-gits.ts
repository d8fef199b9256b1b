/** The gits that work on an attempt, with settings as they are now. */
import type { RunId } from "../../core/protocol/ids.ts";
import type { Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import type { AttemptGits } from "./attempt.ts";
import { ownGit } from "./own-git.ts";
import { driversOf, filtersOff, treeGit } from "./tree-git.ts";

export interface GitsOptions {
  readonly location: Pick<GitLocation, "commonDir" | "git">;
  /** The settings of the remote that the runner works at; undefined: the repository itself. */
  readonly remote: readonly Setting[] | undefined;
  readonly settings: readonly Setting[];
  /** The filter drivers that may run. */
  readonly filters: readonly string[];
}

export function attemptGits(
  { location, remote, settings, filters }: GitsOptions,
  folder: AttemptFolder,
  run: RunId,
): AttemptGits {
  const trusted = treeGit(location, folder, run, filtersOff(settings, filters));
  return {
    own: ownGit(location.git.target.env["PATH"] ?? "", folder, run),
    trusted,
    objects: trusted.with({ dir: folder.folder, env: { GIT_WORK_TREE: folder.folder } }),
    hasFileModes: settings.findLast(([key]) => key === "core.filemode")?.[1] !== "false",
    commonDir: location.commonDir,
    origin: originOf(remote ?? settings) ?? location.commonDir.replace(/\/\.git$/, ""),
    offDrivers: driversOf(settings).filter((name) => !filters.includes(name)),
  };
}

const originOf = (settings: readonly Setting[]): string | undefined =>
  settings.find(([key]) => key === "remote.origin.url")?.[1];
