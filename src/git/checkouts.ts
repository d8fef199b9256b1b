/**
 * Finds where branches are checked out, and lets a checkout follow its branch.
 *
 * Invariants:
 * - A person's files are never overwritten.
 * - Finding checkouts needs no git process; the files are those of gitrepository-layout(5).
 * - The next poll finishes a follow after a crash, because the swap of the response recorded it.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Branch, branchOf, type Sha } from "../core/protocol/ids.ts";
import { MESSAGES } from "../core/messages/messages.ts";
import type { Git } from "./git.ts";
import type { GitLocation } from "./open-repository.ts";

export interface Checkout {
  readonly gitDir: string;
  readonly dir: string;
  readonly branch: Branch;
  /** True during a rebase of this branch. */
  readonly isRebasing: boolean;
}

/** Every worktree with a branch that is checked out or being rebased. */
export function listCheckouts(location: GitLocation): Checkout[] {
  const checkouts: Checkout[] = [];
  if (location.top !== undefined && existsSync(location.top))
    checkouts.push(...readCheckout(location.commonDir, location.top));
  const linked = join(location.commonDir, "worktrees");
  for (const id of existsSync(linked) ? readdirSync(linked) : []) {
    const gitDir = join(linked, id);
    const gitFile = readLine(join(gitDir, "gitdir"));
    if (gitFile === undefined) continue;
    const dir = dirname(resolve(gitDir, gitFile));
    if (isLinkedTo(dir, gitDir)) checkouts.push(...readCheckout(gitDir, dir));
  }
  return checkouts;
}

/** True when the folder still belongs to this worktree: a deleted folder may be another repository now. */
function isLinkedTo(dir: string, gitDir: string): boolean {
  const link = readLine(join(dir, ".git"))?.replace(/^gitdir: /, "");
  return link !== undefined && realpath(resolve(dir, link)) === realpath(gitDir);
}

function realpath(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** git in a checkout. The directories are explicit, because a `core.worktree` has no link to find them. */
export function checkoutGitOf(git: Git, { dir, gitDir }: Pick<Checkout, "dir" | "gitDir">): Git {
  return git.with({ dir, globalOptions: [`--git-dir=${gitDir}`, `--work-tree=${dir}`] });
}

export const indexLockOf = ({ gitDir }: Pick<Checkout, "gitDir">): string => join(gitDir, "index.lock");

function readCheckout(gitDir: string, dir: string): Checkout[] {
  const head = readLine(join(gitDir, "HEAD"));
  const rebase =
    readLine(join(gitDir, "rebase-merge", "head-name")) ??
    readLine(join(gitDir, "rebase-apply", "head-name"));
  const branch = branchOf(rebase ?? head?.replace(/^ref: /, "") ?? "");
  return branch ? [{ gitDir, dir, branch, isRebasing: rebase !== undefined }] : [];
}

function readLine(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Why a checkout cannot follow now, or undefined. With `move`, a dry run checks the changed files. */
export async function checkoutBlocker(
  git: Git,
  checkout: Checkout,
  move?: { readonly from: Sha; readonly to: Sha },
): Promise<string | undefined> {
  const { dir } = checkout;
  if (checkout.isRebasing) return MESSAGES.rebasing(dir);
  const checkoutGit = checkoutGitOf(git, checkout);
  const changes = await checkoutGit.text([
    "--no-optional-locks",
    "status",
    "--porcelain",
    "-z",
    "--untracked-files=no",
  ]);
  if (changes !== "") return MESSAGES.dirtyCheckout(dir);
  if (!move) return undefined;
  const lock = indexLockOf(checkout);
  if (existsSync(lock)) return MESSAGES.lockedCheckout(lock);
  if (!(await readTree(checkoutGit, ["-n"], move.from, move.to))) return MESSAGES.wouldOverwrite(dir);
  // git would overwrite ignored files, but they belong to a person.
  return (await findObstacle(checkoutGit, move.from, move.to)) ? MESSAGES.wouldOverwrite(dir) : undefined;
}

/** Moves index and files from one commit to another. False when an existing file would be overwritten. */
export async function followCheckout(
  repositoryGit: Git,
  checkout: Checkout,
  from: Sha,
  to: Sha,
): Promise<boolean> {
  const git = checkoutGitOf(repositoryGit, checkout);
  // After a crash that followed the move of the files, the index equals the new commit.
  const indexDiff = await git.run(["diff-index", "--cached", "--quiet", to, "--"], { allowedCodes: [1] });
  if (indexDiff.code === 0) return true;
  if (await findObstacle(git, from, to)) return false;
  return readTree(git, [], from, to);
}

/**
 * True when git could move the files. Files whose times changed count as changed until the index is
 * refreshed, although `status` knows better.
 */
async function readTree(git: Git, options: readonly string[], from: Sha, to: Sha): Promise<boolean> {
  const run = () => git.run(["read-tree", ...options, "-m", "-u", from, to], { allowedCodes: [1, 128] });
  if ((await run()).code === 0) return true;
  await git.run(["update-index", "-q", "--refresh"], { allowedCodes: [1, 128] });
  return (await run()).code === 0;
}

/** The first existing path that a new file would overwrite. `git` works in the checkout. */
export async function findObstacle(git: Git, from: Sha, to: Sha): Promise<string | undefined> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--name-status", from, to];
  const fields = (await git.text(args)).split("\0");
  const pathsOf = (status: string) => fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === status);
  const gone = new Set(pathsOf("D"));
  return pathsOf("A").find((path) => isObstacle(git.target.dir, path, gone));
}

function isObstacle(dir: string, path: string, gone: ReadonlySet<string>): boolean {
  const parts = path.split("/");
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join("/");
    const stats = lstatSync(join(dir, part), { throwIfNoEntry: false });
    if (!stats || gone.has(part)) return false;
    if (!stats.isDirectory()) return true;
  }
  return hasOtherFiles(dir, path, gone);
}

/** True for a folder with files besides those in `gone`. */
function hasOtherFiles(dir: string, folder: string, gone: ReadonlySet<string>): boolean {
  return readdirSync(join(dir, folder), { withFileTypes: true }).some((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? hasOtherFiles(dir, path, gone) : !gone.has(path);
  });
}
