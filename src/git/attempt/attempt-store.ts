/**
 * The attempts of one runner, each in a repository of its own.
 *
 * Invariants:
 * - The path of an attempt is new for each run. Nothing of it is removed before what it holds is on a ref.
 * - A folder of a dead runner that cannot be saved is moved aside with its reason. It holds up no other work.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { RemoteUnreachable } from "../../core/messages/messages.ts";
import { type Ref, type RunId, type Sha } from "../../core/protocol/ids.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { AttemptNeeds, AttemptTree, AttemptTrees, CollectedTree } from "../../engine/attempt-trees.ts";
import { GitLimit, isGitProblem } from "../bounded-git.ts";
import {
  attemptFolder,
  readRecord,
  type AttemptFolder,
  type RunRecord,
  writeRecord,
} from "./attempt-folder.ts";
import { buildGits, type OutsideContent } from "./build-gits.ts";
import { bringFiles } from "./bring-files.ts";
import { indexSignature, type Attempt } from "./attempt.ts";
import { collectAttempt } from "./collect-attempt.ts";
import { fillTree } from "./fill-tree.ts";
import { BarredCommit, importCommits } from "./import-commits.ts";
import { LfsTransfer, type LfsTransferOptions } from "./lfs-transfer.ts";
import { readOldWorktrees, removeRecords, takeOldRunners } from "./old-worktrees.ts";
import { SettingsReader } from "./read-settings.ts";
import { RefCopy } from "./ref-copy.ts";
import { Remover, type RemoverOptions } from "./remover.ts";
import { realPath, RunnerFolders, type RunnerFoldersOptions } from "./runner-folders.ts";
import { saveAttempt, saveOnTop, type SavedAttempt } from "./save-attempt.ts";
import { sparseSettings, writeSparseInside } from "./sparse-checkout.ts";
import { SubmoduleStore, type SubmoduleStoreOptions } from "./submodule-store.ts";
import { TreeFiles, type TreeFilesOptions } from "./tree-files.ts";
import { TemplateReader, type TemplateOptions } from "./template-reader.ts";
import { writeRepository } from "./write-repository.ts";
import type { Setting } from "../git.ts";

export interface StoreOptions
  extends
    RunnerFoldersOptions,
    TemplateOptions,
    RemoverOptions,
    TreeFilesOptions,
    SubmoduleStoreOptions,
    Omit<LfsTransferOptions, "location"> {
  /** Differs after each listing of the refs. */
  readonly pollCount: () => number;
  /** Where brought files come from; undefined: there is no such folder. */
  readonly bringFrom: string | undefined;
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
}

interface OpenAttempt {
  readonly attempt: Attempt;
  readonly needs: AttemptNeeds;
  /** The settings with which its files were written. */
  readonly settings: readonly Setting[];
}

/** How the name of a runner's folder begins. A run's name is an id. */
export const RUNNER = "runner-";

/** Where runners of older versions moved what they removed. */
const OLD_TRASH = "trash";

/** Why a folder was moved aside, for `trailhand doctor`. */
export const REASON = "reason.txt";

export class AttemptStore implements AttemptTrees {
  readonly #options: StoreOptions;
  readonly #folders: RunnerFolders;
  readonly #oldRoot: string;
  readonly #remover: Remover;
  readonly #settings: SettingsReader;
  readonly #refs: RefCopy;
  readonly #templates: TemplateReader;
  readonly #files: TreeFiles;
  readonly #open = new Map<string, OpenAttempt>();
  readonly #outside: OutsideContent;
  /** Attempts on whose files git reached a limit. */
  readonly #stuck = new Set<string>();
  /** Attempts all of whose programs were isolated (true), or one of which was not. */
  readonly #isolated = new Map<string, boolean>();
  /** What could not be committed, for the reason of the folder that stays. */
  readonly #kept = new Map<string, readonly string[]>();

