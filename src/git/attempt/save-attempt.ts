/**
 * Saves what an attempt without a response holds, as one commit.
 *
 * Invariants:
 * - Ignored files and files that were brought from the person stay out, because the commit is published.
 * - Whatever state the tree is in, as much as possible is saved, and saving does not fail for it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { Sha } from "../../core/protocol/ids.ts";
import { type BoundedGit, isGitProblem } from "../bounded-git.ts";
import { isPlainText } from "../byte-text.ts";
import { BOT } from "../local-repository.ts";
import { identityVariables } from "../open-repository.ts";
import { requireSha } from "../parse-output.ts";
import { GIT_LIMITS } from "../timing.ts";
import { isFolder } from "./attempt-folder.ts";
import { findPipe, type Attempt } from "./attempt.ts";
import { readTree } from "./collect-attempt.ts";
import { BarredCommit, importCommits } from "./import-commits.ts";
import { takeLfsObjects } from "./lfs-objects.ts";
import { listOwnChanges } from "./own-changes.ts";
import { newCommits, readOwnHead } from "./own-git.ts";
import { rescueTree } from "./rescue-tree.ts";
import { LINK, listTree, onIndexOf, writeTree } from "./tree-git.ts";

const DEEPEST_NESTING = 20;

export interface SavedAttempt {
  /** Undefined: there is nothing to save. */
  readonly commit: Sha | undefined;
  /** What must not, or could not, be committed; the folder of the attempt has to stay. */
  readonly kept: readonly string[];
}

/** A commit of everything, on top of the script's own commits. */
export async function saveAttempt(
  attempt: Attempt,
  message: string,
  limitMs?: number,
): Promise<SavedAttempt> {
  const { head, heads, lost } = await importAll(attempt);
  const saved = await saveOnTop(
    attempt,
    head,
    heads.filter((id) => id !== head),
    message,
    limitMs,
  );
  return { ...saved, kept: [...saved.kept, ...lost] };
}

/** A commit of the files on top of commits that the trusted repository has. */
export async function saveOnTop(
  attempt: Attempt,
  head: Sha,
  others: readonly Sha[],
  message: string,
  limitMs: number = GIT_LIMITS.saveMs,
): Promise<SavedAttempt> {
  const { folder, gits } = attempt;
  const { request: base } = attempt.record;
  const saved: SavedTree = isFolder(folder.tree)
    ? await saveTree(attempt, head, performance.now() + limitMs)
    : { tree: undefined, kept: [] };
  if (head === base && others.length === 0 && saved.tree === undefined)
    return { commit: undefined, kept: saved.kept };
  const parents = [head, ...others].flatMap((id) => ["-p", id]);
  const args = ["commit-tree", ...parents, "-F", "-", saved.tree ?? `${head}^{tree}`];
  const env = identityVariables(BOT, BOT);
  const commit = requireSha(await gits.objects.text(args, { stdin: message, env }));
  return { commit, kept: saved.kept };
}

/** The refs that the attempt began with; none, when its runner died before it wrote them. */
const readRefs = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

interface Imported {
  /** The commit of HEAD. */
  readonly head: Sha;
  /** Commits to save, none below another: HEAD, other branches, stashes. */
  readonly heads: readonly Sha[];
  /** What could not be read. */
  readonly lost: readonly string[];
}

/** More parents than this are not written: a commit with them could not be read by a person. */
const MOST_PARENTS = 50;

async function importAll(attempt: Attempt): Promise<Imported> {
  const { folder, gits, record } = attempt;
  const { request: base } = record;
  const nothing = { head: base, heads: [], lost: [] };
  if (!isFolder(folder.gitDir)) return nothing;
  const lost = hasOwnObjects(folder.gitDir) ? ["commits that git could not read"] : [];
  if (findPipe(folder) !== undefined) return { ...nothing, lost };
  try {
    const head = (await readOwnHead(gits.own, folder, record)) ?? base;
    const others = await newCommits(gits.own, readRefs(folder.refs));
    const found = [...new Set([head, ...others])].filter((id) => id !== base);
    if (found.length === 0) return { ...nothing, lost: head === base ? [] : lost };
    const { imported, barred } = await importEach(attempt, found);
    const named = imported.slice(0, MOST_PARENTS);
    const independent =
      named.length < 2 ? named.join("") : await gits.objects.text(["merge-base", "--independent", ...named]);
    const heads = independent.split("\n").flatMap((line) => (line === "" ? [] : [requireSha(line)]));
    const cut = imported.length > named.length ? [`${imported.length - named.length} more branches`] : [];
    return { head: imported.includes(head) ? head : base, heads, lost: [...barred, ...cut] };
  } catch (error) {
    if (isGitProblem(error)) return { ...nothing, lost };
    throw error;
  }
}

/** Imports all commits at once; if one of them must not be published, each for itself. */
async function importEach(
  attempt: Attempt,
  ids: readonly Sha[],
): Promise<{ readonly imported: readonly Sha[]; readonly barred: readonly string[] }> {
  try {
    await importAny(attempt, ids);
    return { imported: ids, barred: [] };
  } catch (error) {
    if (!(error instanceof BarredCommit)) throw error;
    if (ids.length === 1) return { imported: [], barred: [`the commit ${ids[0]}: ${error.message}`] };
  }
  const imported: Sha[] = [];
  const barred: string[] = [];
  for (const id of ids.slice(0, MOST_PARENTS)) {
    const one = await importEach(attempt, [id]);
    imported.push(...one.imported);
    barred.push(...one.barred);
  }
  return { imported, barred };
}

