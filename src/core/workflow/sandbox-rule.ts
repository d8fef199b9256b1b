/** How the attempts of a state are isolated. */
import type { State, Workflow } from "./workflow.ts";

export interface SandboxRule {
  readonly level: Workflow["sandbox"];
}

export const sandboxRule = (
  { sandbox }: Pick<Workflow, "sandbox">,
  state: Pick<State, "sandbox"> | undefined,
): SandboxRule => ({ level: state?.sandbox ?? sandbox });
