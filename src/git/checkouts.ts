/**
 * Where branches are checked out, and making a checkout follow its branch.
 *
 * What must hold: a person's files are never overwritten; finding out costs no git process (the
 * files read here are those of gitrepository-layout(5)); a follow that a crash cut short is
 * finished by the next look, because its intent was written in the answer's own swap.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { branchOf, type Branch, type Sha } from "../core/ids.ts";
import { words } from "../core/words.ts";
import type { Git } from "./exec.ts";
import type { Place } from "./open.ts";

export interface Checkout {
  readonly dir: string;
  readonly branch: Branch;
  /** True in the middle of a rebase of this branch. */
  readonly rebasing: boolean;
}

/** Every worktree that has a branch checked out or in rebase. */
export function listCheckouts(place: Place): Checkout[] {
  const found: Checkout[] = [];
  if (place.top !== undefined) found.push(...readCheckout(place.commonDir, place.top));
  const linked = join(place.commonDir, "worktrees");
  for (const id of existsSync(linked) ? readdirSync(linked) : []) {
    const gitDir = join(linked, id);
    const gitFile = readLine(join(gitDir, "gitdir"));
    if (gitFile !== undefined) found.push(...readCheckout(gitDir, dirname(gitFile)));
  }
  return found;
}

function readCheckout(gitDir: string, dir: string): Checkout[] {
  const head = readLine(join(gitDir, "HEAD"));
  const rebase =
    readLine(join(gitDir, "rebase-merge", "head-name")) ??
    readLine(join(gitDir, "rebase-apply", "head-name"));
  const branch = branchOf(rebase ?? head?.replace(/^ref: /, "") ?? "");
  return branch ? [{ dir, branch, rebasing: rebase !== undefined }] : [];
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
  if (!existsSync(dir)) return undefined;
  if (checkout.rebasing) return words.rebasing(dir);
  const here = git.with({ dir });
  const changes = await here.text([
    "--no-optional-locks",
    "status",
    "--porcelain",
    "-z",
    "--untracked-files=no",
  ]);
  if (changes !== "") return words.dirtyCheckout(dir);
  if (!move) return undefined;
  const dryRun = await here.run(["read-tree", "-n", "-m", "-u", move.from, move.to], { codes: [1, 128] });
  return dryRun.code === 0 ? undefined : words.wouldOverwrite(dir);
}

/** Moves index and files from one commit to the other. False when a file stood in the way. */
export async function followCheckout(git: Git, dir: string, from: Sha, to: Sha): Promise<boolean> {
  if (!existsSync(dir)) return true;
  const here = git.with({ dir });
  // A crash may have come after the files were moved: then the index already equals the new commit.
  const there = await here.run(["diff-index", "--cached", "--quiet", to, "--"], { codes: [1] });
  if (there.code === 0) return true;
  const moved = await here.run(["read-tree", "-m", "-u", from, to], { codes: [1, 128] });
  return moved.code === 0;
}
