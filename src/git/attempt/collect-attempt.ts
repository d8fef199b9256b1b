/**
 * What an attempt holds after its script: its commits, and a tree of everything that was left.
 *
 * Invariants:
 * - What lies in the tree is data: it is compared and checked, and never configures the trusted git.
 * - Nothing is left out in silence. What cannot become a part of the response is named, and saved.
 */
import { join } from "node:path";
import type { Sha } from "../../core/protocol/ids.ts";
import type { CollectedTree } from "../../engine/attempt-trees.ts";
import { isPlainText } from "../byte-text.ts";
import { GitExit } from "../git.ts";
import { findPipe, indexSignature, type Attempt, type AttemptGits } from "./attempt.ts";
import { isFolder, statOf, type RunRecord } from "./attempt-folder.ts";
import { findBroughtFiles } from "./bring-files.ts";
import { filterProblem, findFilteredFiles, type FilteredFiles } from "./filtered-files.ts";
import { BarredCommit, importCommits } from "./import-commits.ts";
import { outsideLinkProblem } from "./outside-links.ts";
import { takeLfsObjects } from "./lfs-objects.ts";
import { listEachChange, newestOf } from "./own-changes.ts";
import { readHeadFile, readOwnHead } from "./own-git.ts";
import { hasCommit, resolveAddress, submoduleAddresses } from "./submodule-remotes.ts";
import { linksIn, readSubmodules, type Link, type SubmoduleState } from "./submodules.ts";
import {
  LINK,
  listTree,
  onIndexOf,
  readIndex,
  writeTree,
  type Additions,
  type TreeListing,
} from "./tree-git.ts";
import { isInCone, readSparse } from "./sparse-checkout.ts";

/** The response's commits and tree, or what is wrong with them. */
export async function collectAttempt(attempt: Attempt): Promise<CollectedTree | string> {
  const { folder, gits, record } = attempt;
  const { request: base } = record;
  if (!isFolder(folder.tree) || !isFolder(folder.gitDir))
    return "its worktree, or the folder .git in it, was deleted";
  const pipe = findPipe(folder);
  if (pipe !== undefined) return `${pipe} is not a file, so git cannot read it`;
  const head = readHeadFile(folder, record) ?? (await readOwnHead(gits.own, folder, record));
  if (head === undefined) return REWRITTEN;
  const refusal = await takeCommits(attempt, head);
  if (refusal !== undefined) return refusal;
  const trusted = await onIndexOf(gits.trusted, folder, base, head);
  const changes = head === base ? [] : await listEachChange(gits.objects, [head], base);
  const commits = newestOf(changes);
  const left = await readTree({ ...attempt, gits: { ...gits, trusted } });
  // Also those that a later commit replaced: history would name a commit that exists nowhere.
  const links = changes.filter(({ mode }) => mode === LINK);
  const problem =
    copyProblem(record, left.brought) ??
    (await linkProblem(attempt, left, links)) ??
    filterProblem(left.filtered.changed[0]) ??
    (await outsideLinkProblem(gits.objects, folder.tree, left.listing, commits));
  if (problem !== undefined) return problem;
  if (left.isClean) return { head, tree: head, hasChanges: head !== base };
  const { additions, newLinks } = left;
  const tree = await writeTree(trusted, {
    ...additions,
    excluded: [...additions.excluded, ...newLinks.map(({ path }) => path)],
    links: newLinks,
  });
  const lfsProblem = await takeLfsObjects(gits.objects, gits.lfs, folder, [tree], head);
  return lfsProblem ?? { head, tree, hasChanges: true };
}

/** What a script left in its tree, compared with the index of its last commit. */
export interface LeftTree {
  readonly listing: TreeListing;
  readonly submodules: SubmoduleState;
  readonly filtered: FilteredFiles;
  /** Brought files that no rule ignores any more, and copies of them. */
  readonly brought: readonly string[];
  /** Links that no commit has: of submodules that were moved, and of repositories that the script added. */
  readonly newLinks: readonly Link[];
  /** What becomes a part of the tree besides the changed files, and what does not. */
  readonly additions: Additions;
  readonly isClean: boolean;
}

export async function readTree(attempt: Attempt): Promise<LeftTree> {
  const { folder, gits, record } = attempt;
  const listing = await listTree(gits.trusted);
  const staged = await readStaged(attempt, listing);
  const submodules = await readSubmodules(gits, folder, linksIn(listing.tracked));
  const filtered = await findFilteredFiles(gits, folder.tree, listing);
  const brought = findBroughtFiles(folder.tree, listing, record.brought);
  const settled = new Set([
    ...brought,
    ...staged.absent,
    ...filtered.untouched,
    ...filtered.changed.map(([path]) => path),
  ]);
  const moved = new Set(submodules.moved.map(({ path }) => path));
  const newLinks = [...submodules.moved, ...staged.links.filter(({ path }) => !moved.has(path))];
  const isClean =
    [...listing.changed, ...listing.untracked].every((path) => settled.has(path)) &&
    [
      listing.nested,
      newLinks,
      staged.forced,
      staged.dropped,
      staged.modes,
      submodules.removed,
      submodules.edited,
    ].every((paths) => paths.length === 0);
  const additions: Additions = {
    excluded: [...submodules.present, ...brought, ...staged.absent, ...filtered.untouched],
    forced: staged.forced,
    modes: staged.modes,
    dropped: [...staged.dropped, ...submodules.removed],
  };
  return { listing, submodules, filtered, brought, newLinks, additions, isClean };
}

/** A copy of a brought file would publish it under another name. */
function copyProblem({ brought = [] }: RunRecord, left: readonly string[]): string | undefined {
  const names = new Set(brought.map(({ path }) => path));
  const copy = left.find((path) => !names.has(path));
  return (
    copy && `${copy} holds the content of a file that was brought from the person and must not be published`
  );
}

