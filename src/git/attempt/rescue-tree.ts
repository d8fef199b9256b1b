/**
 * Saves the files of a tree that `git add` cannot read, such as one with a named pipe for a `.gitignore`.
 *
 * Invariants:
 * - git reads no file of the tree but those that are stored, and those without attributes or filters.
 * - The request's own `.gitignore` and `.gitattributes` files apply, because those of the tree may be the
 *   cause. Where even they take too long, nothing is stored and the folder is kept.
 */
import { accessSync, constants, copyFileSync, mkdirSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../../core/protocol/ids.ts";
import { type BoundedGit, isGitProblem } from "../bounded-git.ts";
import { decodeBytes, diskPath } from "../byte-text.ts";
import { requireSha } from "../parse-output.ts";
import { statOf } from "./attempt-folder.ts";
import type { Attempt } from "./attempt.ts";
import { linksIn } from "./submodules.ts";
import { LINK, readIndex } from "./tree-git.ts";

const MOST_FILES = 200_000;
/** How many files the reason of a kept folder names. */
const MOST_NAMES = 10;
const LARGEST_FILE = 512 * 1024 * 1024;
const MODES = { link: "120000", program: "100755", file: "100644" } as const;

/** Files and links of the tree, each with its mode in git. */
type Walk = ReadonlyMap<string, string>;

export async function rescueTree(
  { folder, gits, record }: Attempt,
  head: Sha,
  deadline: number,
): Promise<{ tree: Sha | undefined; kept: string[] }> {
  const scratch = join(folder.folder, "scratch");
  const index = join(folder.folder, "rescue-index");
  for (const path of [scratch, index]) rmSync(path, { recursive: true, force: true });
  mkdirSync(scratch);
  const env = { GIT_WORK_TREE: scratch, GIT_INDEX_FILE: index };
  const git = gits.trusted.with({ dir: scratch, env, settings: ODD_NAMES });
  await git.run(["read-tree", head]);
  const tracked = await readIndex(git);
  const links = new Set(linksIn(tracked).map(({ path }) => path));
  const brought = (record.brought ?? []).map(({ path }) => path);
  const walk = walkTree(folder.tree, links, brought);
  const rules = await readRules(git, [...tracked.keys()], [...walk.found.keys()]);
  const isUnsaved = (path: string) =>
    rules === undefined ? true : rules.filtered.has(path) || (!tracked.has(path) && rules.ignored.has(path));
  const saved = new Map([...walk.found].filter(([path]) => !isUnsaved(path)));
  const ids = await storeFiles(git, folder.tree, saved, join(folder.folder, "odd-name"), deadline);
  for (const { id } of record.brought ?? [])
    for (const [path, value] of ids) if (value === id) ids.delete(path);
  const lines = [...saved].flatMap(([path, mode]) => {
    const id = ids.get(path);
    return id === undefined || (tracked.get(path)?.id === id && tracked.get(path)?.mode === mode)
      ? []
      : [`${mode} ${id}\t${path}\0`];
  });
  const gone = [...tracked].filter(
    ([path, { mode }]) => mode !== LINK && !walk.found.has(path) && !walk.isCut,
  );
  const removals = gone.map(([path]) => `0 ${"0".repeat(head.length)}\t${path}\0`);
  await git.run(["update-index", "-z", "--index-info"], { stdin: [...removals, ...lines].join("") });
  const kept = [
    ...(rules === undefined || walk.isCut ? ["files that git could not judge"] : []),
    ...walk.submodules.map((path) => `the submodule ${path}`),
    ...[...walk.found.keys()].filter((path) => rules?.filtered.has(path)).slice(0, MOST_NAMES),
    ...[...saved.keys()].filter((path) => !ids.has(path)).slice(0, MOST_NAMES),
  ];
  if (lines.length + removals.length === 0) return { tree: undefined, kept };
  return { tree: requireSha(await git.text(["write-tree"])), kept };
}

/** Names that other systems mistake for `.git` are saved too. */
const ODD_NAMES = [
  ["core.protectNTFS", "false"],
  ["core.protectHFS", "false"],
] as const;

interface WalkResult {
  readonly found: Walk;
  /** Folders of submodules with something in them, which are not entered. */
  readonly submodules: readonly string[];
  /** True when not everything could be looked at. */
  readonly isCut: boolean;
}

/** Every file and link below a folder, without repositories' own files and the skipped paths. */
function walkTree(tree: string, links: ReadonlySet<string>, skipped: readonly string[]): WalkResult {
  const found = new Map<string, string>();
  const submodules: string[] = [];
  let isCut = false;
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = namesIn(join(tree, folder));
    if (!names) isCut = true;
    for (const name of names ?? []) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (name.toLowerCase() === ".git" || skipped.includes(path)) continue;
      if (found.size >= MOST_FILES) return { found, submodules, isCut: true };
      const stats = statOf(join(tree, path));
      if (!stats) isCut = true;
      else if (stats.isDirectory() && links.has(path)) {
        if (namesIn(join(tree, path))?.length !== 0) submodules.push(path);
      } else if (stats.isDirectory()) folders.push(path);
      else if (stats.isSymbolicLink()) found.set(path, MODES.link);
      else if (stats.isFile()) found.set(path, stats.mode & 0o100 ? MODES.program : MODES.file);
    }
  }
  return { found, submodules, isCut };
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(diskPath(folder), "buffer").map((name) => decodeBytes(name));
  } catch {
    return undefined;
  }
}

