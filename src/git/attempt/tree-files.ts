/**
 * Fills the trees of attempts with the files of a commit, and keeps trees that a later attempt may take over.
 *
 * Invariants:
 * - However a tree is filled, it holds what a fresh checkout holds.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { RunId, Sha } from "../../core/protocol/ids.ts";
import { isGitProblem } from "../bounded-git.ts";
import type { Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import { statOf, type AttemptFolder } from "./attempt-folder.ts";
import type { Remover } from "./remover.ts";
import { writeSparse } from "./sparse-checkout.ts";
import { checkOut, filtersOff, treeGit } from "./tree-git.ts";
import { TreePool } from "./tree-pool.ts";

export interface TreeFilesOptions {
  readonly location: Pick<GitLocation, "commonDir" | "emptyTree" | "git">;
  /** Trees that are kept for later attempts. */
  readonly trees: string;
}

/** What files depend on besides their commit. */
export interface CheckoutKind {
  readonly settings: readonly Setting[];
  /** The filter drivers that may run. */
  readonly filters: readonly string[];
  /** The folders that the tree holds. Without any, it holds all. */
  readonly checkout: readonly string[];
}

interface Checkout {
  readonly run: RunId;
  readonly commit: Sha;
}

export class TreeFiles {
  readonly #location: TreeFilesOptions["location"];
  readonly #pool: TreePool;
  readonly #remover: Remover;

  constructor({ location, trees }: TreeFilesOptions, remover: Remover) {
    this.#location = location;
    this.#remover = remover;
    this.#pool = new TreePool(trees, remover);
  }

  /** What is wrong with the files: names that the disk does not take, or objects that are gone. */
  async fill(folder: AttemptFolder, checkout: Checkout, kind: CheckoutKind): Promise<string | undefined> {
    writeSparse(folder, kind.checkout, checkout.commit);
    const gitFor = (taken: AttemptFolder) =>
      treeGit(this.#location, taken, checkout.run, filtersOff(kind.settings, kind.filters));
    if (await this.#pool.take(folder, this.#poolKind(kind), checkout.commit, gitFor)) {
      if ((await this.#checkOut(folder, checkout, kind)) === undefined) return undefined;
      this.#remover.remove(folder.tree);
      rmSync(folder.index, { force: true });
    }
    mkdirSync(folder.tree, { mode: 0o700 });
    return this.#checkOut(folder, checkout, kind);
  }

  /** Call it only if every program of the attempt was isolated, and has ended for good. */
  keep(folder: AttemptFolder, commit: Sha, kind: CheckoutKind): void {
    this.#pool.give(folder, this.#poolKind(kind), commit);
  }

  removeOld(now: number): void {
    this.#pool.removeOld(now);
  }

  async #checkOut(
    folder: AttemptFolder,
    checkout: Checkout,
    { settings, filters }: CheckoutKind,
  ): Promise<string | undefined> {
    try {
      await checkOut(this.#location, folder, checkout, settings, filters);
      return undefined;
    } catch (error) {
      if (!isGitProblem(error)) throw error;
      return `its files could not be checked out: ${error.message}`;
    }
  }

  #poolKind({ settings, filters, checkout }: CheckoutKind): object {
    const attributes = statOf(join(this.#location.commonDir, "info/attributes"));
    return { settings, filters, checkout, attributes: attributes && [attributes.size, attributes.mtimeMs] };
  }
}
