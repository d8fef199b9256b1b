/**
 * One transaction on the refs of a local repository, and its result.
 *
 * Invariants:
 * - After a failure, the refs themselves say what happened, not git's messages.
 */
import type { Ref, Sha } from "../core/protocol/ids.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Swap, Update } from "../engine/ports.ts";
import { type Git, GitExit } from "./git.ts";
import { parseRecords, requireSha } from "./parse-output.ts";

/** The current values of some refs, null for a missing one, in one git process. */
export async function readRefs(git: Git, refs: readonly Ref[]): Promise<Map<Ref, Sha | null>> {
  const values = new Map<Ref, Sha | null>(refs.map((ref) => [ref, null]));
  const output = await git.text(["for-each-ref", "--format=%(refname)%00%(objectname)%00", ...refs]);
  for (const [ref = "", value = ""] of parseRecords(output, 2)) {
    if (values.has(ref as Ref)) values.set(ref as Ref, requireSha(value));
  }
  return values;
}

export async function runTransaction(git: Git, updates: readonly Update[], why: string): Promise<Swap> {
  const commands = updates.map(({ ref, expected, next }) => {
    if (next === null) return expected === null ? `verify ${ref}\0\0` : `delete ${ref}\0${expected}\0`;
    return expected === null ? `create ${ref}\0${next}\0` : `update ${ref}\0${next}\0${expected}\0`;
  });
  const stdin = ["start", ...commands.map((c) => c.slice(0, -1)), "prepare", "commit"].join("\0") + "\0";
  try {
    await git.run(["update-ref", "-m", `trailhand: ${why}`, "--stdin", "-z"], { stdin });
    return { kind: "landed" };
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    return resolveFailure(git, updates, error);
  }
}

/** Messages of git about another process that holds or moves a ref: a retry may succeed. */
const TRANSIENT =
  /\.lock['"]?: File exists|reference already exists|but expected|unable to resolve reference '[^']*'$/m;

/** Reads the refs after an error to find out what happened. */
async function resolveFailure(git: Git, updates: readonly Update[], error: GitExit): Promise<Swap> {
  const values = await readRefs(
    git,
    updates.map(({ ref }) => ref),
  );
  const all = (valueOf: (update: Update) => Sha | null) =>
    updates.every((update) => values.get(update.ref) === valueOf(update));
  // git names the step that failed. Before the commit step nothing was written by this transaction.
  const isWritten = !/^fatal: (?!commit:)/m.test(error.stderr) && all(({ next }) => next);
  if (isWritten) return { kind: "landed" };
  if (!all(({ expected }) => expected)) return { kind: "refused" };
  if (TRANSIENT.test(error.stderr))
    return { kind: "unknown", why: "a ref is locked, or was changed and changed back" };
  throw new UserError(MESSAGES.readOnly(git.target.dir, error.message), { cause: error });
}
