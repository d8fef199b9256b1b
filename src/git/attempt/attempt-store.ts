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
import { bringFiles } from "./bring-files.ts";
import { indexSignature, type Attempt } from "./attempt.ts";
import { collectAttempt } from "./collect-attempt.ts";
import { BroughtFileCommitted, importCommits } from "./import-commits.ts";
import { readOldWorktrees, removeRecords, takeOldRunners } from "./old-worktrees.ts";
import { ownGit } from "./own-git.ts";
import { SettingsReader } from "./read-settings.ts";
import { RefCopy } from "./ref-copy.ts";
import { Remover, removeFolder, TRASH } from "./remover.ts";
import { OWNER, realPath, RunnerFolders, type RunnerFoldersOptions } from "./runner-folders.ts";
import { saveAttempt, saveOnTop, type SavedAttempt } from "./save-attempt.ts";
import { checkOut, driversOf, filtersOff, treeGit } from "./tree-git.ts";
import { TemplateReader, type TemplateOptions } from "./template-reader.ts";
import { writeRepository } from "./write-repository.ts";
import { sessionsOf } from "../sessions.ts";
import type { Setting } from "../git.ts";

export interface StoreOptions extends RunnerFoldersOptions, TemplateOptions {
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

/** How the name of a runner's folder begins. A run's name is an id. */
export const RUNNER = "runner-";

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
  readonly #open = new Map<string, { readonly attempt: Attempt; readonly filters: readonly string[] }>();
  /** Attempts on whose files git reached a limit. */
  readonly #stuck = new Set<string>();
  /** What could not be committed, for the reason of the folder that stays. */
  readonly #kept = new Map<string, readonly string[]>();

  constructor(options: StoreOptions) {
    const { git, commonDir } = options.location;
    this.#options = options;
    this.#folders = new RunnerFolders(options);
    // git records real paths, and old worktrees are found by them.
    this.#oldRoot = realPath(options.oldRoot);
    this.#remover = new Remover(this.#folders.own);
    this.#settings = new SettingsReader(git, commonDir);
    this.#templates = new TemplateReader(options, this.#settings);
    this.#refs = new RefCopy(options.location, options.remote !== undefined, options.pollCount);
  }

