/** Parses the text of a commit object. */
import type { Sha } from "../core/protocol/ids.ts";
import type { Commit } from "../core/protocol/request.ts";
import { requireSha } from "./parse-output.ts";

const HEADER =
  /^tree ([0-9a-f]+)\n((?:parent [0-9a-f]+\n)*)author [^\n<>]*<([^\n<>\s]*)> \d+ [+-]\d{4}\ncommitter [^\n<>]*<[^\n<>]*> (\d+) [+-]\d{4}\n/;

/**
 * Undefined where git would read more than the plain text: another encoding, or a person or date that is
 * not as git writes it. Then `git log` says what the commit holds.
 */
export function parseCommit(id: Sha, bytes: Buffer): Commit | undefined {
  const text = bytes.toString("utf8");
  const blank = text.indexOf("\n\n");
  const header = blank < 0 ? text : text.slice(0, blank + 1);
  const [, tree = "", parents = "", author = "", committed = ""] = HEADER.exec(header) ?? [];
  if (tree === "" || header.includes("\0") || header.includes("\nencoding ")) return undefined;
  // git reads a message as a C string.
  const [message = ""] = blank < 0 ? [""] : text.slice(blank + 2).split("\0", 1);
  return {
    commit: id,
    parents: parents.split("\n").flatMap((line) => (line === "" ? [] : requireSha(line.slice(7)))),
    committed: Number(committed),
    message,
    tree: requireSha(tree),
    author,
  };
}

/** The message as `%(contents)` of `git for-each-ref` prints it. */
export const contentsOf = ({ message }: Commit): string => message.replace(/^\n+/, "");
