/** What an attempt's worktree needs, from the trusted configuration. */
import type { AttemptNeeds } from "../attempt-trees.ts";
import type { TrustedConfig } from "../ports.ts";

export const attemptNeeds = (
  { workflow: { bring, filters, submodules, states }, commit }: Pick<TrustedConfig, "commit" | "workflow">,
  state: string,
): AttemptNeeds => ({
  bring,
  checkout: states[state]?.checkout ?? [],
  filters,
  submodules,
  trusted: commit,
});
