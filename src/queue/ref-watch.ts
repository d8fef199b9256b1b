/**
 * Wakes the runner on file-system events of refs.
 *
 * Invariants:
 * - A wake is a hint that may be lost or repeated.
 * - Events that arrive together become one wake, and nothing runs while there are none.
 */
import { existsSync, watch, type FSWatcher } from "node:fs";
import { join } from "node:path";

/** The events of one commit arrive within a few milliseconds of each other. */
const DEBOUNCE_MS = 25;
/** A second wake covers refs in a new folder, which is watched only a moment after its creation. */
const LATE_WAKE_MS = 250;
/** Files of the git directory that change with a commit or a ref (gitrepository-layout(5)). */
const TOP = new Set(["packed-refs", "HEAD", "COMMIT_EDITMSG", "ORIG_HEAD", "FETCH_HEAD"]);

export class RefWatch {
  readonly #commonDir: string;
  readonly #watchers: FSWatcher[] = [];
  #wakeTimer: NodeJS.Timeout | undefined;
  #lateWakeTimer: NodeJS.Timeout | undefined;

  /** `commonDir` is the git directory that all worktrees share. */
  constructor(commonDir: string) {
    this.#commonDir = commonDir;
  }

  /** Calls `onWake` at each wake. Without support for watching, only the poll remains. */
  start(onWake: () => void): void {
    const onEvent = () => {
      this.#wakeTimer ??= setTimeout(() => {
        this.#wakeTimer = undefined;
        onWake();
      }, DEBOUNCE_MS);
      clearTimeout(this.#lateWakeTimer);
      this.#lateWakeTimer = setTimeout(onWake, LATE_WAKE_MS);
    };
    const isRef = (name: string) => !name.endsWith(".lock");
    this.#watch(this.#commonDir, false, (name) => TOP.has(name), onEvent);
    this.#watch(join(this.#commonDir, "logs"), false, isRef, onEvent);
    this.#watch(join(this.#commonDir, "refs"), true, isRef, onEvent);
    this.#watch(join(this.#commonDir, "reftable"), false, isRef, onEvent);
  }

  close(): void {
    clearTimeout(this.#wakeTimer);
    clearTimeout(this.#lateWakeTimer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(path: string, recursive: boolean, matches: (name: string) => boolean, onEvent: () => void): void {
    if (!existsSync(path)) return;
    try {
      const watcher = watch(path, { recursive, persistent: true }, (_event, name) => {
        if (name === null || matches(name)) onEvent();
      });
      watcher.on("error", () => undefined);
      this.#watchers.push(watcher);
    } catch {
      // Too many watches, or a file system without events: the poll finds everything.
    }
  }
}
