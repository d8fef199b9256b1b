/**
 * Notices a program that neither prints nor changes its files for too long.
 *
 * Invariants:
 * - Files are checked only after a time without output.
 * - The time that the machine slept counts as one check, so that waking up ends no program.
 * - Links are not followed.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { LONGEST_TIMER_MS } from "../core/util/duration.ts";
import { PROCESS } from "./timing.ts";

export class StallWatch {
  readonly #ms: number;
  readonly #paths: readonly string[];
  #hasPrinted = false;

  /** `ms` is the allowed idle time; `paths` are the watched files and folders. */
  constructor(ms: number, paths: readonly string[]) {
    this.#ms = ms;
    this.#paths = paths;
  }

  noteOutput(): void {
    this.#hasPrinted = true;
  }

  /** Resolves when the program has been idle for too long. Rejects when `signal` aborts. */
  async whenStalled(signal: AbortSignal): Promise<void> {
    let newest = await this.#newestChange(signal);
    for (let idleChecks = 0; idleChecks < PROCESS.stallChecks; idleChecks++) {
      await wait(Math.min(this.#ms / PROCESS.stallChecks, LONGEST_TIMER_MS), undefined, { signal });
      const isAlive = this.#hasPrinted;
      this.#hasPrinted = false;
      const now = isAlive ? newest : await this.#newestChange(signal);
      if (isAlive || now > newest) idleChecks = -1;
      newest = Math.max(newest, now);
    }
    signal.throwIfAborted();
  }

  async #newestChange(signal: AbortSignal): Promise<number> {
    const times = [];
    for (const path of this.#paths) times.push(await newestChange(path, signal));
    return Math.max(...times);
  }
}

/**
 * The newest change time (ctime) below a path, in milliseconds since 1970. Modification times do not
 * work, because unpacking or copying files sets them to old values.
 */
async function newestChange(path: string, signal: AbortSignal): Promise<number> {
  try {
    const here = await lstat(path);
    let newest = here.ctimeMs;
    for (const name of here.isDirectory() ? await readdir(path) : []) {
      signal.throwIfAborted();
      newest = Math.max(newest, await newestChange(join(path, name), signal));
    }
    return newest;
  } catch {
    // Removed meanwhile, or unreadable. A removal changes the parent folder.
    return 0;
  }
}
