/** Parses NUL-separated output of git. No other file does. */
import { parseSha, type Sha } from "../core/protocol/ids.ts";
import type { Commit } from "../core/protocol/request.ts";

/** The number of fields that `parseCommitFields` reads. */
const COMMIT_FIELDS = 4;

/** Splits `%00`-terminated fields into records. git ends each record with a newline. */
export function parseRecords(output: string, fields: number): string[][] {
  const records: string[][] = [];
  recordReader(fields, (record) => records.push(record))(output);
  return records;
}

/** Parses records from chunks of text. Returns the function that accepts a chunk. */
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

/** Reads a commit from the fields at `at`: id, parents, committer time and message. */
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

/** Parses `git log` in LOG_FORMAT. */
export function parseLog(output: string): Commit[] {
  return parseRecords(output, COMMIT_FIELDS + 2).map((record) => ({
    ...parseCommitFields(record),
    tree: requireSha(record[COMMIT_FIELDS] ?? ""),
    author: record[COMMIT_FIELDS + 1] ?? "",
  }));
}

/** Parses an id that git printed. Throws a TypeError for anything else. */
export function requireSha(text: string): Sha {
  const sha = parseSha(text.trim());
  if (!sha)
    throw new TypeError(`git printed ${JSON.stringify(text.slice(0, 80))} where an object id was due`);
  return sha;
}

/** Parses `git config --list -z`: each entry is `key\nvalue`, with the key in lower case except its subsection. */
export function parseConfig(output: string): ReadonlyMap<string, string> {
  const entries = output.split("\0").filter((entry) => entry !== "");
  return new Map(entries.map(parseSetting));
}

/** A setting with its scope: `system`, `global`, `local`, `worktree` or `command`. */
export interface ScopedSetting {
  readonly scope: string;
  readonly key: string;
  readonly value: string;
}

/** Parses `git config --list -z --show-scope`. */
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

/** Parses `git diff-tree --stdin -r -z --raw`: the changed paths of each commit that has any. */
export function parseChanges(output: string): Map<string, string[]> {
  const changes = new Map<string, string[]>();
  const fields = output.split("\0");
  let paths: string[] = [];
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? "";
    // A path always follows a raw field, so a file named like a commit is not mistaken for one.
    if (field.startsWith(":")) paths.push(fields[++at] ?? "");
    else if (field !== "") changes.set(field.trim(), (paths = []));
  }
  return changes;
}

/** The numbers of added and removed lines of a file; undefined for binary files. */
export interface Change {
  readonly path: string;
  readonly added: number | undefined;
  readonly removed: number | undefined;
}

/** Parses `git diff --numstat -z --no-renames`. */
export function parseNumstat(output: string): Change[] {
  return output.split("\0").flatMap((record): Change[] => {
    const [, added = "", removed = "", path = ""] = /^(\d+|-)\t(\d+|-)\t([^]+)$/.exec(record) ?? [];
    const count = (text: string) => (text === "-" ? undefined : Number(text));
    return path === "" ? [] : [{ path, added: count(added), removed: count(removed) }];
  });
}
