/**
 * Removes folders in a process of its own, so that a large one delays neither a run nor its end.
 *
 * Invariants:
 * - Removing never fails a run. A folder that cannot be removed is left for the next runner.
 * - The process ends by itself once this one has ended and no folder is left.
 */
import { spawn } from "node:child_process";
import type { Writable } from "node:stream";

/** Package managers leave read-only folders, from which only root can remove anything. */
const SCRIPT = `while IFS= read -r name; do
  rm -rf -- "./$name" || { chmod -R u+rwX -- "./$name"; rm -rf -- "./$name"; }
done`;

export class BackgroundRemover {
  readonly #folder: string;
  #input: Writable | undefined;

  /** `folder` holds what is removed. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Removes an entry of the folder later. Its name has no line break. */
  remove(name: string): void {
    this.#input ??= this.#start();
    this.#input.write(`${name}\n`);
  }

  #start(): Writable {
    const child = spawn("/bin/sh", ["-c", SCRIPT], {
      cwd: this.#folder,
      env: { PATH: process.env["PATH"] ?? "" },
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    const forget = () => (this.#input = undefined);
    child.once("error", forget);
    child.once("exit", forget);
    child.stdin.on("error", forget);
    child.unref();
    // A socket keeps a program alive too.
    (child.stdin as Writable & { unref?: () => void }).unref?.();
    return child.stdin;
  }
}
