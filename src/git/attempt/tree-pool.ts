/**
 * Trees of ended attempts, which later attempts take over: to change some files is faster than to write all.
 *
 * Invariants:
 * - Only the tree of an attempt whose programs were isolated, and have ended for good, gets here.
 * - Files are taken over, never a path or a git directory.
 * - A tree that cannot be made clean is removed. The attempt then gets a fresh one.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSha, type Sha } from "../../core/protocol/ids.ts";
import { isGitProblem, type BoundedGit } from "../bounded-git.ts";
import { readJson } from "../read-json.ts";
import { POOL } from "../timing.ts";
import { attemptFolder, type AttemptFolder } from "./attempt-folder.ts";
import { cleanTree } from "./clean-tree.ts";
import type { Remover } from "./remover.ts";

export class TreePool {
  readonly #folder: string;
  readonly #remover: Remover;

  /** `folder` is on the disk of the attempts. Runners share it. */
  constructor(folder: string, remover: Remover) {
    this.#folder = folder;
    this.#remover = remover;
  }

  /** `kind` differs where a checkout would differ. Puts a clean tree, and its index, into the folder of an attempt. False: there is none. */
  async take(
    attempt: AttemptFolder,
    kind: object,
    commit: Sha,
    gitFor: (folder: AttemptFolder) => BoundedGit,
  ): Promise<boolean> {
    const taken = this.#takeOne(attempt, nameOf(kind));
    if (!taken) return false;
    try {
      const old = parseSha(String((readJson(taken.record) as { commit?: unknown } | undefined)?.commit));
      if (!old) return false;
      const git = gitFor(taken);
      const isSame = old === commit || !(await haveAttributesChanged(git, old, commit));
      if (isSame && (await cleanTree(taken, git))) {
        renameSync(taken.tree, attempt.tree);
        renameSync(taken.index, attempt.index);
        return true;
      }
    } catch (error) {
      if (!isGitProblem(error) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    } finally {
      this.#remover.remove(taken.folder);
    }
    return false;
  }

  /** Keeps the tree of an attempt at a commit, if it is large enough to be worth it. */
  give(attempt: AttemptFolder, kind: object, commit: Sha): void {
    if ((statSync(attempt.index, { throwIfNoEntry: false })?.size ?? 0) < POOL.smallestIndex) return;
    this.#remover.remove(attempt.gitDir);
    if (existsSync(attempt.gitDir)) return;
    const kept = attemptFolder(join(attempt.folder, "kept"));
    mkdirSync(kept.folder, { mode: 0o700 });
    writeFileSync(kept.record, JSON.stringify({ commit }));
    renameSync(attempt.index, kept.index);
    renameSync(attempt.tree, kept.tree);
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const name = `${nameOf(kind)}.${createHash("sha256").update(attempt.folder).digest("hex").slice(0, 12)}`;
    renameSync(kept.folder, join(this.#folder, name));
    this.removeOld(Date.now());
  }

  /** Removes trees that no attempt has asked for in a long time, and those that are too many. */
  removeOld(now: number): void {
    const entries = this.#entries().toSorted((first, second) => second.keptAt - first.keptAt);
    for (const [place, { path, keptAt }] of entries.entries())
      if (place >= POOL.trees || now - keptAt > POOL.ageMs) this.#remover.remove(path);
  }

  #entries(): { readonly path: string; readonly keptAt: number }[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).map((name) => {
      const path = join(this.#folder, name);
      return { path, keptAt: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 };
    });
  }

  /** Another runner may take a tree at the same time: only one of them can rename it. */
  #takeOne(attempt: AttemptFolder, kind: string): AttemptFolder | undefined {
    if (!existsSync(this.#folder)) return undefined;
    const taken = attemptFolder(join(attempt.folder, "taken"));
    rmSync(taken.folder, { recursive: true, force: true });
    for (const name of readdirSync(this.#folder)) {
      if (!name.startsWith(`${kind}.`)) continue;
      try {
        renameSync(join(this.#folder, name), taken.folder);
        return taken;
      } catch {
        continue;
      }
    }
    return undefined;
  }
}

const nameOf = (kind: object): string =>
  createHash("sha256").update(JSON.stringify(kind)).digest("hex").slice(0, 16);

/** git writes an unchanged file again only if its content differs, whatever its attributes say now. */
async function haveAttributesChanged(git: BoundedGit, old: Sha, commit: Sha): Promise<boolean> {
  const paths = [":(top,glob)**/.gitattributes"];
  const changed = await git.text([
    "diff-tree",
    "-r",
    "--name-only",
    "-z",
    "--no-renames",
    old,
    commit,
    "--",
    ...paths,
  ]);
  return changed !== "";
}
