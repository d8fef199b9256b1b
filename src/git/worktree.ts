/**
 * The pool of worktrees of one runner, and the work that is saved from them.
 *
 * What must hold: worktrees are detached, outside the repository, added and removed one at a time
 * and only through git; nothing is reset or removed before what it holds is on a ref; git is told
 * where the git directory is, so that a `.git` that a script wrote is never believed.
 */
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Ref, RunId, Sha } from "../core/protocol/ids.ts";
import type { Request } from "../core/protocol/request.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { CollectedTree, AttemptTree, AttemptTrees } from "../engine/ports.ts";
import { collect, collectAll, collectCommits } from "./collect.ts";
import { type Git, GitExit } from "./git.ts";
import { type GitLocation, withoutFilters } from "./open-repository.ts";
import { parseConfig } from "./parse-output.ts";
import {
  hasFiles,
  isAtRest,
  isFolder,
  isWhole,
  makeRemovable,
  readJson,
  bayAt,
  treePath,
  type Bay,
} from "./bay.ts";
import { WORKTREES } from "./timing.ts";

/** What a bay's `run.json` says, for whoever finds it after a crash. */
export interface RunRecord {
  readonly run: RunId;
  readonly branch: string;
  readonly request: Sha;
  readonly state: string;
}

export interface PoolOptions {
  readonly place: GitLocation;
  /** The directory of this repository's pools. */
  readonly root: string;
  /** The directory of this runner, below `root`. */
  readonly own: string;
  /** Written into the runner's folder, so that others can tell when it is gone. */
  readonly owner: object;
  readonly isGone: (owner: unknown) => boolean;
  /** Ends every process that a dead run left; `side` holds what it recorded. */
  readonly endProcesses: (side: string, run: RunId | undefined) => Promise<void>;
  /** True when the run's answer is on its branch, or parked beside it: then its work is there. */
  readonly isAnswered: (record: RunRecord) => Promise<boolean>;
  /** Puts a saved tree on its ref, if that does not exist yet. */
  readonly keep: (record: RunRecord, value: Sha) => Promise<Ref>;
  readonly salvageMessage: (record: RunRecord) => string;
}

const OWNER = "owner.json";
const RUN = "run.json";
/** The end of an owner's name that was taken, after the name of the runner's folder. */
const TAKEN = ".taken.json";
const HALF_MADE = /worktrees\/[^/]+\/(?:commondir|gitdir|HEAD|locked)\b/;
/** A person's sparse checkout is theirs: git would copy it to each new worktree. */
const WHOLE_TREE = ["core.sparseCheckout=false"];

