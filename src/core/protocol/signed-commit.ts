/**
 * Commits that a server makes and signs in our place: what it is asked for, and what it made.
 *
 * What must hold: what counts is the commit object, never what is told about it; one with a header
 * that ours do not have is another commit. For the format see git-hash-object(1) and gitformat-signature(5).
 */
import { parseSha, type Sha } from "./ids.ts";

/** What a commit says, apart from who made it, when, and by which signature. */
export interface CommitContent {
  readonly tree: Sha;
  readonly parents: readonly Sha[];
  readonly message: string;
}

export type SignedCommit =
  /** `payload` is the object without its signature. */
  | { readonly kind: "made"; readonly id: Sha; readonly payload: string; readonly signature: string }
  /** It has not got what the commit is made of, or takes no such commit. */
  | { readonly kind: "unfit"; readonly why: string }
  | { readonly kind: "not"; readonly why: string };

/** Has the server make a commit and sign it; moves no ref. */
export type CommitSigner = (content: CommitContent) => Promise<SignedCommit>;

/** The objects that a payload and its signature may have been: a line end after the last line counts. */
export function withSignature(payload: string, signature: string): string[] {
  const at = payload.indexOf("\n\n") + 1;
  if (at === 0 || signature.trim() === "") return [];
  return [...new Set([signature, signature.replace(/\n+$/, "")])].map(
    (one) => `${payload.slice(0, at)}gpgsig ${one.replaceAll("\n", "\n ")}\n${payload.slice(at)}`,
  );
}

const OBJECT =
  /^tree (?<tree>[0-9a-f]+)\n(?<parents>(?:parent [0-9a-f]+\n)*)author [^\n]*\ncommitter [^\n]*\n(?:gpgsig(?:-sha256)? [^\n]*\n(?: [^\n]*\n)*)?\n(?<message>[^]*)$/;

/** Reads a commit object; undefined when it is none, or has headers besides the plain ones. */
export function contentOf(object: string): CommitContent | undefined {
  const { tree: text = "", parents: lines = "", message = "" } = OBJECT.exec(object)?.groups ?? {};
  const tree = parseSha(text);
  const ids = lines.split("\n").slice(0, -1);
  const parents = ids.flatMap((line) => parseSha(line.slice("parent ".length)) ?? []);
  return tree && parents.length === ids.length ? { tree, parents, message } : undefined;
}

/** True when both say the same; line ends after the message are no part of it. */
export function isSameContent(one: CommitContent, other: CommitContent): boolean {
  return (
    one.tree === other.tree &&
    one.parents.join() === other.parents.join() &&
    one.message.replace(/\n+$/, "") === other.message.replace(/\n+$/, "")
  );
}
