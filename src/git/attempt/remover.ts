/**
 * Moves folders aside that are not needed any more, and has them removed later.
 *
 * Invariants:
 * - The path is free at once, however large the folder is.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { statOf } from "./attempt-folder.ts";

export interface RemoverOptions {
  /** Where folders wait to be removed, on the disk of the folders. */
  readonly trash: string;
  /** Removes an entry of the trash in the background. */
  readonly removeLater: (name: string) => void;
}

export class Remover {
  readonly #options: RemoverOptions;
  readonly #owner: string;
  #count = 0;

  /** The name of the owner differs for each runner. */
  constructor(options: RemoverOptions, owner: string) {
    this.#options = options;
    this.#owner = basename(owner);
  }

  /** A folder that cannot be moved stays, for the next sweep. */
  remove(folder: string): void {
    const { trash, removeLater } = this.#options;
    if (!statOf(folder)) return;
    const name = `${this.#owner}-${++this.#count}`;
    try {
      mkdirSync(trash, { recursive: true, mode: 0o700 });
      renameSync(folder, join(trash, name));
    } catch {
      return;
    }
    removeLater(name);
  }

  /** Goes on with what an earlier machine start or a killed process left. */
  resume(): void {
    const { trash, removeLater } = this.#options;
    if (existsSync(trash)) for (const name of readdirSync(trash)) removeLater(name);
  }
}
