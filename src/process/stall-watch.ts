/**
 * Notices a program that neither prints nor changes its files for too long.
 *
 * What must hold: files are looked at only after a time of silence; time that the runner itself
 * slept counts as one look, so that a machine that wakes up ends nothing; no link is followed.
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

  /** `ms`: how long is too long; `paths`: the files and folders that count. */
  constructor(ms: number, paths: readonly string[]) {
    this.#ms = ms;
    this.#paths = paths;
  }

  /** The program printed something. */
  noteOutput(): void {
    this.#hasPrinted = true;
  }

  /** Resolves once nothing happened for too long; rejects when it is called off. */
  async whenStalled(signal: AbortSignal): Promise<void> {
    let before = await this.#newest(signal);
    for (let idle = 0; idle < PROCESS.stallChecks; idle++) {
      await wait(Math.min(this.#ms / PROCESS.stallChecks, LONGEST_TIMER_MS), undefined, { signal });
      const isAlive = this.#hasPrinted;
      this.#hasPrinted = false;
      const now = isAlive ? before : await this.#newest(signal);
      if (isAlive || now > before) idle = -1;
      before = Math.max(before, now);
    }
    signal.throwIfAborted();
  }

  async #newest(signal: AbortSignal): Promise<number> {
    const times = [];
    for (const path of this.#paths) times.push(await newestChange(path, signal));
    return Math.max(...times);
  }
}

/**
 * When something here was changed last, in milliseconds since 1970. Not the time of modification:
 * whoever unpacks or copies files sets that to what it was elsewhere.
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
    // Removed in between, or not ours to read; that it went shows in its folder.
    return 0;
  }
}
