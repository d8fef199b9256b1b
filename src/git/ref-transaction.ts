/**
 * One transaction on the refs of a local repository, and its result.
 *
 * Invariants:
 * - After a failure, the refs themselves say what happened, not git's messages.
 */
import type { Ref, Sha } from "../core/protocol/ids.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Swap, Update } from "../engine/ports.ts";
import { type GitLimit, isGitProblem } from "./bounded-git.ts";
import { GitExit } from "./git.ts";
import type { GitLocation } from "./open-repository.ts";
import { parseRecords, requireSha } from "./parse-output.ts";
import { readRefFiles } from "./ref-files.ts";
import { sessionsOf } from "./sessions.ts";

type Location = Pick<GitLocation, "commonDir" | "git">;

/** The current values of some refs, null for a missing one. */
export async function readRefs(
  { commonDir, git }: Location,
  refs: readonly Ref[],
): Promise<Map<Ref, Sha | null>> {
  const files = readRefFiles(commonDir, refs);
  if (files) return files;
  const values = new Map<Ref, Sha | null>(refs.map((ref) => [ref, null]));
  const output = await git.text(["for-each-ref", "--format=%(refname)%00%(objectname)%00", ...refs]);
  for (const [ref = "", value = ""] of parseRecords(output, 2)) {
    if (values.has(ref as Ref)) values.set(ref as Ref, requireSha(value));
  }
  return values;
}

export async function runTransaction(
  location: Location,
  updates: readonly Update[],
  why: string,
): Promise<Swap> {
  const commands = updates.map(({ ref, expected, next }) => {
    if (next === null) return expected === null ? `verify ${ref}\0` : `delete ${ref}\0${expected}`;
    return expected === null ? `create ${ref}\0${next}` : `update ${ref}\0${next}\0${expected}`;
  });
  try {
    await sessionsOf(location.git).refs.commit(commands, `trailhand: ${why}`);
    return { kind: "landed" };
  } catch (error) {
    if (!isGitProblem(error)) throw error;
    return resolveFailure(location, updates, error);
  }
}

/** Messages of git about another process that holds or moves a ref: a retry may succeed. */
const TRANSIENT =
  /\.lock['"]?: File exists|reference already exists|but expected|unable to resolve reference '[^']*'$/m;

/** Reads the refs after an error to find out what happened. */
async function resolveFailure(
  location: Location,
  updates: readonly Update[],
  error: GitExit | GitLimit,
): Promise<Swap> {
  const said = error instanceof GitExit ? error.stderr : "";
  const values = await readRefs(
    location,
    updates.map(({ ref }) => ref),
  );
  const all = (valueOf: (update: Update) => Sha | null) =>
    updates.every((update) => values.get(update.ref) === valueOf(update));
  // git names the step that failed. Before the commit step nothing was written by this transaction.
  const isWritten = !/^fatal: (?!commit:)/m.test(said) && all(({ next }) => next);
  if (isWritten) return { kind: "landed" };
  if (!all(({ expected }) => expected)) return { kind: "refused" };
  if (!(error instanceof GitExit)) return { kind: "unknown", why: error.message };
  if (TRANSIENT.test(said))
    return { kind: "unknown", why: "a ref is locked, or was changed and changed back" };
  throw new UserError(MESSAGES.readOnly(location.git.target.dir, error.message), { cause: error });
}
