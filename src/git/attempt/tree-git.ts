/**
 * The trusted git on the tree of an attempt: it fills the tree, and writes down what a script left.
 *
 * Invariants:
 * - The git directory and the index are trusted ones outside the tree. A `.git` in the tree is never read.
 * - No program of a filter driver runs, but those that the trusted workflow allows.
 * - git never enters the folder of a submodule, because it would obey the configuration there.
 */
import { copyFileSync, existsSync, rmSync, statSync, utimesSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { RunId, Sha } from "../../core/protocol/ids.ts";
import { RUN_VARIABLE } from "../../core/protocol/run-variable.ts";
import { BoundedGit } from "../bounded-git.ts";
import { SETTINGS, splitSetting, type Setting } from "../git.ts";
import type { GitLocation } from "../open-repository.ts";
import { requireSha } from "../parse-output.ts";
import { GIT_LIMITS } from "../timing.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { readSparse, skipAbsent, sparseEnvironment, sparseSettings } from "./sparse-checkout.ts";
import { LFS_OFFLINE } from "./lfs-transfer.ts";

/** How the index describes the tree, whatever the person set: scripts decide what the files hold. */
const TREE_SETTINGS: readonly Setting[] = [
  ["core.sparseCheckout", "false"],
  ["core.splitIndex", "false"],
  ["core.untrackedCache", "false"],
  ["core.ignoreStat", "false"],
  ["core.trustctime", "true"],
  ["core.checkStat", "default"],
  ["index.sparse", "false"],
  ["index.version", "2"],
  ["checkout.workers", "0"],
];

const OWN_SETTINGS = SETTINGS.map(splitSetting);

/** What git and the drivers that are allowed need. Secrets of the runner are not among it. */
const VARIABLES =
  /^(?:PATH|HOME|TMPDIR|USER|LOGNAME|XDG_CONFIG_HOME|LANG|LC_[A-Z]+|GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM))$/;

/** Settings that switch off the programs of every driver that is not allowed. */
export function filtersOff(settings: readonly Setting[], allowed: readonly string[]): Setting[] {
  return driversOf(settings)
    .filter((name) => !allowed.includes(name))
    .flatMap((name): Setting[] => [
      ...["clean", "smudge", "process"].map((part): Setting => [`filter.${name}.${part}`, ""]),
      [`filter.${name}.required`, "false"],
    ])
    .concat(allowed.length === 0 ? [] : LFS_OFFLINE);
}

/** What the configuration says about drivers that are allowed. */
export const driverSettings = (settings: readonly Setting[], allowed: readonly string[]): Setting[] =>
  settings.filter(([key]) => allowed.some((name) => key.startsWith(`filter.${name}.`)));

/** The filter drivers that the configuration defines. */
export function driversOf(settings: readonly Setting[]): string[] {
  const names = settings.flatMap(
    ([key]) => /^filter\.(.+)\.(?:clean|smudge|process|required)$/s.exec(key)?.[1] ?? [],
  );
  return [...new Set(names)];
}

/** The trusted git for a tree. */
export function treeGit(
  { git, commonDir }: Pick<GitLocation, "commonDir" | "git">,
  attempt: Pick<AttemptFolder, "folder" | "index" | "tree">,
  run: RunId,
  settings: readonly Setting[],
): BoundedGit {
  const { tree, index } = attempt;
  const env = {
    ...allowedVariables(git.target.env),
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_NO_LAZY_FETCH: "1",
    GIT_DIR: commonDir,
    GIT_WORK_TREE: tree,
    GIT_INDEX_FILE: index,
    [RUN_VARIABLE]: run,
    ...sparseEnvironment(attempt, commonDir),
  };
  const sparse = sparseSettings(attempt);
  const all: Setting[] = [
    ...OWN_SETTINGS,
    ...TREE_SETTINGS,
    ["protocol.allow", "never"],
    ...settings,
    ...sparse,
  ];
  return new BoundedGit({ dir: tree, env, settings: all });
}