interface Rules {
  readonly ignored: ReadonlySet<string>;
  /** Files that are stored through a filter, which must not be stored as they are. */
  readonly filtered: ReadonlySet<string>;
}

/** What the rules of the request say about paths; undefined when git could not judge them. */
async function readRules(
  git: BoundedGit,
  tracked: readonly string[],
  paths: readonly string[],
): Promise<Rules | undefined> {
  if (paths.length === 0) return { ignored: new Set(), filtered: new Set() };
  const lines = (names: readonly string[]) => names.map((path) => `${path}\0`).join("");
  try {
    const files = tracked.filter((path) => /(?:^|\/)\.git(?:ignore|attributes)$/.test(path));
    await git.run(["checkout-index", "-z", "--stdin"], { stdin: lines(files) });
    const stdin = lines(paths);
    const ignored = await git.text(["check-ignore", "-z", "--no-index", "--stdin"], {
      stdin,
      allowedCodes: [1],
    });
    const fields = (await git.text(["check-attr", "-z", "--stdin", "filter"], { stdin })).split("\0");
    const filtered = fields.filter(
      (_, at) => at % 3 === 0 && !["unspecified", "unset", undefined].includes(fields[at + 2]),
    );
    return { ignored: new Set(ignored.split("\0")), filtered: new Set(filtered) };
  } catch (error) {
    if (isGitProblem(error)) return undefined;
    throw error;
  }
}

/**
 * Stores files as they are, those with an odd name from a copy, and returns the id of each one that can be
 * read. Links and files with odd names need a process each, and are stored until the deadline.
 */
async function storeFiles(
  git: BoundedGit,
  tree: string,
  files: Walk,
  copy: string,
  deadline: number,
): Promise<Map<string, string>> {
  const isLate = () => performance.now() > deadline;
  const inTree = git.with({ dir: tree });
  const store = ["hash-object", "-w", "--no-filters"];
  const ids = new Map<string, string>();
  const readable = [...files].filter(([path, mode]) => mode !== MODES.link && isReadable(join(tree, path)));
  const plain = readable.map(([path]) => path).filter((path) => !isOdd(path));
  const stdin = plain.map((path) => `${path}\n`).join("");
  const output = plain.length === 0 ? "" : await inTree.text([...store, "--stdin-paths"], { stdin });
  for (const [at, id] of output.split("\n").entries()) if (plain[at] !== undefined) ids.set(plain[at], id);
  for (const [path] of readable) {
    if (!isOdd(path) || isLate()) continue;
    copyFileSync(diskPath(join(tree, path)), copy);
    ids.set(path, (await git.text([...store, "--", copy])).trim());
  }
  rmSync(copy, { force: true });
  for (const [path, mode] of files) {
    if (mode !== MODES.link || isLate()) continue;
    ids.set(
      path,
      (
        await git.text([...store, "--stdin"], {
          stdin: decodeBytes(readlinkSync(diskPath(join(tree, path)), "buffer")),
        })
      ).trim(),
    );
  }
  return ids;
}

/** Names that git would read differently on a line of its input. */
const isOdd = (path: string): boolean => path.includes("\n") || path.startsWith('"');

function isReadable(file: string): boolean {
  try {
    accessSync(diskPath(file), constants.R_OK);
    return (statOf(file)?.size ?? Number.POSITIVE_INFINITY) <= LARGEST_FILE;
  } catch {
    return false;
  }
}
