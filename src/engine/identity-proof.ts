/**
 * Finds the proven authors of commits, by the kind of proof that the workflow asks for.
 *
 * Invariants:
 * - A commit without proof is left out and belongs to no person.
 */
import type { Branch, Sha } from "../core/protocol/ids.ts";
import { pushersOf } from "../core/policy/push-identity.ts";
import type { Commit } from "../core/protocol/request.ts";
import type { PushIdentity, TrustedConfig } from "./ports.ts";

/** The file below `states/` that lists the accepted signing keys. */
const ALLOWED_SIGNERS = "allowed_signers";

/**
 * Returns the proven addresses by commit, for `commits` only. Undefined: the author line of a commit
 * is proof enough. `trail` is first-parent history from the head of the branch, newest first.
 */
export async function proveIdentity(
  identity: PushIdentity,
  { workflow, file }: Pick<TrustedConfig, "workflow" | "file">,
  branch: Branch,
  trail: readonly Commit[],
  commits: readonly Commit[],
): Promise<ReadonlyMap<Sha, string> | undefined> {
  const [head] = trail;
  if (workflow.proof === "author" || !head) return undefined;
  if (workflow.proof === "pusher") {
    const pushes = await identity.pushes(branch);
    return pushersOf(trail, pushes, workflow["on-behalf"]);
  }
  const signers = new Map<Sha, string>();
  const allowedSigners = commits.length === 0 ? undefined : await file(ALLOWED_SIGNERS);
  if (allowedSigners === undefined) return signers;
  for (const { commit } of commits) {
    const signer = await identity.signer(commit, allowedSigners);
    if (signer !== undefined) signers.set(commit, signer);
  }
  return signers;
}
