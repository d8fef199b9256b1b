/**
 * The folders of all runners of a repository on this machine: who owns one, and who cleans it up.
 *
 * Invariants:
 * - An owner's name stands before anything else in a folder does.
 * - Only one runner at a time cleans up a folder. Should it die, the next one goes on.
 */
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SWEEP } from "../timing.ts";
import { readJson } from "../read-json.ts";
import { isFolder } from "./attempt-folder.ts";

export const OWNER = "owner.json";
/** The end of an owner's name that was taken, after the name of the runner's folder. */
export const TAKEN = ".taken.json";
/** The start of a folder's name after it was found without an owner. */
export const ADOPTED = "adopted-";

export interface RunnerFoldersOptions {
  /** The directory of all runners' folders. */
  readonly root: string;
  /** The folder of this runner, below `root`. */
  readonly own: string;
  /** Written into the runner's folder, so that others can tell when it is gone. */
  readonly owner: object;
  readonly isGone: (owner: unknown) => boolean;
}

export class RunnerFolders {
  readonly own: string;
  readonly #root: string;
  readonly #options: RunnerFoldersOptions;

  constructor(options: RunnerFoldersOptions) {
    this.#options = options;
    this.#root = realPath(options.root);
    this.own = realPath(options.own);
  }

  register(): void {
    const temporary = join(this.#root, `.${basename(this.own)}`);
    while (!existsSync(this.own)) {
      try {
        mkdirSync(temporary, { recursive: true, mode: 0o700 });
        // After a power cut, an empty name would keep the folder from being cleaned up.
        writeFileSync(join(temporary, OWNER), JSON.stringify(this.#options.owner), { flush: true });
        renameSync(temporary, this.own);
      } catch (error) {
        // Another runner took the folder without an owner for one that was left.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  }

  /** Calls `clean` with each folder of a runner that is gone, and waits for other runners that do so. */
  async cleanUp(clean: (folder: string) => Promise<void>): Promise<void> {
    const others = readNames(this.#root).filter((name) => join(this.#root, name) !== this.own);
    for (const name of others) {
      const owner = readJson(join(this.#root, name, OWNER));
      if (!this.#options.isGone(owner)) continue;
      if (owner === undefined) {
        const folder = this.#adopt(name);
        if (folder !== undefined) await this.#cleanRunner(folder, clean);
        continue;
      }
      if (!this.#take(name)) continue;
      const taken = join(this.own, name + TAKEN);
      try {
        await this.#cleanRunner(join(this.#root, name), clean);
        rmSync(taken, { force: true });
      } catch (error) {
        // What could not be saved is kept, for the next sweep.
        renameSync(taken, join(this.#root, name, OWNER));
        throw error;
      }
    }
    await this.#othersClean(others);
  }

  /** A runner that cleaned up for another one may have died at it. */
  async #cleanRunner(folder: string, clean: (folder: string) => Promise<void>): Promise<void> {
    for (const name of isFolder(folder) ? readNames(folder) : []) {
      if (name.endsWith(TAKEN))
        await this.#cleanRunner(join(this.#root, name.slice(0, -TAKEN.length)), clean);
    }
    if (existsSync(folder)) await clean(folder);
  }

  /**
   * Moves a folder whose owner's name is not there, or cannot be read, into that of this runner: its runner
   * died before it wrote the name. A folder whose name another runner took belongs to that one.
   */
  #adopt(name: string): string | undefined {
    if (this.#isTaken(name)) return undefined;
    this.register();
    const folder = join(this.own, `${ADOPTED}${name}`);
    try {
      renameSync(join(this.#root, name), folder);
      return folder;
    } catch {
      return undefined;
    }
  }

  #isTaken(name: string): boolean {
    return readNames(this.#root).some((other) => existsSync(join(this.#root, other, name + TAKEN)));
  }

  /** The runner that moves the owner's name away may clean up. The name lies in its folder, should it die too. */
  #take(name: string): boolean {
    this.register();
    try {
      renameSync(join(this.#root, name, OWNER), join(this.own, name + TAKEN));
      return true;
    } catch {
      return false;
    }
  }

  /** What another runner saves is due to the next attempt. */
  async #othersClean(names: readonly string[]): Promise<void> {
    const isCleaned = (name: string) =>
      existsSync(join(this.#root, name)) && !existsSync(join(this.#root, name, OWNER)) && this.#isTaken(name);
    for (let waited = 0; waited < SWEEP.waitMs && names.some(isCleaned); waited += SWEEP.pollMs)
      await wait(SWEEP.pollMs);
  }
}

const readNames = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** The real path of something that may not exist yet. */
export function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realPath(dirname(path)), basename(path));
}
