/** What an attempt's worktree needs, from the trusted configuration. */
import type { AttemptNeeds } from "../attempt-trees.ts";
import type { TrustedConfig } from "../ports.ts";

export const attemptNeeds = ({
  workflow: { bring, filters, submodules },
  commit,
}: Pick<TrustedConfig, "commit" | "workflow">): AttemptNeeds => ({
  bring,
  filters,
  submodules,
  trusted: commit,
});
