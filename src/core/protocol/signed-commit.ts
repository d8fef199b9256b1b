/**
 * Commits that a server creates and signs for us, and how they are compared with ours.
 * Formats: git-hash-object(1) and gitformat-signature(5).
 *
 * Invariants:
 * - Only the commit object counts, not what the server says about it.
 * - An object with a header that our commits do not have is a different commit.
 */
import { parseSha, type Sha } from "./ids.ts";

/** A commit without author, committer, dates and signature. */
export interface CommitContent {
  readonly tree: Sha;
  readonly parents: readonly Sha[];
  readonly message: string;
}

export type SignedCommit =
  /** `payload` is the object without its signature. */
  | { readonly kind: "signed"; readonly id: Sha; readonly payload: string; readonly signature: string }
  /** The server lacks the tree or a parent, or does not accept such a commit. */
  | { readonly kind: "unsuitable"; readonly why: string }
  | { readonly kind: "failed"; readonly why: string };

/** Asks the server to create and sign a commit. It moves no ref. */
export type CommitSigner = (content: CommitContent) => Promise<SignedCommit>;

/** The commit objects that this payload and signature may come from: with a final line end, and without. */
export function signedObjects(payload: string, signature: string): string[] {
  const at = payload.indexOf("\n\n") + 1;
  if (at === 0 || signature.trim() === "") return [];
  return [...new Set([signature, signature.replace(/\n+$/, "")])].map(
    (one) => `${payload.slice(0, at)}gpgsig ${one.replaceAll("\n", "\n ")}\n${payload.slice(at)}`,
  );
}

const OBJECT =
  /^tree (?<tree>[0-9a-f]+)\n(?<parents>(?:parent [0-9a-f]+\n)*)author [^\n]*\ncommitter [^\n]*\n(?:gpgsig(?:-sha256)? [^\n]*\n(?: [^\n]*\n)*)?\n(?<message>[^]*)$/;

/** Undefined if the text is not a commit object, or has other headers than our commits. */
export function parseCommitObject(object: string): CommitContent | undefined {
  const { tree: text = "", parents: lines = "", message = "" } = OBJECT.exec(object)?.groups ?? {};
  const tree = parseSha(text);
  const ids = lines.split("\n").slice(0, -1);
  const parents = ids.flatMap((line) => parseSha(line.slice("parent ".length)) ?? []);
  return tree && parents.length === ids.length ? { tree, parents, message } : undefined;
}

/** Line ends after the message are ignored. */
export function isSameContent(one: CommitContent, other: CommitContent): boolean {
  return (
    one.tree === other.tree &&
    one.parents.join() === other.parents.join() &&
    one.message.replace(/\n+$/, "") === other.message.replace(/\n+$/, "")
  );
}
