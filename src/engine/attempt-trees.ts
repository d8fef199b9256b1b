/**
 * The port for the worktrees of attempts.
 *
 * Invariants:
 * - A script works in a repository of its own. What it leaves is checked before it counts.
 */
import type { RunId, Sha } from "../core/protocol/ids.ts";
import type { Request } from "../core/protocol/request.ts";

/** The worktree of an attempt, in a repository of its own, with the branch of the request checked out. */
export interface AttemptTree {
  readonly path: string;
  /** A folder outside the worktree that only the runner writes. */
  readonly runDir: string;
  /** A folder outside the worktree for the request and the output, which the script writes too. */
  readonly sideDir: string;
  readonly base: Sha;
  /** The object stores from which its repository reads. */
  readonly objectStores: readonly string[];
  /** Why its files could not be checked out. Then no script may start. */
  readonly problem?: string;
}

/** What the trusted workflow says about worktrees. */
export interface AttemptNeeds {
  /** Untracked files of the person that are copied into each worktree. */
  readonly bring: readonly string[];
  /** The filter drivers that may run. */
  readonly filters: readonly string[];
  /** The folders that the worktree holds. Without any, it holds all. */
  readonly checkout: readonly string[];
  /** True: submodules are filled before the script starts. */
  readonly submodules: boolean;
  /** The commit of the trusted branch, which says where content outside the repository is. */
  readonly trusted: Sha;
}

/** The worktree after the script ended: its commits, and a tree with all uncommitted changes. */
export interface CollectedTree {
  readonly head: Sha;
  readonly tree: Sha;
  readonly hasChanges: boolean;
}

export interface AttemptTrees {
  open(run: RunId, request: Request, needs: AttemptNeeds): Promise<AttemptTree>;
  /** Collects the changes of the script. A string describes what is wrong with the tree. */
  collect(tree: AttemptTree): Promise<CollectedTree | string>;
  /** Brings a commit that the script named into the repository. It may turn out not to exist. */
  take(tree: AttemptTree, commit: Sha): Promise<void>;
  /** Commits the changes of the script without ignored files. Undefined: there are none. */
  save(tree: AttemptTree, message: string): Promise<Sha | undefined>;
  /** Removes the worktree. A ref must hold its content by then. */
  release(tree: AttemptTree): Promise<void>;
  /** Ends process groups of dead runners on this machine, saves their trees, then removes them. */
  sweep(): Promise<void>;
}
