/** Readers of git's NUL-separated output; no other file takes such text apart. */
import { parseSha, type Sha } from "../core/protocol/ids.ts";
import type { Commit } from "../core/protocol/request.ts";

/** The fields that `fullFormat` and `parseCommitFields` agree on. */
const COMMIT_FIELDS = 4;

/** Splits `%00`-terminated fields into records; git ends each record with a newline of its own. */
export function parseRecords(output: string, fields: number): string[][] {
  const records: string[][] = [];
  recordReader(fields, (record) => records.push(record))(output);
  return records;
}

/** Takes records out of text that comes in pieces. Returns the function that is given the pieces. */
export function recordReader(fields: number, take: (record: string[]) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const parts = (rest + text).split("\0");
    const whole = Math.floor((parts.length - 1) / fields) * fields;
    for (let at = 0; at < whole; at += fields) {
      const record = parts.slice(at, at + fields);
      if (record[0]?.startsWith("\n")) record[0] = record[0].slice(1);
      take(record);
    }
    rest = parts.slice(whole).join("\0");
  };
}

/** One commit from id, parents, committer time and message, which stand at `at` of a record. */
export function parseCommitFields(record: readonly string[], at = 0): Commit {
  const parents = record[at + 1] ?? "";
  return {
    commit: requireSha(record[at] ?? ""),
    parents: parents === "" ? [] : parents.split(" ").map(requireSha),
    committed: Number(record[at + 2]) || 0,
    message: record[at + 3] ?? "",
  };
}

/** The format of `git log` that `parseLog` reads: id, parents, committer time, message, tree, author. */
export const LOG_FORMAT = "--format=%H%x00%P%x00%ct%x00%B%x00%T%x00%ae%x00";

/** The commits of `git log` in LOG_FORMAT. */
export function parseLog(output: string): Commit[] {
  return parseRecords(output, COMMIT_FIELDS + 2).map((record) => ({
    ...parseCommitFields(record),
    tree: requireSha(record[COMMIT_FIELDS] ?? ""),
    author: record[COMMIT_FIELDS + 1] ?? "",
  }));
}

/** An id that git printed; anything else is an error of ours. */
export function requireSha(text: string): Sha {
  const sha = parseSha(text.trim());
  if (!sha)
    throw new TypeError(`git printed ${JSON.stringify(text.slice(0, 80))} where an object id was due`);
  return sha;
}

/** `git config --list -z`: each entry is `key\nvalue`, keys in lower case but for subsections. */
export function parseConfig(output: string): ReadonlyMap<string, string> {
  const entries = output.split("\0").filter((entry) => entry !== "");
  return new Map(entries.map(parseSetting));
}

/** A setting, and where it was made: `system`, `global`, `local`, `worktree` or `command`. */
export interface ScopedSetting {
  readonly scope: string;
  readonly key: string;
  readonly value: string;
}

/** `git config --list -z --show-scope`. */
export function parseScopedConfig(output: string): ScopedSetting[] {
  return parseRecords(output, 2).map(([scope = "", entry = ""]) => {
    const [key, value] = parseSetting(entry);
    return { scope, key, value };
  });
}

function parseSetting(entry: string): [key: string, value: string] {
  const newline = entry.indexOf("\n");
  return newline < 0 ? [entry, "true"] : [entry.slice(0, newline), entry.slice(newline + 1)];
}

/** `git diff-tree --stdin -r -z --raw`: the changed paths of each commit that has any. */
export function parseChanges(output: string): Map<string, string[]> {
  const changes = new Map<string, string[]>();
  const fields = output.split("\0");
  let paths: string[] = [];
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? "";
    // The path follows its own field, so a file that is called like a commit is none.
    if (field.startsWith(":")) paths.push(fields[++at] ?? "");
    else if (field !== "") changes.set(field.trim(), (paths = []));
  }
  return changes;
}

/** How many lines of a file were added and removed; undefined for files that are no text. */
export interface Change {
  readonly path: string;
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

/** `git diff --numstat -z --no-renames`. */
export function parseNumstat(output: string): Change[] {
  return output.split("\0").flatMap((record): Change[] => {
    const [, added = "", removed = "", path = ""] = /^(\d+|-)\t(\d+|-)\t([^]+)$/.exec(record) ?? [];
    const count = (text: string) => (text === "-" ? undefined : Number(text));
    return path === "" ? [] : [{ path, added: count(added), removed: count(removed) }];
  });
}
