/**
 * What a worktree holds after its script: its commits, and a tree of everything that was left.
 *
 * What must hold: nothing here changes the branch, or a file of the worktree for longer than a
 * call; `git` was told where the git directory is; a repository that a script made inside is never
 * taken for a submodule, because its objects are not ours and its files would be lost.
 */
import { lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../core/protocol/ids.ts";
import type { CollectedTree } from "../engine/ports.ts";
import { GitExit, type GitCall, type Git } from "./git.ts";
import { requireSha } from "./parse-output.ts";
import { BOT, identityVariables } from "./local-repository.ts";

interface Status {
  /** Undefined on a branch that has no commit yet. */
  readonly head: Sha | undefined;
  readonly dirty: boolean;
  /** Folders below that are repositories of their own. */
  readonly nested: readonly string[];
}

/** The answer's commits and tree, or what is wrong with them. */
export async function collect(git: Git, base: Sha): Promise<CollectedTree | string> {
  const { head, dirty, nested } = await readStatus(git, base);
  if (head === undefined || (head !== base && !(await isOnTop(git, base, head)))) {
    return "its commits do not descend from the request; history may be added to, never rewritten";
  }
  const [first] = nested;
  if (first !== undefined)
    return `${first} is a repository of its own; remove its .git, or commit nothing there`;
  return { head, tree: dirty ? await writeTree(git, nested) : head, hasChanges: dirty || head !== base };
}

/** A commit of everything, on top of the script's own commits; undefined: there is nothing. */
export async function collectAll(git: Git, base: Sha, message: string): Promise<Sha | undefined> {
  try {
    const { head = base, dirty, nested } = await readStatus(git, base);
    if (head === base && !dirty) return undefined;
    const tree = dirty || nested.length > 0 ? await writeTree(git, nested) : `${head}^{tree}`;
    return await commitTree(git, tree, head, message);
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    return rescue(git, base, message);
  }
}

/**
 * The same where git cannot read what is there: an index that a script broke, or attributes that its
 * files do not keep to, such as an encoding. A fresh index is made, and no attribute takes part.
 */
async function rescue(git: Git, base: Sha, message: string): Promise<Sha> {
  const { dir } = git.target;
  const head = (await readHead(git)) ?? base;
  rmSync(join(gitDirOf(git), "index"), { force: true });
  await git.run(["read-tree", head]);
  const list = ["ls-files", "-z", "-c", "-o", "--exclude-standard", "--", ":(glob)**/.gitattributes"];
  const paths = [...new Set((await git.text(list)).split("\0"))].filter((path) => path !== "");
  const files = paths.filter((path) => lstatSync(join(dir, path), { throwIfNoEntry: false })?.isFile());
  const aside = files.map((path) => ({ path, bytes: readFileSync(join(dir, path)) }));
  for (const path of files) rmSync(join(dir, path));
  await git.run(["update-index", "-z", "--force-remove", "--stdin"], { stdin: paths.join("\0") });
  try {
    const { nested } = await readStatus(git);
    await writeTree(git, nested);
  } finally {
    for (const { path, bytes } of aside) writeFileSync(join(dir, path), bytes);
  }
  for (const path of files) {
    const blob = requireSha(await git.text(["hash-object", "-w", "--no-filters", "--", path]));
    await git.run(["update-index", "--add", "--cacheinfo", `100644,${blob},${path}`]);
  }
  return commitTree(git, requireSha(await git.text(["write-tree"])), head, message);
}

/** The script's own commits: its files are gone. */
export async function collectCommits(git: Git, base: Sha, message: string): Promise<Sha | undefined> {
  const head = (await readHead(git)) ?? base;
  return head === base ? undefined : commitTree(git, `${head}^{tree}`, head, message);
}

async function readHead(git: Git): Promise<Sha | undefined> {
  const { code, stdout } = await git.run(["rev-parse", "--verify", "--quiet", "HEAD"], { allowedCodes: [1] });
  return code === 0 ? requireSha(stdout) : undefined;
}

async function readStatus(git: Git, base?: Sha, call: GitCall = {}): Promise<Status> {
  const args = ["status", "--porcelain=v2", "--branch", "--untracked-files=all", "--no-renames", "-z"];
  const entries = (await git.text(args, call)).split("\0").filter((entry) => entry !== "");
  const oid = entries.find((entry) => entry.startsWith("# branch.oid "))?.slice("# branch.oid ".length);
  const head = oid === "(initial)" ? undefined : requireSha(oid ?? "");
  const submodule = entries.some((entry) => entry.endsWith(" .gitmodules"));
  const staged = submodule ? [] : entries.flatMap((entry) => STAGED_LINK.exec(entry)?.[1] ?? []);
  const committed =
    base === undefined || head === undefined || base === head ? [] : await committedLinks(git, base, head);
  return {
    head,
    dirty: entries.some((entry) => !entry.startsWith("# ")),
    // With every untracked file listed, only a repository is still shown as a folder.
    nested: [
      ...entries.flatMap((entry) => (/^\? .*\/$/s.test(entry) ? [entry.slice(2)] : [])),
      ...[...staged, ...committed].map((path) => `${path}/`),
    ],
  };
}

/** A link to a repository that the index has and the head has not. */
const STAGED_LINK = /^1 \S+ \S+ 000000 160000 \S+ \S+ \S+ (.+)$/s;

/** New links to repositories in the script's commits, unless it made them submodules. */
async function committedLinks(git: Git, base: Sha, head: Sha): Promise<string[]> {
  const fields = (await git.text(["diff-tree", "-r", "-z", "--no-renames", base, head])).split("\0");
  const paths = fields.filter((_, at) => at % 2 === 1);
  if (paths.includes(".gitmodules")) return [];
  return paths.filter((_, at) => /^:(?!160000)\d+ 160000 /.test(fields[at * 2] ?? ""));
}

/** True when the first-parent line from `head` leads to `base`: a response adds, it rewrites nothing. */
async function isOnTop(git: Git, base: Sha, head: Sha): Promise<boolean> {
  const args = ["rev-list", "--first-parent", "--boundary", "--end-of-options", `${base}..${head}`];
  try {
    return (await git.text(args)).split("\n").includes(`-${base}`);
  } catch (error) {
    if (error instanceof GitExit) return false;
    throw error;
  }
}

/** A tree of all files that are not ignored; those of a repository inside are plain files in it. */
async function writeTree(git: Git, nested: readonly string[], call: GitCall = {}): Promise<Sha> {
  await git.run(["add", "--all", "--", ".", ...nested.map((path) => `:(exclude,literal)${path}`)], call);
  for (const path of nested) {
    await git.run(["update-index", "--force-remove", "--", path.slice(0, -1)], call);
    const tree = await writeNested(git, path, call);
    await git.run(["read-tree", `--prefix=${path}`, tree], call);
  }
  return requireSha(await git.text(["write-tree"], call));
}

async function writeNested(git: Git, path: string, outer: GitCall): Promise<Sha> {
  const dir = join(git.target.dir, path);
  const gitDir = gitDirOf(git);
  const index = `${outer.env?.["GIT_INDEX_FILE"] ?? join(gitDir, "index")}.nested`;
  const inside = git.with({ dir, globalOptions: [`--git-dir=${gitDir}`, `--work-tree=${dir}`] });
  const call = { env: { GIT_INDEX_FILE: index } };
  rmSync(index, { force: true });
  const { nested } = await readStatus(inside, undefined, call);
  try {
    return await writeTree(inside, nested, call);
  } finally {
    rmSync(index, { force: true });
  }
}

const gitDirOf = ({ target: place }: Git): string =>
  (place.globalOptions?.[0] ?? "").slice("--git-dir=".length);

async function commitTree(git: Git, tree: string, parent: Sha, message: string): Promise<Sha> {
  const args = ["commit-tree", "-p", parent, "-F", "-", tree];
  return requireSha(await git.text(args, { stdin: message, env: identityVariables(BOT, BOT) }));
}
