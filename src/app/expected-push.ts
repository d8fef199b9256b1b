/**
 * Reads the pushes to a branch as if a new commit had been pushed already.
 *
 * A server names the pusher of a commit only after the push.
 */
import { parseAccount, type Push } from "../core/policy/push-identity.ts";
import type { Sha } from "../core/protocol/ids.ts";
import type { FactSource } from "../engine/loop/fact-loader.ts";
import type { Person } from "../git/open-repository.ts";

/** The push of a person's commit, by the account of its committer. Undefined if the address names no account. */
export function expectedPush({ email, writtenBy }: Person, before: Sha, after: Sha): Push | undefined {
  const account = parseAccount(writtenBy?.email ?? email);
  return account && { before, after, id: Number(account.id), login: account.login };
}

/** The same facts, with one more push on top of those that the server reports. */
export const withPush = (source: FactSource, push: Push): FactSource => ({
  read: (refs) => source.read(refs),
  contains: (commit, ancestor) => source.contains(commit, ancestor),
  landedBranches: (branches) => source.landedBranches(branches),
  trail: (commit, depth) => source.trail(commit, depth),
  signer: (commit, allowedSigners) => source.signer(commit, allowedSigners),
  pushes: async (branch) => [push, ...(await source.pushes(branch))],
});
