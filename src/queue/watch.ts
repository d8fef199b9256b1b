/**
 * Wakes for the loop: file-system events on refs, and wakes asked for by hand.
 *
 * What must hold: a wake is a hint, safe to lose or to double; at rest nothing runs; events that
 * come together are one wake.
 */
import { existsSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";

/** Events of one commit come within a few milliseconds of each other. */
const TOGETHER_MS = 25;

export class RefWatch {
  readonly #watchers: FSWatcher[] = [];
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #pending = false;

  /** Watches the refs of a git directory. Where the system cannot watch, only the poll remains. */
  constructor(commonDir: string) {
    this.#watch(commonDir, false, (name) => name === "packed-refs" || name === "HEAD");
    this.#watch(join(commonDir, "refs"), true, (name) => !name.endsWith(".lock"));
    this.#watch(join(commonDir, "reftable"), false, (name) => !name.endsWith(".lock"));
  }

  /** Resolves at the next wake; at once when one came since the last call. */
  next(): Promise<void> {
    if (this.#pending) {
      this.#pending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(path: string, recursive: boolean, concerns: (name: string) => boolean): void {
    if (!existsSync(path)) return;
    try {
      const watcher = watch(path, { recursive, persistent: true }, (_event, name) => {
        if (name === null || concerns(name)) this.#wake();
      });
      watcher.on("error", () => undefined);
      this.#watchers.push(watcher);
    } catch {
      // Too many watches, or a file system without events: the slow look finds everything.
    }
  }

  #wake(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#pending = waiting.length === 0;
      for (const resolve of waiting) resolve();
    }, TOGETHER_MS);
  }
}
