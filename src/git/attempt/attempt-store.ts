/**
 * The attempts of one runner, each in a repository of its own.
 *
 * Invariants:
 * - The path of an attempt is new for each run. Nothing of it is removed before what it holds is on a ref.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { RunId, Sha } from "../../core/protocol/ids.ts";
import type { Request } from "../../core/protocol/request.ts";
import type { AttemptNeeds, AttemptTree, AttemptTrees, CollectedTree } from "../../engine/attempt-trees.ts";
import { GitLimit, isGitProblem } from "../bounded-git.ts";
import { moveAside } from "../quarantine.ts";
import { attemptFolder, runOf, type AttemptFolder, type RunRecord, writeRecord } from "./attempt-folder.ts";
import { buildGits, type OutsideContent } from "./build-gits.ts";
import { bringFiles } from "./bring-files.ts";
import { indexSignature, type Attempt } from "./attempt.ts";
import { AttemptSweeper, holdsUnsaved, notCommitted, type SweeperOptions } from "./attempt-sweeper.ts";
import { collectAttempt } from "./collect-attempt.ts";
import { fillTree } from "./fill-tree.ts";
import { BarredCommit, importCommits } from "./import-commits.ts";
import { LfsTransfer, type LfsTransferOptions } from "./lfs-transfer.ts";
import { SettingsReader } from "./read-settings.ts";
import { RefCopy } from "./ref-copy.ts";
import { Remover, type RemoverOptions } from "./remover.ts";
import { RunnerFolders, type RunnerFoldersOptions } from "./runner-folders.ts";
import { saveAttempt } from "./save-attempt.ts";
import { sparseSettings, writeSparseInside } from "./sparse-checkout.ts";
import { SubmoduleStore, type SubmoduleStoreOptions } from "./submodule-store.ts";
import { TreeFiles, type TreeFilesOptions } from "./tree-files.ts";
import { TemplateReader, type TemplateOptions } from "./template-reader.ts";
import { writeRepository } from "./write-repository.ts";
import type { Setting } from "../git.ts";
import type { ObjectHold } from "../object-hold.ts";

export interface StoreOptions
  extends
    RunnerFoldersOptions,
    TemplateOptions,
    RemoverOptions,
    TreeFilesOptions,
    SubmoduleStoreOptions,
    Omit<LfsTransferOptions, "location">,
    Omit<SweeperOptions, "location"> {
  /** Differs after each listing of the refs. */
  readonly pollCount: () => number;
  readonly objectHold: Pick<ObjectHold, "hold" | "release">;
  /** Where brought files come from; undefined: there is no such folder. */
  readonly bringFrom: string | undefined;
}

interface OpenAttempt {
  readonly attempt: Attempt;
  readonly needs: AttemptNeeds;
  /** The settings with which its files were written. */
  readonly settings: readonly Setting[];
}

export class AttemptStore implements AttemptTrees {
  readonly #options: StoreOptions;
  readonly #folders: RunnerFolders;
  readonly #sweeper: AttemptSweeper;
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
    this.#remover = new Remover(options, this.#folders.own);
    this.#files = new TreeFiles(options, this.#remover);
    this.#settings = new SettingsReader(git, commonDir);
    this.#templates = new TemplateReader(options, this.#settings);
    this.#outside = { lfs: new LfsTransfer(options), submodules: new SubmoduleStore(options) };
    this.#sweeper = new AttemptSweeper(options, this.#remover, (folder, run) => this.#gitsFor(folder, run));
    this.#refs = new RefCopy(options.location, options.remote !== undefined, options.pollCount);
  }

  async open(run: RunId, request: Request, needs: AttemptNeeds): Promise<AttemptTree> {
    this.#folders.register();
    const folder = attemptFolder(join(this.#folders.own, run));
    try {
      return await this.#prepare(folder, run, request, needs);
    } catch (error) {
      await this.release({ runDir: folder.folder });
      throw error;
    }
  }

  async #prepare(
    folder: AttemptFolder,
    run: RunId,
    request: Request,
    needs: AttemptNeeds,
  ): Promise<AttemptTree> {
    const { location, bringFrom } = this.#options;
    const { branch, commit, state } = request;
    mkdirSync(folder.folder, { recursive: true, mode: 0o700 });
    const record: RunRecord = { run, branch, request: commit, state };
    writeRecord(folder, record);
    await this.#options.objectHold.hold(run, commit);
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

  async release({ runDir }: Pick<AttemptTree, "runDir">): Promise<void> {
    const kept = this.#kept.get(runDir);
    const open = this.#open.get(runDir);
    const mayReuse = this.#isolated.get(runDir) === true && !this.#stuck.has(runDir);
    for (const attempts of [this.#open, this.#stuck, this.#kept, this.#isolated]) attempts.delete(runDir);
    if (open && mayReuse && !kept)
      this.#files.keep(open.attempt.folder, open.attempt.record.request, { ...open.needs, ...open });
    if (kept) moveAside(runDir, this.#options.quarantine, notCommitted(kept));
    else this.#remover.remove(runDir);
    // Also of an attempt that was never open, because its files could not be checked out.
    const run = runOf(runDir);
    if (run !== undefined) await this.#options.objectHold.release(run);
  }

  /** Call it when the runner ends. Attempts that could not be saved stay for the next sweep. */
  dispose(): void {
    const { own } = this.#folders;
    if (this.#open.size === 0 && !holdsUnsaved(own)) this.#remover.remove(own);
  }

  async sweep(): Promise<void> {
    this.#remover.resume();
    this.#files.removeOld(Date.now());
    await this.#sweeper.sweep(this.#folders);
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
