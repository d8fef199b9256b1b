/**
 * Removes folders in the background, so that a large one delays nothing.
 *
 * Invariants:
 * - Removing never fails a run. A folder that cannot be removed is left for the next sweep.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isFolder } from "./attempt-folder.ts";

export const TRASH = "trash";

export class Remover {
  readonly #trash: string;
  readonly #pending = new Set<Promise<void>>();
  #count = 0;

  /** `own` is the folder of the runner: a rename into it needs no copy. */
  constructor(own: string) {
    this.#trash = join(own, TRASH);
  }

  /** The path is free at once, unless the folder cannot even be moved. */
  remove(folder: string): void {
    if (!existsSync(folder)) return;
    let target = join(this.#trash, String(++this.#count));
    try {
      mkdirSync(this.#trash, { recursive: true, mode: 0o700 });
      renameSync(folder, target);
    } catch {
      target = folder;
    }
    const removal = removeFolder(target).finally(() => this.#pending.delete(removal));
    this.#pending.add(removal);
  }

  async settle(): Promise<void> {
    await Promise.all(this.#pending);
  }
}

/** Never rejects. */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    try {
      makeRemovable(folder);
      await rm(folder, { recursive: true, force: true });
    } catch {
      // An open file on a network disk, or a mount inside: the next sweep tries again.
    }
  }
}

/** A longer path cannot be passed to the system: 4096 bytes is the limit of Linux, 1024 that of macOS. */
const LONGEST_PATH = 900;

/**
 * Makes each folder writable, because package managers leave read-only ones. Moves folders up that lie too
 * deep to be named.
 */
function makeRemovable(root: string): void {
  const folders = [root];
  let count = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (!isFolder(folder)) continue;
    chmodSync(folder, 0o700);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const path = join(folder, entry.name);
      const isDeep = path.length - root.length > LONGEST_PATH;
      const place = isDeep ? join(root, `deep-${++count}`) : path;
      if (isDeep) {
        chmodSync(path, 0o700);
        renameSync(path, place);
      }
      folders.push(place);
    }
  }
}
