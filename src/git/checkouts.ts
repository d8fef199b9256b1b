/**
 * Finds where branches are checked out, and lets a checkout follow its branch.
 *
 * Invariants:
 * - A person's files are never overwritten.
 * - git says which branch a worktree has. It is asked again only after the files of the worktree's HEAD have
 *   changed. Each worktree is asked for itself, because one broken record ends `git worktree list`.
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

/** Every worktree with a branch that is checked out or being rebased, the main one first. */
export async function listCheckouts(location: GitLocation): Promise<Checkout[]> {
  const { commonDir, top } = location;
  const places: Place[] = top !== undefined && existsSync(top) ? [{ gitDir: commonDir, dir: top }] : [];
  const linked = join(commonDir, "worktrees");
  for (const id of existsSync(linked) ? readdirSync(linked) : []) {
    const gitDir = join(linked, id);
    const gitFile = readLine(join(gitDir, "gitdir"));
    if (gitFile === undefined) continue;
    const dir = dirname(resolve(gitDir, gitFile));
    if (isLinkedTo(dir, gitDir)) places.push({ gitDir, dir });
  }
  const checkouts = await Promise.all(places.map((place) => readCheckout(location.git, place)));
  return checkouts.filter((checkout) => checkout !== undefined);
}

type Place = Pick<Checkout, "dir" | "gitDir">;

/** True when the folder still belongs to this worktree: a deleted folder may be another repository now. */
function isLinkedTo(dir: string, gitDir: string): boolean {
  const link = readLine(join(dir, ".git"))?.replace(/^gitdir: /, "");
  return link !== undefined && realpath(resolve(dir, link)) === realpath(gitDir);
}

function realpath(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** Where git keeps what a worktree is at: as files, or as tables of refs. */
const HEAD_FILES = ["HEAD", "reftable/tables.list", "rebase-merge", "rebase-apply"];

/** The last answer of git for each git directory, and the state of its files then. */
const answers = new Map<string, { readonly state: string; readonly head: Promise<string> }>();

/** The ref that HEAD names; "" for a detached one, and for a worktree that git cannot read. */
function readHead(git: Git, gitDir: string): Promise<string> {
  const state = HEAD_FILES.map((name) => {
    const stats = lstatSync(join(gitDir, name), { throwIfNoEntry: false, bigint: true });
    return stats ? `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}` : "-";
  }).join("\n");
  const known = answers.get(gitDir);
  if (known?.state === state) return known.head;
  const args = ["symbolic-ref", "--quiet", "HEAD"];
  const head = git
    .with({ globalOptions: [`--git-dir=${gitDir}`] })
    .text(args, { allowedCodes: [1, 128] })
    .then((output) => output.trim());
  head.catch(() => answers.delete(gitDir));
  answers.set(gitDir, { state, head });
  return head;
}

/** git in a checkout. The directories are explicit, because a `core.worktree` has no link to find them. */
export function checkoutGitOf(git: Git, { dir, gitDir }: Pick<Checkout, "dir" | "gitDir">): Git {
  return git.with({ dir, globalOptions: [`--git-dir=${gitDir}`, `--work-tree=${dir}`] });
}

export const indexLockOf = ({ gitDir }: Pick<Checkout, "gitDir">): string => join(gitDir, "index.lock");

async function readCheckout(git: Git, { gitDir, dir }: Place): Promise<Checkout | undefined> {
  const rebase =
    readLine(join(gitDir, "rebase-merge", "head-name")) ??
    readLine(join(gitDir, "rebase-apply", "head-name"));
  const branch = branchOf(rebase ?? (await readHead(git, gitDir)));
  return branch ? { gitDir, dir, branch, isRebasing: rebase !== undefined } : undefined;
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