/** Where files are written: the tree of an attempt, or the folder of a submodule in it, which is filled whole. */
type CheckoutPlace = Pick<AttemptFolder, "index" | "tree"> & Partial<Pick<AttemptFolder, "folder">>;

/** Fills an empty tree, and its index, with the files of a commit. */
export async function checkOut(
  { git, commonDir }: Pick<GitLocation, "commonDir" | "git">,
  { tree, index, ...attempt }: CheckoutPlace,
  { run, commit }: { readonly run: RunId; readonly commit: Sha },
  settings: readonly Setting[],
  filters: readonly string[],
): Promise<void> {
  // A partial clone fetches what it lacks, with the connection of its user.
  const isPartial = settings.some(([key]) =>
    /^(?:extensions\.partialclone|remote\..+\.promisor)$/s.test(key),
  );
  const env = {
    ...(isPartial ? git.target.env : allowedVariables(git.target.env)),
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_DIR: commonDir,
    GIT_WORK_TREE: tree,
    GIT_INDEX_FILE: index,
    [RUN_VARIABLE]: run,
    ...sparseEnvironment(attempt, commonDir),
  };
  const all = [
    ...OWN_SETTINGS,
    ...TREE_SETTINGS,
    ...filtersOff(settings, filters),
    ...sparseSettings(attempt),
  ];
  const bounded = new BoundedGit({ dir: tree, env, settings: all });
  await bounded.run(["read-tree", "--reset", "-u", commit], { limitMs: GIT_LIMITS.checkoutMs });
}

/** The variables for a git that works on files of a script. */
export function allowedVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => VARIABLES.test(name));
  return { ...Object.fromEntries(kept), LC_ALL: "C", GIT_TERMINAL_PROMPT: "0" };
}

/** The mode of a link to a commit of another repository. */
export const LINK = "160000";

/** An entry of the trusted index. */
export interface IndexEntry {
  readonly mode: string;
  readonly id: string;
}

const ENTRY = /^(\S) ([0-7]{6}) ([0-9a-f]+) \d\t([^]+)$/;

/** Reads what an index holds, and no file of the tree. */
export async function readIndex(
  git: BoundedGit,
): Promise<ReadonlyMap<string, IndexEntry & { readonly isSkipped: boolean }>> {
  const lines = (await git.text(["ls-files", "-z", "-t", "--stage"])).split("\0");
  return new Map(
    lines.flatMap((line) => {
      const [, tag, mode = "", id = "", path = ""] = ENTRY.exec(line) ?? [];
      // A sparse checkout leaves a skipped file out of the tree.
      return path === "" ? [] : [[path, { mode, id, isSkipped: tag === "S" }] as const];
    }),
  );
}

/** How the files differ from the index. */
export interface TreeListing {
  readonly tracked: ReadonlyMap<string, IndexEntry>;
  readonly changed: readonly string[];
  /** Files that git neither tracks nor ignores. */
  readonly untracked: readonly string[];
  /** Folders that are repositories of their own and no submodules; each name ends with a slash. */
  readonly nested: readonly string[];
}

export async function listTree(git: BoundedGit): Promise<TreeListing> {
  const args = [
    "ls-files",
    "-z",
    "-t",
    "--stage",
    "--modified",
    "--deleted",
    "--others",
    "--exclude-standard",
  ];
  const tracked = new Map<string, IndexEntry>();
  const changed = new Set<string>();
  const others: string[] = [];
  for (const line of (await git.text(args)).split("\0")) {
    if (line.startsWith("? ")) {
      others.push(line.slice(2));
      continue;
    }
    const [, tag = "", mode, id = "", path = ""] =
      /^(\S) (?:([0-7]{6}) ([0-9a-f]+) \d\t)?([^]*)$/.exec(line) ?? [];
    if (tag === "C" || tag === "R") changed.add(path);
    else if (mode !== undefined) tracked.set(path, { mode, id });
  }
  return {
    tracked,
    changed: [...changed],
    untracked: others.filter((path) => !path.endsWith("/")),
    // With each untracked file listed, only a repository is still shown as a folder.
    nested: others.filter((path) => path.endsWith("/")),
  };
}

