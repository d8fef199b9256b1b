/**
 * Saves and removes the attempts of runners that died.
 *
 * Invariants:
 * - Nothing is removed before what it holds is on a ref.
 * - A folder that cannot be saved is moved aside with its reason. It holds up no other work.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import type { Ref, RunId, Sha } from "../../core/protocol/ids.ts";
import type { GitLocation } from "../open-repository.ts";
import type { ObjectHold } from "../object-hold.ts";
import { moveAside } from "../quarantine.ts";
import {
  attemptFolder,
  isFolder,
  readRecord,
  runOf,
  type AttemptFolder,
  type RunRecord,
} from "./attempt-folder.ts";
import type { Attempt } from "./attempt.ts";
import { readOldWorktrees, removeRecords, takeOldRunners } from "./old-worktrees.ts";
import type { Remover } from "./remover.ts";
import { ADOPTED, realPath, type RunnerFolders } from "./runner-folders.ts";
import { saveAttempt, saveOnTop, type SavedAttempt } from "./save-attempt.ts";

export interface SweeperOptions {
  readonly location: Pick<GitLocation, "commonDir">;
  /** Where runners of older versions kept their worktrees. */
  readonly oldRoot: string;
  /** Where folders are moved that must not be removed. */
  readonly quarantine: string;
  /** Ends every process that a dead run left; the folder holds what it recorded. */
  readonly endProcesses: (folder: string, run: RunId | undefined) => Promise<void>;
  /** True when the run's answer is on its branch, or parked beside it: then its work is there. */
  readonly isAnswered: (record: RunRecord) => Promise<boolean>;
  /** Puts a saved commit on its ref, if that does not exist yet. */
  readonly keep: (record: RunRecord, value: Sha) => Promise<Ref>;
  readonly salvageMessage: (record: RunRecord) => string;
  readonly isGone: (owner: unknown) => boolean;
  readonly objectHold: Pick<ObjectHold, "release">;
}

/** How the name of a runner's folder begins. A run's name is an id. */
export const RUNNER = "runner-";

/** Where runners of older versions moved what they removed. */
const OLD_TRASH = "trash";

const UNREADABLE = "its record run.json cannot be read";

export class AttemptSweeper {
  readonly #options: SweeperOptions;
  readonly #oldRoot: string;
  readonly #remover: Remover;
  readonly #gitsFor: (folder: AttemptFolder, run: RunId) => Promise<Attempt["gits"]>;

  constructor(
    options: SweeperOptions,
    remover: Remover,
    gitsFor: (folder: AttemptFolder, run: RunId) => Promise<Attempt["gits"]>,
  ) {
    this.#options = options;
    // git records real paths, and old worktrees are found by them.
    this.#oldRoot = realPath(options.oldRoot);
    this.#remover = remover;
    this.#gitsFor = gitsFor;
  }

  async sweep(folders: RunnerFolders): Promise<void> {
    await folders.cleanUp((folder) => this.#sweepRunner(folder));
    if (!existsSync(this.#oldRoot)) return;
    folders.register();
    for (const name of takeOldRunners(this.#oldRoot, folders.own, this.#options.isGone))
      await this.#sweepOldRunner(join(folders.own, name));
  }

  /** A runner that died: end its processes, save its attempts, then remove them. */
  async #sweepRunner(folder: string): Promise<void> {
    for (const name of isFolder(folder) ? readdirSync(folder) : []) {
      if (name.endsWith(".json") || name === OLD_TRASH) continue;
      if (name.startsWith(ADOPTED)) await this.#sweepRunner(join(folder, name));
      else if (name.startsWith(RUNNER)) await this.#sweepOldRunner(join(folder, name));
      else await this.#sweepAttempt(join(folder, name));
    }
    this.#remover.remove(folder);
  }

  async #sweepAttempt(path: string): Promise<void> {
    const { endProcesses, quarantine } = this.#options;
    const folder = attemptFolder(path);
    const record = readRecord(folder);
    // A replay removes its record.
    const run = record?.run ?? runOf(path);
    await endProcesses(path, run);
    if (run !== undefined) await this.#options.objectHold.release(run);
    // Without its refs, the runner died before the tree was complete, so no script saw it.
    if (!existsSync(folder.refs) || !existsSync(folder.record)) return;
    if (!record) return moveAside(path, quarantine, UNREADABLE);
    const gits = await this.#gitsFor(folder, record.run);
    await this.#saveDead({ folder, gits, record, firstIndex: undefined }, saveAttempt);
  }

  /** Worktrees of a runner of an older version. */
  async #sweepOldRunner(runner: string): Promise<void> {
    const { endProcesses, location, quarantine } = this.#options;
    for (const { folder, record, head } of readOldWorktrees(runner, this.#oldRoot, location.commonDir)) {
      await endProcesses(folder.folder, record?.run);
      if (!record) {
        moveAside(folder.folder, quarantine, UNREADABLE);
        continue;
      }
      const gits = await this.#gitsFor(folder, record.run);
      await this.#saveDead({ folder, gits, record, firstIndex: undefined }, (attempt, message) =>
        saveOnTop(attempt, head ?? record.request, [], message),
      );
    }
    removeRecords(location.commonDir, this.#oldRoot, runner);
    this.#remover.remove(runner);
  }

  async #saveDead(
    attempt: Attempt,
    save: (attempt: Attempt, message: string) => Promise<SavedAttempt>,
  ): Promise<void> {
    const { isAnswered, keep, salvageMessage, quarantine } = this.#options;
    const { folder, record } = attempt;
    try {
      if (await isAnswered(record)) return;
      const { commit, kept } = await save(attempt, salvageMessage(record));
      if (commit) await keep(record, commit);
      if (kept.length > 0) moveAside(folder.folder, quarantine, notCommitted(kept));
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      moveAside(folder.folder, quarantine, error instanceof Error ? error.message : String(error));
    }
  }
}

/** True if a runner's folder holds what another runner left, and could not be saved yet. */
export const holdsUnsaved = (own: string): boolean =>
  existsSync(own) &&
  readdirSync(own).some((name) => [ADOPTED, RUNNER].some((start) => name.startsWith(start)));

/** A remote that cannot be reached, or a full disk: the next sweep may succeed. */
const isOfTheMachine = (error: unknown): boolean =>
  error instanceof RemoteUnreachable ||
  ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE"].includes((error as NodeJS.ErrnoException).code ?? "");

export const notCommitted = (paths: readonly string[]): string =>
  `these files could not be committed: ${paths.join(", ")}`;
