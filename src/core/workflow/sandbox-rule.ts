/** How the attempts of a state are isolated. */
import type { State, Workflow } from "./workflow.ts";

export interface SandboxRule {
  readonly level: Workflow["sandbox"];
  /** Files and folders of the machine that may be read. */
  readonly files: readonly string[];
}

export const sandboxRule = (
  { sandbox, files }: Pick<Workflow, "files" | "sandbox">,
  state: Pick<State, "sandbox"> | undefined,
): SandboxRule => ({ level: state?.sandbox ?? sandbox, files });