/**
 * The same git on a copy of the trusted index, made the index of `head`. The trusted one stays that of
 * the request, whatever is added, so that what a script left can be judged again.
 */
export async function onIndexOf(
  git: BoundedGit,
  { folder, index }: Pick<AttemptFolder, "folder" | "index">,
  request: Sha,
  head: Sha,
): Promise<BoundedGit> {
  const copy = join(folder, "work-index");
  for (const path of [copy, `${copy}.lock`]) rmSync(path, { force: true });
  const hasIndex = existsSync(index);
  if (hasIndex) copyIndex(index, copy);
  const onCopy = git.with({ env: { GIT_INDEX_FILE: copy } });
  if (!hasIndex || head !== request) await onCopy.run(["read-tree", "-i", "-m", head]);
  const folders = readSparse({ folder });
  if (folders && head !== request) await skipAbsent(onCopy, folders);
  return onCopy;
}

/**
 * git takes a file for unchanged when its times are those of the index entry, unless the index is not
 * newer. So a copy must not look newer than its original, or an edit in the same instant is missed.
 */
export function copyIndex(index: string, copy: string): void {
  copyFileSync(index, copy);
  const { atimeMs, mtimeMs } = statSync(index);
  utimesSync(copy, atimeMs / 1000, (Math.floor(mtimeMs) - 1) / 1000);
}

export interface Additions {
  /** Paths, files or folders, that stay as the index has them. */
  readonly excluded: readonly string[];
  /** Files that are added although git ignores them. */
  readonly forced?: readonly string[];
  /** Modes of files, where the disk has none. */
  readonly modes?: readonly (readonly [path: string, mode: string])[];
  /** Links that become a part of the tree. */
  readonly links?: readonly { readonly path: string; readonly id: string }[];
  /** Files that the script took out of its index, and that are added again unless git ignores them. */
  readonly dropped?: readonly string[];
  /** True: a file that cannot be added costs only itself. */
  readonly ignoreErrors?: boolean;
}

/** Writes the tree of everything that is not ignored. */
export async function writeTree(git: BoundedGit, additions: Additions): Promise<Sha> {
  const { excluded, forced = [], modes = [], links = [], dropped = [], ignoreErrors = false } = additions;
  const lines = (paths: readonly string[]) => paths.map((path) => `${path}\0`).join("");
  if (dropped.length > 0)
    await git.run(["update-index", "-z", "--force-remove", "--stdin"], { stdin: lines(dropped) });
  const specs = [":/", ...excluded.map((path) => `:(exclude,literal,top)${path.replace(/\/$/, "")}`)];
  const fromStdin = ["--pathspec-from-file=-", "--pathspec-file-nul"];
  const tolerant = ignoreErrors ? { flags: ["--ignore-errors"], codes: [1] } : { flags: [], codes: [] };
  const add = (flags: string[], paths: readonly string[]) =>
    git.run(["add", "--all", "--sparse", ...tolerant.flags, ...flags, ...fromStdin], {
      stdin: lines(paths),
      allowedCodes: tolerant.codes,
    });
  await add([], specs);
  if (forced.length > 0)
    await add(
      ["--force"],
      forced.map((path) => `:(literal,top)${path}`),
    );
  for (const [flag, mode] of [
    ["--chmod=+x", "100755"],
    ["--chmod=-x", "100644"],
  ] as const) {
    const paths = modes.flatMap(([path, value]) => (value === mode ? [path] : []));
    if (paths.length > 0) await git.run(["update-index", flag, "-z", "--stdin"], { stdin: lines(paths) });
  }
  const linkLines = links.map(({ path, id }) => `${LINK} ${id}\t${path}\0`).join("");
  if (links.length > 0) await git.run(["update-index", "-z", "--index-info"], { stdin: linkLines });
  return requireSha(await git.text(["write-tree"]));
}

/** Refuses a path that would leave the tree. */
export const isInside = (path: string): boolean =>
  path !== "" && !isAbsolute(path) && !path.split("/").includes("..");
