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
/** A new folder is watched a moment after it was made; what came into it meanwhile is seen then. */
const ECHO_MS = 250;
/** Files in the git directory that change with a commit or with refs (gitrepository-layout(5)). */
const TOP = new Set(["packed-refs", "HEAD", "COMMIT_EDITMSG", "ORIG_HEAD", "FETCH_HEAD"]);

export class RefWatch {
  readonly #commonDir: string;
  readonly #watchers: FSWatcher[] = [];
  #soon: NodeJS.Timeout | undefined;
  #echo: NodeJS.Timeout | undefined;

  /** `commonDir` is the git directory that all worktrees share. */
  constructor(commonDir: string) {
    this.#commonDir = commonDir;
  }

  /** Calls `ring` at each wake. Where the system cannot watch, only the poll remains. */
  start(ring: () => void): void {
    const onEvent = () => {
      this.#soon ??= setTimeout(() => {
        this.#soon = undefined;
        ring();
      }, TOGETHER_MS);
      clearTimeout(this.#echo);
      this.#echo = setTimeout(ring, ECHO_MS);
    };
    const isRef = (name: string) => !name.endsWith(".lock");
    this.#watch(this.#commonDir, false, (name) => TOP.has(name), onEvent);
    this.#watch(join(this.#commonDir, "logs"), false, isRef, onEvent);
    this.#watch(join(this.#commonDir, "refs"), true, isRef, onEvent);
    this.#watch(join(this.#commonDir, "reftable"), false, isRef, onEvent);
  }

  close(): void {
    clearTimeout(this.#soon);
    clearTimeout(this.#echo);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(path: string, recursive: boolean, concerns: (name: string) => boolean, onEvent: () => void): void {
    if (!existsSync(path)) return;
    try {
      const watcher = watch(path, { recursive, persistent: true }, (_event, name) => {
        if (name === null || concerns(name)) onEvent();
      });
      watcher.on("error", () => undefined);
      this.#watchers.push(watcher);
    } catch {
      // Too many watches, or a file system without events: the slow look finds everything.
    }
  }
}