/** What is wrong with repositories inside the tree: their work would be gone with the attempt. */
async function linkProblem(
  { folder, gits }: Attempt,
  { listing, submodules, newLinks }: LeftTree,
  committed: readonly Link[],
): Promise<string | undefined> {
  const links = [...committed, ...newLinks];
  const added = new Set(links.map(({ path }) => path));
  const unnamed = [...listing.nested, ...added].find((path) => !isPlainText(path));
  if (unnamed !== undefined) return `${unnamed} has a name that is not UTF-8, and is a repository of its own`;
  const nested = listing.nested.find((path) => !added.has(path.slice(0, -1)));
  if (nested !== undefined) return ownRepository(nested);
  const [edited] = submodules.edited;
  if (edited !== undefined)
    return `the submodule ${edited} has changes that no commit of it holds; commit and push them, or take them back`;
  if (links.length === 0) return undefined;
  const addresses = await submoduleAddresses(gits.own, folder.tree);
  for (const link of links) {
    const address = addresses.get(link.path);
    if (address === undefined) return ownRepository(`${link.path}/`);
    const resolved = resolveAddress(address, gits.origin);
    const isThere =
      (await gits.askSubmodule(link, resolved)) ?? (await hasCommit(gits.own, folder, resolved, link));
    if (!isThere)
      return `the submodule ${link.path} is at ${link.id}, which ${address} does not have or does not show to everyone; push it there, or let a person move the link`;
  }
  return undefined;
}

const ownRepository = (path: string): string =>
  `${path} is a repository of its own; remove its .git, or commit nothing there`;

const REWRITTEN = "its commits do not descend from the request; history may be added to, never rewritten";

/** Imports the commits of the script, or says why they cannot be a part of a response. */
async function takeCommits(attempt: Attempt, head: Sha): Promise<string | undefined> {
  const { request: base } = attempt.record;
  if (head === base) return undefined;
  try {
    await importCommits(attempt, [head], base);
    return (await isOnTop(attempt.gits, base, head)) ? undefined : REWRITTEN;
  } catch (error) {
    if (error instanceof BarredCommit) return error.message;
    if (error instanceof GitExit) return `${REWRITTEN} (${error.message})`;
    throw error;
  }
}

/** True when the first-parent line from `head` leads to `base`: a response adds, it rewrites nothing. */
async function isOnTop({ objects, reader, commonDir }: AttemptGits, base: Sha, head: Sha): Promise<boolean> {
  if (await reader.isNear(commonDir, base, head)) return true;
  // A file of the script may name anything as its head, such as a tag.
  if ((await reader.session.info([head]))[0]?.type !== "commit") return false;
  // Each line is a commit with its parents, and the first parent of the last one is not among the commits.
  const args = ["rev-list", "--first-parent", "--parents", "--end-of-options", `${base}..${head}`];
  const oldest = (await objects.text(args)).trimEnd().split("\n").at(-1) ?? "";
  return oldest.split(" ")[1] === base;
}

interface Staged {
  /** Ignored files that the script added to its index. */
  readonly forced: readonly string[];
  /** Files that the script took out of its index. */
  readonly dropped: readonly string[];
  /** Files that a sparse checkout of the script took out of the tree. */
  readonly absent: readonly string[];
  /** Modes that only an index can hold, where the disk has none. */
  readonly modes: readonly (readonly [path: string, mode: string])[];
  /** Links that the script added to its index, or gave another commit. */
  readonly links: readonly Link[];
}

const NOTHING_STAGED: Staged = { forced: [], dropped: [], absent: [], modes: [], links: [] };

/** What the script's own index says besides its files. */
async function readStaged(
  { folder, gits, record, firstIndex }: Attempt,
  { tracked, untracked }: TreeListing,
): Promise<Staged> {
  const index = indexSignature(folder);
  if (index === undefined || index === firstIndex) return NOTHING_STAGED;
  const entries = await readIndex(gits.own).catch((error: unknown) => {
    // A broken index stages nothing.
    if (error instanceof GitExit) return undefined;
    throw error;
  });
  if (!entries) return NOTHING_STAGED;
  const others = new Set(untracked);
  const brought = new Set(record.brought?.map(({ path }) => path));
  const added = [...entries].filter(([path]) => !tracked.has(path) && !brought.has(path));
  const isPresent = (path: string) => statOf(join(folder.tree, path)) !== undefined;
  // Files that the tree never held are deleted only if the script has asked for them.
  const held = readSparse(folder);
  const isElsewhere = (path: string) => held !== undefined && !isInCone(held, path);
  const links = linksIn(entries).filter(({ path, id }) => tracked.get(path)?.id !== id && isPresent(path));
  return {
    forced: added.flatMap(([path, { mode }]) =>
      mode !== LINK && !others.has(path) && isPresent(path) ? [path] : [],
    ),
    dropped: [
      ...[...tracked.keys()].filter((path) => !entries.has(path)),
      ...[...entries].flatMap(([path, { isSkipped }]) =>
        !isSkipped && isElsewhere(path) && tracked.has(path) && !isPresent(path) ? [path] : [],
      ),
    ],
    absent: [...entries].flatMap(([path, { isSkipped }]) => (isSkipped && !isPresent(path) ? [path] : [])),
    modes: gits.hasFileModes
      ? []
      : [...entries].flatMap(([path, { mode }]) =>
          mode.startsWith("100") &&
          tracked.get(path)?.mode.startsWith("100") &&
          tracked.get(path)?.mode !== mode
            ? [[path, mode] as const]
            : [],
        ),
    links,
  };
}