  async open(run: RunId, request: Request, { bring, filters }: AttemptNeeds): Promise<AttemptTree> {
    const { location, bringFrom } = this.#options;
    this.#folders.register();
    const folder = attemptFolder(join(this.#folders.own, run));
    const { branch, commit, state } = request;
    mkdirSync(folder.tree, { recursive: true, mode: 0o700 });
    const record: RunRecord = { run, branch, request: commit, state };
    writeRecord(folder, record);
    const [settings, refs, originHead, template] = await Promise.all([
      this.#settings.read(),
      this.#refs.textFor(branch),
      this.#refs.originHead(),
      this.#templates.read(),
    ]);
    const tree = { path: folder.tree, runDir: folder.folder, sideDir: folder.side, base: commit };
    const problem = await this.#checkOut(folder, { run, commit }, settings, filters);
    if (problem !== undefined) return { ...tree, problem };
    writeRepository(folder, template, { run, branch, commit, refs, originHead });
    const idLength = location.emptyTree.length;
    const brought = bringFrom === undefined ? [] : bringFiles(bring, bringFrom, folder, idLength);
    if (brought.length > 0) writeRecord(folder, { ...record, brought });
    const gits = await this.#gitsFor(folder, run, filters);
    const attempt = { folder, gits, record: { ...record, brought }, firstIndex: indexSignature(folder) };
    this.#open.set(folder.folder, { attempt, filters });
    return tree;
  }

  /** What is wrong with the files of a commit: names that the disk does not take, or objects that are gone. */
  async #checkOut(
    folder: AttemptFolder,
    what: { readonly run: RunId; readonly commit: Sha },
    settings: readonly Setting[],
    filters: readonly string[],
  ): Promise<string | undefined> {
    try {
      await checkOut(this.#options.location, folder, what, settings, filters);
      return undefined;
    } catch (error) {
      if (!isGitProblem(error)) throw error;
      return `its files could not be checked out: ${error.message}`;
    }
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
      if (error instanceof BroughtFileCommitted) return;
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

  async release({ runDir }: AttemptTree): Promise<void> {
    const kept = this.#kept.get(runDir);
    for (const attempts of [this.#open, this.#stuck, this.#kept]) attempts.delete(runDir);
    if (kept) this.#moveAside(runDir, notCommitted(kept));
    else this.#remover.remove(runDir);
    await Promise.resolve();
  }

  /** Waits for removals; call it when the runner ends. The owner's name goes last. */
  async dispose(): Promise<void> {
    await this.#remover.settle();
    const { own } = this.#folders;
    if (this.#open.size > 0 || !existsSync(own)) return;
    for (const name of readdirSync(own)) if (name !== OWNER) await removeFolder(join(own, name));
    if (readdirSync(own).length <= 1) await removeFolder(own);
  }

  async sweep(): Promise<void> {
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
      if (name.endsWith(".json") || name === TRASH) continue;
      if (name.startsWith(RUNNER)) await this.#sweepOldRunner(join(folder, name));
      else await this.#sweepAttempt(join(folder, name));
    }
    this.#remover.remove(folder);
    await this.#remover.settle();
  }

  async #sweepAttempt(path: string): Promise<void> {
    const { endProcesses } = this.#options;
    const folder = attemptFolder(path);
    const record = readRecord(folder);
    await endProcesses(path, record?.run);
    // Without its refs, the runner died before the tree was complete, so no script saw it. A replay removes its record.
    if (!existsSync(folder.refs) || !existsSync(folder.record)) return;
    if (!record) return this.#moveAside(path, "its record run.json cannot be read");
    const gits = await this.#gitsFor(folder, record.run, []);
    await this.#saveDead({ folder, gits, record, firstIndex: undefined }, saveAttempt);
  }

  /** Worktrees of a runner of an older version. */
  async #sweepOldRunner(runner: string): Promise<void> {
    const { endProcesses, location } = this.#options;
    for (const { folder, record, head } of readOldWorktrees(runner, this.#oldRoot, location.commonDir)) {
      await endProcesses(folder.folder, record.run);
      const gits = await this.#gitsFor(folder, record.run, []);
      await this.#saveDead({ folder, gits, record, firstIndex: undefined }, (attempt, message) =>
        saveOnTop(attempt, head ?? record.request, [], message),
      );
    }
    removeRecords(location.commonDir, this.#oldRoot, runner);
    this.#remover.remove(runner);
    await this.#remover.settle();
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

  /** The drivers may have changed since the attempt began. */
  async #current({ runDir }: AttemptTree): Promise<Attempt | undefined> {
    const open = this.#open.get(runDir);
    if (!open) return undefined;
    const { attempt, filters } = open;
    const isStuck = this.#stuck.has(runDir);
    return { ...attempt, isStuck, gits: await this.#gitsFor(attempt.folder, attempt.record.run, filters) };
  }

  async #gitsFor(
    folder: Attempt["folder"],
    run: RunId,
    filters: readonly string[],
  ): Promise<Attempt["gits"]> {
    const { location } = this.#options;
    const settings = await this.#settings.read();
    const trusted = treeGit(location, folder, run, filtersOff(settings, filters));
    return {
      own: ownGit(location.git.target.env["PATH"] ?? "", folder, run),
      trusted,
      objects: trusted.with({ dir: folder.folder, env: { GIT_WORK_TREE: folder.folder } }),
      reader: sessionsOf(location.git).objects,
      hasFileModes: settings.findLast(([key]) => key === "core.filemode")?.[1] !== "false",
      commonDir: location.commonDir,
      origin: originOf(this.#options.remote ?? settings) ?? location.commonDir.replace(/\/\.git$/, ""),
      offDrivers: driversOf(settings).filter((name) => !filters.includes(name)),
    };
  }
}

const originOf = (settings: readonly Setting[]): string | undefined =>
  settings.find(([key]) => key === "remote.origin.url")?.[1];

/** A remote that cannot be reached, or a full disk: the next sweep may succeed. */
const isOfTheMachine = (error: unknown): boolean =>
  error instanceof RemoteUnreachable ||
  ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE"].includes((error as NodeJS.ErrnoException).code ?? "");

const notCommitted = (paths: readonly string[]): string =>
  `these files could not be committed: ${paths.join(", ")}`;
