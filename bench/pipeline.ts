/**
 * The project of the hand-off benchmarks: a chain of states, and one request for each branch.
 *
 * Invariants:
 * - Each branch has a request commit of its own, which names the branch. Trailhand runs a request
 *   without a `Branch:` trailer once, even when several branches point to it.
 */
import { importCommit, importFile } from "./fast-import.ts";
import type { Lab } from "./lab.ts";

export interface PipelineSize {
  readonly branches: number;
  /** States that each branch goes through. */
  readonly steps: number;
}

const FILES = 100;

export const branchNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `work/${index + 1}`);

/** The stream of the project. Requests are kept under `refs/requests` until `resetBranches` uses them. */
export function importPipeline({ branches, steps }: PipelineSize): string {
  const states = Array.from({ length: steps }, (_, index) => `step-${index + 1}`);
  const workflow = states.map((state, index) => `  ${state}:\n    next: ${states[index + 1] ?? "done"}\n`);
  const files = [
    ...Array.from({ length: FILES }, (_, n) => importFile(`src/${n}.txt`, `file ${n}\n`.repeat(50))),
    importFile("states/workflow.yml", `limits:\n  hops: 100\nstates:\n${workflow.join("")}`),
    ...states.map((state) => importFile(`states/${state}`, "#!/bin/sh\nexit 0\n", "100755")),
  ];
  const requests = branchNames(branches).map((branch, index) => {
    const message = `feat: ${branch}\n\nState: step-1\nBranch: ${branch}\n`;
    return importCommit(`refs/requests/${branch}`, index + 2, message, "from :1\n");
  });
  return importCommit("refs/heads/main", 1, "first commit", files.join("")) + requests.join("");
}

/** Moves every branch to its request. */
export async function resetBranches(lab: Lab, count: number): Promise<void> {
  const updates = branchNames(count).map((branch) => `update refs/heads/${branch} refs/requests/${branch}\n`);
  await lab.git(["update-ref", "--stdin"], updates.join(""));
}