export class WorktreePool implements AttemptTrees {
  readonly #options: PoolOptions;
  readonly #idle: Bay[] = [];
  readonly #busy = new Map<string, Bay>();
  #count = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: PoolOptions) {
    // git records real paths, and bays are found by them.
    this.#options = { ...options, root: realPath(options.root), own: realPath(options.own) };
  }

  async open(run: RunId, request: Request): Promise<AttemptTree> {
    this.#register();
    const bay = this.#idle.pop() ?? this.#newBay();
    const record: RunRecord = { run, branch: request.branch, request: request.commit, state: request.state };
    writeFileSync(join(bay.side, RUN), JSON.stringify(record));
    const fresh = !existsSync(bay.path);
    const opened = fresh ? await this.#serial(() => this.#add(bay.side, request.commit)) : bay;
    if (!fresh) await this.#reset(bay, request.commit);
    this.#busy.set(opened.side, opened);
    return { path: opened.path, runDir: opened.side, base: request.commit };
  }

  async collect(tree: AttemptTree): Promise<CollectedTree | string> {
    const bay = this.#busy.get(tree.runDir);
    if (!bay || !isWhole(bay)) return "its worktree, or the link .git in it, was deleted";
    try {
      return await collect(await this.#gitIn(bay), tree.base);
    } catch (error) {
      if (error instanceof GitExit) return `its files could not be read (${error.message})`;
      throw error;
    }
  }

  async save(tree: AttemptTree, message: string): Promise<Sha | undefined> {
    const bay = this.#busy.get(tree.runDir);
    return bay && this.#saveBay(bay, tree.base, message);
  }

  async release(tree: AttemptTree): Promise<void> {
    const bay = this.#busy.get(tree.runDir);
    if (!bay) return;
    this.#busy.delete(tree.runDir);
    rmSync(join(bay.side, RUN), { force: true });
    if (isWhole(bay) && isAtRest(bay)) this.#idle.push(bay);
    else await this.#serial(() => this.#remove(bay));
  }

  /** Removes the idle worktrees; call it when the runner ends. */
  async dispose(): Promise<void> {
    for (const bay of this.#idle.splice(0)) await this.#serial(() => this.#remove(bay));
    const { own } = this.#options;
    if (this.#busy.size === 0) rmSync(own, { recursive: true, force: true });
  }

  async sweep(): Promise<void> {
    const { root, own, isGone } = this.#options;
    const others = existsSync(root) ? readdirSync(root).filter((name) => join(root, name) !== own) : [];
    for (const name of others) {
      const owner = readJson(join(root, name, OWNER));
      if (owner === undefined || !isGone(owner) || !this.#take(name)) continue;
      const taken = join(own, name + TAKEN);
      try {
        await this.#serial(() => this.#sweepRunner(name));
        rmSync(taken, { force: true });
      } catch (error) {
        // What could not be saved is kept, for the next sweep.
        renameSync(taken, join(root, name, OWNER));
        throw error;
      }
    }
    await this.#othersSweep(others);
  }

  /** Whoever moves the owner's name away may sweep; it lies in the sweeper's folder, should that die too. */
  #take(name: string): boolean {
    const { root, own } = this.#options;
    this.#register();
    try {
      renameSync(join(root, name, OWNER), join(own, name + TAKEN));
      return true;
    } catch {
      return false;
    }
  }

  /** Another runner is at it: what it saves is due to the next attempt. */
  async #othersSweep(names: readonly string[]): Promise<void> {
    const { root } = this.#options;
    // A name with a dot is the beginning of a folder, which nobody sweeps.
    const isSwept = (name: string) =>
      !name.startsWith(".") && existsSync(join(root, name)) && !existsSync(join(root, name, OWNER));
    for (let waited = 0; waited < WORKTREES.sweepMs && names.some(isSwept); waited += WORKTREES.sweepPollMs)
      await wait(WORKTREES.sweepPollMs);
  }

  /** A runner that died: end its processes, save its trees, then remove them. */
  async #sweepRunner(runner: string): Promise<void> {
    const { endProcesses, place, root } = this.#options;
    const folder = join(root, runner);
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      if (name.endsWith(TAKEN)) await this.#sweepRunner(name.slice(0, -TAKEN.length));
      if (name.endsWith(".json")) continue;
      const side = join(folder, name);
      const record = readJson(join(side, RUN)) as RunRecord | undefined;
      await endProcesses(side, record?.run);
      const bay = bayAt(side, place.commonDir);
      if (bay && record) await this.#saveDead(bay, record);
      if (bay) await this.#remove(bay);
    }
    rmSync(folder, { recursive: true, force: true });
  }

  async #saveDead(bay: Bay, record: RunRecord): Promise<void> {
    if (await this.#options.isAnswered(record)) return;
    const value = await this.#saveBay(bay, record.request, this.#options.salvageMessage(record));
    if (value) await this.#options.keep(record, value);
  }

  /** The owner's name stands before the first worktree does, so that no worktree is without one. */
  #register(): void {
    const { own, owner } = this.#options;
    if (existsSync(own)) return;
    const temporary = join(own, "..", `.${basename(own)}`);
    mkdirSync(temporary, { recursive: true, mode: 0o700 });
    writeFileSync(join(temporary, OWNER), JSON.stringify(owner));
    renameSync(temporary, own);
  }

  #newBay(): Bay {
    const side = join(this.#options.own, `w${++this.#count}`);
    mkdirSync(side, { recursive: true });
    return { side, path: treePath(side), gitDir: "" };
  }

  async #add(side: string, commit: Sha): Promise<Bay> {
    const { place } = this.#options;
    await this.#worktree(["add", "--quiet", "--detach", treePath(side), commit]);
    const bay = bayAt(side, place.commonDir);
    if (!bay) throw new UserError(MESSAGES.noWorktree(treePath(side)));
    return bay;
  }

  async #reset(bay: Bay, commit: Sha): Promise<void> {
    const git = await this.#gitIn(bay);
    await git.run(["checkout", "--quiet", "--force", "--detach", commit]);
    await git.run(["clean", "--quiet", "-ffdx"]);
  }

  async #remove(bay: Bay): Promise<void> {
    makeRemovable(bay.path);
    try {
      await this.#worktree(["remove", "--force", "--force", bay.path]);
    } catch (error) {
      if (!(error instanceof GitExit)) throw error;
      // git refuses a worktree whose files or link are gone; then only its record is left to prune.
      rmSync(bay.path, { recursive: true, force: true });
      await this.#worktree(["prune"]);
    }
    rmSync(bay.side, { recursive: true, force: true });
  }

  /** git reads every worktree's record each time, and trips over one that another runner half made. */
  async #worktree(args: readonly string[]): Promise<void> {
    const { place } = this.#options;
    const git = place.git.with({ settings: [...WHOLE_TREE, ...withoutFilters(place.config)] });
    for (let tries = 1; ; tries++) {
      try {
        await git.run(["worktree", ...args]);
        return;
      } catch (error) {
        if (!(error instanceof GitExit) || !HALF_MADE.test(error.stderr) || tries >= WORKTREES.tries)
          throw error;
        await wait(WORKTREES.retryMs * tries);
      }
    }
  }

  /** The configuration is read again: a script may have written a filter into it. */
  async #gitIn(bay: Bay): Promise<Git> {
    // Whoever held the lock is gone: the processes of the run were ended before.
    rmSync(join(bay.gitDir, "index.lock"), { force: true });
    const git = this.#options.place.git.with({
      dir: bay.path,
      globalOptions: [`--git-dir=${bay.gitDir}`, `--work-tree=${bay.path}`],
    });
    const config = parseConfig(await git.text(["config", "--list", "-z"]));
    return git.with({ settings: [...WHOLE_TREE, ...withoutFilters(config)] });
  }

  async #saveBay(bay: Bay, base: Sha, message: string): Promise<Sha | undefined> {
    if (!existsSync(join(bay.gitDir, "HEAD"))) return undefined;
    const collectSome = hasFiles(bay) ? collectAll : collectCommits;
    if (!isFolder(bay.path)) rmSync(bay.path, { force: true });
    mkdirSync(bay.path, { recursive: true });
    return collectSome(await this.#gitIn(bay), base, message);
  }

  #serial<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(step);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/** The real path of something that may not exist yet. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realPath(dirname(path)), basename(path));
}
