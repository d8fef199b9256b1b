/** Records how an external check ended, for the present head of a branch. */
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import type { Sha } from "../core/protocol/ids.ts";
import { refsOf } from "../core/protocol/refs.ts";
import { readSideRefs, formatChecks } from "../core/scheduling/side-refs.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { readTrail } from "../git/local-repository.ts";
import type { Workspace } from "./workspace.ts";
import { APP } from "./timing.ts";

/** Keeps it beside what is known of the same commit. */
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
