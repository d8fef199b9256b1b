/** Readers of git's NUL-separated output; no other file takes such text apart. */
import { parseSha, type Sha } from "../core/ids.ts";
import type { Commit } from "../core/request.ts";

/** The fields that `fullFormat` and `parseCommitFields` agree on. */
const COMMIT_FIELDS = 4;

/** Splits `%00`-terminated fields into records; git ends each record with a newline of its own. */
export function parseRecords(output: string, fields: number): string[][] {
  const parts = output.split("\0");
  const records: string[][] = [];
  // After the last NUL stands one more piece, which is empty or a newline.
  for (let at = 0; at + fields < parts.length; at += fields) {
    const record = parts.slice(at, at + fields);
    if (record[0]?.startsWith("\n")) record[0] = record[0].slice(1);
    records.push(record);
  }
  return records;
}

/** One commit from id, parents, committer time and message. */
export function parseCommitFields([
  id = "",
  parents = "",
  time = "",
  message = "",
]: readonly string[]): Commit {
  return {
    commit: requireSha(id),
    parents: parents.split(" ").filter(Boolean).map(requireSha),
    committed: Number(time) || 0,
    message,
  };
}

/** The commits of `git log --format=%H%x00%P%x00%ct%x00%B%x00`. */
export function parseLog(output: string): Commit[] {
  return parseRecords(output, COMMIT_FIELDS).map(parseCommitFields);
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
  return new Map(
    entries.map((entry): [string, string] => {
      const newline = entry.indexOf("\n");
      return newline < 0 ? [entry, "true"] : [entry.slice(0, newline), entry.slice(newline + 1)];
    }),
  );
}