  constructor(options: StoreOptions) {
    const { git, commonDir } = options.location;
    this.#options = options;
    this.#folders = new RunnerFolders(options);
    // git records real paths, and old worktrees are found by them.
    this.#oldRoot = realPath(options.oldRoot);
    this.#remover = new Remover(options, this.#folders.own);
    this.#files = new TreeFiles(options, this.#remover);
    this.#settings = new SettingsReader(git, commonDir);
    this.#templates = new TemplateReader(options, this.#settings);
    this.#outside = { lfs: new LfsTransfer(options), submodules: new SubmoduleStore(options) };
    this.#refs = new RefCopy(git, options.remote !== undefined, options.pollCount);
  }

  async open(run: RunId, request: Request, needs: AttemptNeeds): Promise<AttemptTree> {
    const { location, bringFrom } = this.#options;
    this.#folders.register();
    const folder = attemptFolder(join(this.#folders.own, run));
    const { branch, commit, state } = request;
    mkdirSync(folder.folder, { recursive: true, mode: 0o700 });
    const record: RunRecord = { run, branch, request: commit, state };
    writeRecord(folder, record);
    const [settings, refs, originHead, template] = await Promise.all([
      this.#settings.read(),
      this.#refs.textFor(branch),
      this.#refs.originHead(),
      this.#templates.read(),
    ]);
    const stores = needs.submodules ? [this.#options.submodules] : [];
    const tree = {
      path: folder.tree,
      runDir: folder.folder,
      sideDir: folder.side,
      base: commit,
      objectStores: [...template.objectStores, ...stores],
    };
    const source = { ...location, remote: this.#options.remote, files: this.#files };
    const filled = await fillTree(source, this.#outside, folder, { run, commit }, settings, {
      ...needs,
    });
    if (typeof filled === "string") return { ...tree, problem: filled };
    const own = { ...template, settings: [...template.settings, ...filled, ...sparseSettings(folder)] };
    writeRepository(folder, own, { run, branch, commit, refs, originHead });
    writeSparseInside(folder);
    const idLength = location.emptyTree.length;
    const brought = bringFrom === undefined ? [] : bringFiles(needs.bring, bringFrom, folder, idLength);
    if (brought.length > 0) writeRecord(folder, { ...record, brought });
    const gits = await this.#gitsFor(folder, run, needs);
    const attempt = { folder, gits, record: { ...record, brought }, firstIndex: indexSignature(folder) };
    this.#open.set(folder.folder, { attempt, needs, settings });
    return tree;
  }

  async collect(tree: AttemptTree): Promise<CollectedTree | string> {
    const attempt = await this.#current(tree);
    if (!attempt) return "its worktree is not open any more";
    try {
      return await collectAttempt(attempt);
    } catch (error) {
      if (error instanceof GitLimit) this.#stuck.add(tree.runDir);
      if (isGitProblem(error)) return `its files could not be read (${error.message})`;
      throw error;
    }
  }

  async take(tree: AttemptTree, commit: Sha): Promise<void> {
    const attempt = await this.#current(tree);
    if (!attempt) return;
    try {
      await importCommits(attempt, [commit], attempt.record.request);
    } catch (error) {
      if (error instanceof BarredCommit) return;
      if (!isGitProblem(error)) throw error;
    }
  }

  async save(tree: AttemptTree, message: string): Promise<Sha | undefined> {
    const attempt = await this.#current(tree);
    if (!attempt) return undefined;
    const { commit, kept } = await saveAttempt(attempt, message);
    if (kept.length > 0) this.#kept.set(tree.runDir, kept);
    return commit;
  }

  /** Called after each program of an attempt. `isIsolated`: it wrote only where it may, and has ended for good. */
  noteEnd(runDir: string, isIsolated: boolean): void {
    this.#isolated.set(runDir, isIsolated && this.#isolated.get(runDir) !== false);
  }

  async release({ runDir }: AttemptTree): Promise<void> {
    const kept = this.#kept.get(runDir);
    const open = this.#open.get(runDir);
    const mayReuse = this.#isolated.get(runDir) === true && !this.#stuck.has(runDir);
    for (const attempts of [this.#open, this.#stuck, this.#kept, this.#isolated]) attempts.delete(runDir);
    if (kept) return this.#moveAside(runDir, notCommitted(kept));
    if (open && mayReuse)
      this.#files.keep(open.attempt.folder, open.attempt.record.request, { ...open.needs, ...open });
    this.#remover.remove(runDir);
    await Promise.resolve();
  }

  /** Call it when the runner ends. Attempts that could not be saved stay for the next sweep. */
  dispose(): void {
    if (this.#open.size === 0) this.#remover.remove(this.#folders.own);
  }

  async sweep(): Promise<void> {
    this.#remover.resume();
    this.#files.removeOld(Date.now());
    await this.#folders.cleanUp((folder) => this.#sweepRunner(folder));
    if (!existsSync(this.#oldRoot)) return;
    this.#folders.register();
    const { own } = this.#folders;
    for (const name of takeOldRunners(this.#oldRoot, own, this.#options.isGone))
      await this.#sweepOldRunner(join(own, name));
  }

  /** A runner that died: end its processes, save its attempts, then remove them. */
  async #sweepRunner(folder: string): Promise<void> {
    for (const name of readdirSync(folder)) {
      if (name.endsWith(".json") || name === OLD_TRASH) continue;
      if (name.startsWith(RUNNER)) await this.#sweepOldRunner(join(folder, name));
      else await this.#sweepAttempt(join(folder, name));
    }
    this.#remover.remove(folder);
  }

  async #sweepAttempt(path: string): Promise<void> {
    const { endProcesses } = this.#options;
    const folder = attemptFolder(path);
    const record = readRecord(folder);
    await endProcesses(path, record?.run);
    // Without its refs, the runner died before the tree was complete, so no script saw it. A replay removes its record.
    if (!existsSync(folder.refs) || !existsSync(folder.record)) return;
    if (!record) return this.#moveAside(path, "its record run.json cannot be read");
    const gits = await this.#gitsFor(folder, record.run);
    await this.#saveDead({ folder, gits, record, firstIndex: undefined }, saveAttempt);
  }

  /** Worktrees of a runner of an older version. */
  async #sweepOldRunner(runner: string): Promise<void> {
    const { endProcesses, location } = this.#options;
    for (const { folder, record, head } of readOldWorktrees(runner, this.#oldRoot, location.commonDir)) {
      await endProcesses(folder.folder, record.run);
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
    const { isAnswered, keep, salvageMessage } = this.#options;
    const { folder, record } = attempt;
    try {
      if (await isAnswered(record)) return;
      const { commit, kept } = await save(attempt, salvageMessage(record));
      if (commit) await keep(record, commit);
      if (kept.length > 0) this.#moveAside(folder.folder, notCommitted(kept));
    } catch (error) {
      if (isOfTheMachine(error)) throw error;
      this.#moveAside(folder.folder, error instanceof Error ? error.message : String(error));
    }
  }

  #moveAside(path: string, reason: string): void {
    const { quarantine } = this.#options;
    mkdirSync(quarantine, { recursive: true, mode: 0o700 });
    writeFileSync(join(path, REASON), `${reason}\n`);
    let target = join(quarantine, basename(path));
    for (let count = 2; existsSync(target); count++) target = join(quarantine, `${basename(path)}-${count}`);
    renameSync(path, target);
  }

  async #gitsFor(folder: AttemptFolder, run: RunId, needs?: AttemptNeeds): Promise<Attempt["gits"]> {
    return buildGits(this.#options, this.#outside, folder, run, await this.#settings.read(), needs);
  }

  /** The drivers may have changed since the attempt began. */
  async #current({ runDir }: AttemptTree): Promise<Attempt | undefined> {
    const open = this.#open.get(runDir);
    if (!open) return undefined;
    const { attempt, needs } = open;
    const isStuck = this.#stuck.has(runDir);
    return { ...attempt, isStuck, gits: await this.#gitsFor(attempt.folder, attempt.record.run, needs) };
  }
}

/** A remote that cannot be reached, or a full disk: the next sweep may succeed. */
const isOfTheMachine = (error: unknown): boolean =>
  error instanceof RemoteUnreachable ||
  ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE"].includes((error as NodeJS.ErrnoException).code ?? "");

const notCommitted = (paths: readonly string[]): string =>
  `these files could not be committed: ${paths.join(", ")}`;
