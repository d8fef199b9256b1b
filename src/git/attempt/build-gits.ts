/** Builds the gits that work on an attempt, from the settings as they are now. */
import { parseSha, type RunId } from "../../core/protocol/ids.ts";
import type { AttemptNeeds } from "../../engine/attempt-trees.ts";
import type { Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import type { AttemptGits } from "./attempt.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { lfsDrivers, lfsStore } from "./lfs-objects.ts";
import type { LfsTransfer } from "./lfs-transfer.ts";
import { readerOf, trustedSubmodules } from "./fill-submodules.ts";
import { sessionsOf } from "../sessions.ts";
import { ownGit } from "./own-git.ts";
import { resolveAddress } from "./submodule-remotes.ts";
import type { SubmoduleStore } from "./submodule-store.ts";
import { driversOf, filtersOff, treeGit } from "./tree-git.ts";

/** Content that is not in the repository. */
export interface OutsideContent {
  readonly lfs: LfsTransfer;
  readonly submodules: SubmoduleStore;
}

interface GitsOptions {
  readonly location: Pick<GitLocation, "commonDir" | "git">;
  /** The settings of the remote that the runner works at; undefined: the repository itself. */
  readonly remote: readonly Setting[] | undefined;
}

/** `needs` is undefined for an attempt of a dead runner, for which no driver runs. */
export function buildGits(
  { location, remote }: GitsOptions,
  { lfs, submodules }: OutsideContent,
  folder: AttemptFolder,
  run: RunId,
  settings: readonly Setting[],
  needs: AttemptNeeds | undefined,
): AttemptGits {
  const filters = needs?.filters ?? [];
  const origin = originOf(remote ?? settings, location.commonDir);
  const trusted = treeGit(location, folder, run, filtersOff(settings, filters));
  const drivers = driversOf(settings);
  const send = remote && needs && ((oids: readonly string[]) => lfs.send(folder.folder, needs.trusted, oids));
  return {
    own: ownGit(location.git.target.env["PATH"] ?? "", folder, run),
    trusted,
    objects: trusted.with({ dir: folder.folder, env: { GIT_WORK_TREE: folder.folder } }),
    reader: sessionsOf(location.git).objects,
    hasFileModes: settings.findLast(([key]) => key === "core.filemode")?.[1] !== "false",
    commonDir: location.commonDir,
    origin,
    drivers,
    offDrivers: drivers.filter((name) => !filters.includes(name)),
    lfs: {
      drivers: lfsDrivers(settings).filter((name) => filters.includes(name)),
      store: lfsStore(settings, location.commonDir),
      send,
    },
    async askSubmodule({ path, id }, address) {
      const commit = parseSha(id);
      if (!needs?.submodules || commit === undefined) return undefined;
      const declared = await trustedSubmodules(readerOf(location.git, location.commonDir), needs.trusted);
      const { url } = declared.get(path) ?? {};
      const isTrusted = url !== undefined && resolveAddress(url, origin) === address;
      return isTrusted ? (await submodules.fetch(address, commit)) === undefined : undefined;
    },
  };
}

/** The address of the trusted repository, to which those of submodules are relative. */
export const originOf = (settings: readonly Setting[], commonDir: string): string =>
  settings.find(([key]) => key === "remote.origin.url")?.[1] ?? commonDir.replace(/\/\.git$/, "");