/** True when the script wrote objects. The repository begins with those of the trusted one alone. */
function hasOwnObjects(gitDir: string): boolean {
  try {
    const names = readdirSync(join(gitDir, "objects"));
    return names.some((name) => name.length === 2) || readdirSync(join(gitDir, "objects/pack")).length > 0;
  } catch {
    return false;
  }
}

/** Imports commits, also those of a new repository of the script, which lacks the request. */
async function importAny(attempt: Attempt, heads: readonly Sha[]): Promise<void> {
  try {
    await importCommits(attempt, heads, attempt.record.request);
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    await importCommits(attempt, heads, undefined);
  }
}

interface SavedTree {
  /** Undefined: the files are those of the head. */
  readonly tree: Sha | undefined;
  readonly kept: readonly string[];
}

/** `deadline` is on the monotonic clock. What is left then is named, and kept in the folder. */
async function saveTree(attempt: Attempt, head: Sha, deadline: number): Promise<SavedTree> {
  if (attempt.isStuck || findPipe(attempt.folder) !== undefined) return rescueTree(attempt, head, deadline);
  try {
    return await addTree(attempt, head, deadline);
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    return rescueTree(attempt, head, deadline);
  }
}

async function addTree(attempt: Attempt, head: Sha, deadline: number): Promise<SavedTree> {
  const { folder, gits, record } = attempt;
  const trusted = await onIndexOf(gits.trusted, folder, record.request, head);
  const commits = await listOwnChanges(gits.objects, record.request, head);
  const left = await readTree({ ...attempt, gits: { ...gits, trusted } });
  const { listing, submodules, filtered, newLinks, additions } = left;
  const unnamed = listing.nested.filter((path) => !isPlainText(path));
  const kept = [...filtered.changed.map(([path]) => path), ...unnamed];
  // Commits of another repository would be gone with the attempt, so its files are saved instead.
  const committed = commits.filter(({ mode }) => mode === LINK);
  const foreign = [...newLinks, ...committed]
    .map(({ path }) => path)
    .filter((path) => isFolder(join(folder.tree, path)));
  const nested = new Set([
    ...listing.nested.map((path) => path.slice(0, -1)),
    ...foreign,
    ...submodules.edited,
  ]);
  if (left.isClean && nested.size === 0) return { tree: undefined, kept };
  let tree = await writeTree(trusted, {
    ...additions,
    excluded: [...additions.excluded, ...nested, ...filtered.changed.map(([path]) => path)],
    ignoreErrors: true,
  });
  const late: string[] = [];
  const placing: Placing = {
    isLate: () => performance.now() > deadline,
    leaveOut: (path) => void late.push(relative(folder.tree, path)),
  };
  for (const path of nested) tree = (await placeNested(trusted, folder.tree, path, 1, placing)) ?? tree;
  const lfsProblem = await takeLfsObjects(gits.objects, gits.lfs, folder, [tree], head);
  return { tree, kept: [...kept, ...nameSome(late), ...(lfsProblem === undefined ? [] : [lfsProblem])] };
}

/** How many paths the reason of a kept folder names. */
const MOST_NAMES = 10;

const nameSome = (paths: readonly string[]): string[] => [
  ...paths.slice(0, MOST_NAMES),
  ...(paths.length > MOST_NAMES ? [`${paths.length - MOST_NAMES} more repositories`] : []),
];

interface Placing {
  readonly isLate: () => boolean;
  readonly leaveOut: (path: string) => void;
}

/** Puts the files of a repository inside the tree into the index, as plain files. Undefined: it is too late. */
async function placeNested(
  trusted: BoundedGit,
  tree: string,
  name: string,
  depth: number,
  placing: Placing,
): Promise<Sha | undefined> {
  if (placing.isLate()) {
    placing.leaveOut(join(tree, name));
    return undefined;
  }
  await trusted.run(["update-index", "-z", "--force-remove", "--stdin"], { stdin: `${name}\0` });
  if (depth < DEEPEST_NESTING) {
    const content = await writeNested(trusted, join(tree, name), depth, placing);
    await trusted.run(["read-tree", `--prefix=${name}/`, content]);
  }
  return requireSha(await trusted.text(["write-tree"]));
}

async function writeNested(
  trusted: BoundedGit,
  folder: string,
  depth: number,
  placing: Placing,
): Promise<Sha> {
  const index = `${trusted.target.env["GIT_INDEX_FILE"] ?? ""}.nested`;
  rmSync(index, { force: true });
  mkdirSync(folder, { recursive: true });
  const inside = trusted.with({ dir: folder, env: { GIT_WORK_TREE: folder, GIT_INDEX_FILE: index } });
  try {
    const { nested } = await listTree(inside);
    let tree = await writeTree(inside, { excluded: nested, ignoreErrors: true });
    for (const path of nested)
      tree = (await placeNested(inside, folder, path.slice(0, -1), depth + 1, placing)) ?? tree;
    return tree;
  } finally {
    rmSync(index, { force: true });
  }
}
