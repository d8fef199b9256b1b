/**
 * The folder of one attempt.
 *
 * Invariants:
 * - A script may write below `tree` and `side`. Everything else is written and believed by runners only.
 * - Its path is new for each run, so that a process that outlives its run never sees the next one.
 */
import { lstatSync, renameSync, writeFileSync, type Stats } from "node:fs";
import { basename, join } from "node:path";
import { parseBranch, parseRunId, parseSha, type RunId, type Sha } from "../../core/protocol/ids.ts";
import { diskPath } from "../byte-text.ts";
import { readJson } from "../read-json.ts";

/** What a runner that finds the folder after a crash has to know. */
export interface RunRecord {
  readonly run: RunId;
  readonly branch: string;
  readonly request: Sha;
  readonly state: string;
  readonly brought?: readonly BroughtFile[];
}

/** A file of the person that was copied into the tree. Its content never becomes part of a commit. */
export interface BroughtFile {
  readonly path: string;
  /** The id of its content as a blob. */
  readonly id: string;
  readonly size: number;
}

export interface AttemptFolder {
  readonly folder: string;
  readonly tree: string;
  /** The git directory that the script sees. */
  readonly gitDir: string;
  /** The trusted index of the tree. */
  readonly index: string;
  /** The refs that the git directory began with. */
  readonly refs: string;
  readonly side: string;
  readonly record: string;
}

export function attemptFolder(folder: string): AttemptFolder {
  const tree = join(folder, "tree");
  return {
    folder,
    tree,
    gitDir: join(tree, ".git"),
    index: join(folder, "index"),
    refs: join(folder, "packed-refs"),
    side: join(folder, "side"),
    record: join(folder, "run.json"),
  };
}

/** The run whose attempt the folder is. */
export const runOf = (folder: string): RunId | undefined => parseRunId(basename(folder));

/** What is at a path, links not followed. Undefined also where a part of the path is a file. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(diskPath(path));
  } catch {
    return undefined;
  }
}

/** A link in the place of a folder leads to files that are not ours to save or remove. */
export const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true;

/** True when each folder on the way is a folder, and the last part a file. */
export function isPlainFile(root: string, path: string): boolean {
  const parts = path.split("/");
  return parts.every((_, at) => {
    const stats = statOf(join(root, ...parts.slice(0, at + 1)));
    return at === parts.length - 1 ? stats?.isFile() === true : stats?.isDirectory() === true;
  });
}

export function writeRecord({ record }: AttemptFolder, value: RunRecord): void {
  // After a power cut, the record is there completely or not at all.
  writeFileSync(`${record}.new`, JSON.stringify(value), { flush: true });
  renameSync(`${record}.new`, record);
}

/** The record of an attempt; undefined when it cannot be read, or names no branch or commit. */
export function readRecord({ record: file }: AttemptFolder): RunRecord | undefined {
  const value = readJson(file) as Partial<RunRecord> | undefined;
  const isWhole =
    typeof value?.run === "string" &&
    typeof value.state === "string" &&
    parseBranch(String(value.branch)) !== undefined &&
    parseSha(String(value.request)) !== undefined;
  return isWhole ? (value as RunRecord) : undefined;
}
