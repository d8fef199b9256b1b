/** Records how an external check ended, for the present head of a branch. */
import { reviewedCommit } from "../core/scheduling/branch-position.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Sha } from "../core/protocol/ids.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { formatChecks, readSideRefs } from "../core/scheduling/side-refs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { suggest } from "../core/util/suggest.ts";
import { FactLoader } from "../engine/loop/fact-loader.ts";
import { readTrail } from "../git/local-repository.ts";
import { requireHead } from "./find-branch.ts";
import { APP } from "./timing.ts";
import type { Workspace } from "./workspace.ts";

const CONCLUSIONS = [
  "success",
  "failure",
  "neutral",
  "cancelled",
  "skipped",
  "timed_out",
  "action_required",
] as const;

export interface CheckReport {
  readonly name: string;
  readonly conclusion: string;
  /** Default: the checked-out branch. */
  readonly branch: string | undefined;
  /** The full id of what was checked; default: the present head. */
  readonly commit: string | undefined;
}

/** Throws a UserError when the branch has another head by now. Returns what was recorded. */
export async function reportCheck(
  workspace: Workspace,
  { name, conclusion, branch, commit: checked }: CheckReport,
): Promise<{
  readonly branch: string;
  readonly commit: Sha;
  readonly name: string;
  readonly conclusion: string;
}> {
  if (!isCheckName(name)) throw new UserError(MESSAGES.badCheckName(name));
  if (!CONCLUSIONS.some((known) => known === conclusion)) {
    const nearest = suggest(conclusion, CONCLUSIONS);
    throw new UserError(MESSAGES.badConclusion(conclusion, nearest, CONCLUSIONS.join(", ")));
  }
  const refs = await workspace.repository.listRefs();
  const head = await requireHead(workspace, refs.heads, branch);
  const trustedConfig = await workspace.trustedConfig(refs.target, refs.heads);
  const facts = await new FactLoader(workspace.repository).load(refs, trustedConfig);
  const commit = reviewedCommit({ facts }, head);
  if (checked !== undefined && checked !== commit && checked !== head.commit)
    throw new UserError(MESSAGES.checkedOldHead(head.branch, checked));
  await recordCheck(workspace, head, commit, name, conclusion);
  return { branch: head.branch, commit, name, conclusion };
}

export const isCheckName = (name: string): boolean => /^[\w./-]{1,100}$/.test(name);

/** Adds the conclusion to those of the same commit. */
export async function recordCheck(
  workspace: Workspace,
  head: Head,
  commit: Sha,
  name: string,
  conclusion: string,
): Promise<void> {
  const { repository, location } = workspace;
  const ref = refsOf(head.key).checks;
  for (let tries = 0; tries < APP.checkTries; tries++) {
    const expected = (await repository.read([ref])).get(ref) ?? null;
    const [note] = expected ? await readTrail(location, expected, 1) : [];
    const before = note && readSideRefs([[ref, note.commit, note.message]]).checks.get(head.key);
    const results = new Map(before?.commit === commit ? before.results : []);
    if (results.get(name) === conclusion) return;
    const next = await repository.note(
      formatChecks(head.branch, { commit, results: results.set(name, conclusion) }),
    );
    const swap = await repository.swap([{ ref, expected, next }], "check");
    if (swap.kind === "landed") return;
  }
  throw new UserError(MESSAGES.headMoved(head.branch));
}
