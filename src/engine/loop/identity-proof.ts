/**
 * What proves who wrote the commits of a history, as the workflow wants it.
 *
 * What must hold: what cannot be proven is left out, and then belongs to nobody; nothing is asked
 * where the author's address is enough.
 */
import type { Branch, Sha } from "../../core/protocol/ids.ts";
import { pushersOf } from "../../core/policy/push-identity.ts";
import type { Commit } from "../../core/protocol/request.ts";
import type { TrustedConfig, Repository } from "../ports.ts";

/** The file below `states/` that lists whose keys are known. */
const SIGNERS = "allowed_signers";

/**
 * The proven addresses of those commits that are wanted, by commit; undefined: what a commit says of
 * its author counts. `trail` is first-parent history from the head of the branch, newest first.
 */
export async function proveIdentity(
  repository: Pick<Repository, "pushes" | "signer">,
  { workflow, file }: Pick<TrustedConfig, "workflow" | "file">,
  branch: Branch,
  trail: readonly Commit[],
  wanted: readonly Commit[],
): Promise<ReadonlyMap<Sha, string> | undefined> {
  const [head] = trail;
  if (workflow.proof === "author" || !head) return undefined;
  if (workflow.proof === "pusher") {
    const pushes = await repository.pushes(branch);
    return pushersOf(trail, pushes, workflow["on-behalf"]);
  }
  const found = new Map<Sha, string>();
  const allowed = wanted.length === 0 ? undefined : await file(SIGNERS);
  if (allowed === undefined) return found;
  for (const { commit } of wanted) {
    const signer = await repository.signer(commit, allowed);
    if (signer !== undefined) found.set(commit, signer);
  }
  return found;
}
