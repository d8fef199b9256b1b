/**
 * Where branches are checked out, and making a checkout follow its branch.
 *
 * What must hold: a person's files are never overwritten; finding out costs no git process (the
 * files read here are those of gitrepository-layout(5)); a follow that a crash cut short is
 * finished by the next look, because its intent was written in the answer's own swap.
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
  /** True in the middle of a rebase of this branch. */
  readonly isRebasing: boolean;
}

/** Every worktree that has a branch checked out or in rebase. */
export function listCheckouts(place: GitLocation): Checkout[] {
  const found: Checkout[] = [];
  if (place.top !== undefined && existsSync(place.top))
    found.push(...readCheckout(place.commonDir, place.top));
  const linked = join(place.commonDir, "worktrees");
  for (const id of existsSync(linked) ? readdirSync(linked) : []) {
    const gitDir = join(linked, id);
    const gitFile = readLine(join(gitDir, "gitdir"));
    if (gitFile === undefined) continue;
    const dir = dirname(resolve(gitDir, gitFile));
    if (leadsTo(dir, gitDir)) found.push(...readCheckout(gitDir, dir));
  }
  return found;
}

/** A folder that was deleted may have become another repository: its files are none of ours. */
function leadsTo(dir: string, gitDir: string): boolean {
  const link = readLine(join(dir, ".git"))?.replace(/^gitdir: /, "");
  return link !== undefined && realpath(resolve(dir, link)) === realpath(gitDir);
}

function realpath(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** git in a checkout; told where everything is, because a `core.worktree` has no link to find. */
function gitAt(git: Git, { dir, gitDir }: Checkout): Git {
  return git.with({ dir, globalOptions: [`--git-dir=${gitDir}`, `--work-tree=${dir}`] });
}

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

/** Why a checkout cannot follow now, or undefined. With both ids, the very files are tried. */
export async function checkoutBlocker(
  git: Git,
  checkout: Checkout,
  move?: { readonly from: Sha; readonly to: Sha },
): Promise<string | undefined> {
  const { dir } = checkout;
  if (checkout.isRebasing) return MESSAGES.rebasing(dir);
  const here = gitAt(git, checkout);
  const changes = await here.text([
    "--no-optional-locks",
    "status",
    "--porcelain",
    "-z",
    "--untracked-files=no",
  ]);
  if (changes !== "") return MESSAGES.dirtyCheckout(dir);
  if (!move) return undefined;
  const dryRun = await here.run(["read-tree", "-n", "-m", "-u", move.from, move.to], {
    allowedCodes: [1, 128],
  });
  if (dryRun.code !== 0) return MESSAGES.wouldOverwrite(dir);
  // git takes an ignored file for one that may be overwritten; its owner does not.
  return (await findObstacle(here, move.from, move.to)) ? MESSAGES.wouldOverwrite(dir) : undefined;
}

/** Moves index and files from one commit to the other. False when a file stood in the way. */
export async function followCheckout(git: Git, checkout: Checkout, from: Sha, to: Sha): Promise<boolean> {
  const here = gitAt(git, checkout);
  // A crash may have come after the files were moved: then the index already equals the new commit.
  const there = await here.run(["diff-index", "--cached", "--quiet", to, "--"], { allowedCodes: [1] });
  if (there.code === 0) return true;
  if (await findObstacle(here, from, to)) return false;
  const moved = await here.run(["read-tree", "-m", "-u", from, to], { allowedCodes: [1, 128] });
  return moved.code === 0;
}

/** The first such path; undefined when there is none. `git` works in the checkout. */
export async function findObstacle(git: Git, from: Sha, to: Sha): Promise<string | undefined> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--name-status", from, to];
  const fields = (await git.text(args)).split("\0");
  const pathsOf = (status: string) => fields.filter((_, at) => at % 2 === 1 && fields[at - 1] === status);
  const gone = new Set(pathsOf("D"));
  return pathsOf("A").find((path) => isInTheWay(git.target.dir, path, gone));
}

function isInTheWay(dir: string, path: string, gone: ReadonlySet<string>): boolean {
  const parts = path.split("/");
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join("/");
    const found = lstatSync(join(dir, part), { throwIfNoEntry: false });
    if (!found || gone.has(part)) return false;
    if (!found.isDirectory()) return true;
  }
  return holdsMore(dir, path, gone);
}

/** True for a folder with anything but files that go. */
function holdsMore(dir: string, folder: string, gone: ReadonlySet<string>): boolean {
  return readdirSync(join(dir, folder), { withFileTypes: true }).some((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? holdsMore(dir, path, gone) : !gone.has(path);
  });
}
