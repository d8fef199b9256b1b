/**
 * Types for checked identifiers, each with the function that parses it.
 *
 * Invariants:
 * - A value of one of these types was validated, or read from git.
 */
declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** A full object id: 40 hexadecimal digits (SHA-1) or 64 (SHA-256). */
export type Sha = Brand<"Sha">;
/** A full ref name, such as `refs/heads/main`. */
export type Ref = Brand<"Ref">;
/** A branch name without `refs/heads/`. */
export type Branch = Brand<"Branch">;
/** A state: the name of a script in `states/`, or a reserved word. */
export type StateName = Brand<"StateName">;
/** The id of one run: the work of one runner on one request. */
export type RunId = Brand<"RunId">;

/** The prefix of the full ref of a branch. */
export const HEADS = "refs/heads/";
const STATE = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** Undefined if the text is not a full object id. */
export function parseSha(text: string): Sha | undefined {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text) ? (text as Sha) : undefined;
}

/** Undefined if the full ref is not a branch. */
export function branchOf(ref: string): Branch | undefined {
  return ref.startsWith(HEADS) && ref.length > HEADS.length ? (ref.slice(HEADS.length) as Branch) : undefined;
}

/** Accepts `feat/x` and `refs/heads/feat/x`. The rules are those of git-check-ref-format(1). */
export function parseBranch(text: string): Branch | undefined {
  const name = text.startsWith(HEADS) ? text.slice(HEADS.length) : text;
  const bad =
    name === "" ||
    name.startsWith("-") ||
    name.endsWith(".") ||
    name === "@" ||
    name.includes("..") ||
    name.includes("@{") ||
    /[\u0000-\u0020\u007f~^:?*[\\]/.test(name) ||
    name.split("/").some((part) => part === "" || part.startsWith(".") || part.endsWith(".lock"));
  return bad ? undefined : (name as Branch);
}

export function refOf(branch: Branch): Ref {
  return `${HEADS}${branch}` as Ref;
}

/** Accepts lower-case letters, digits, `.`, `_` and `-`, at most 64 characters. */
export function parseStateName(text: string): StateName | undefined {
  return STATE.test(text) && !text.includes("..") ? (text as StateName) : undefined;
}

/** Accepts a UUID. */
export function parseRunId(text: string): RunId | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? (text as RunId) : undefined;
}
