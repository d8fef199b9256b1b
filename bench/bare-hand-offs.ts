/**
 * The floor of a hand-off: the bare git commands that it cannot do without.
 *
 * Invariants:
 * - The floor writes and claims a lease, checks out the files, runs the script and writes the response.
 * - It moves branch and lease in one transaction, and removes the files.
 * - It neither scans refs nor validates or stores anything else.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Lab } from "./lab.ts";
import { branchNames, type PipelineSize } from "./pipeline.ts";

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const NO_OBJECT = "0".repeat(40);

/** Runs one hand-off and returns the time at which its response was on the branch. */
export async function bareHandOff(lab: Lab, branch: string): Promise<number> {
  const name = branch.replace("/", "-");
  const ref = `refs/heads/${branch}`;
  const lease = `refs/trailhand/leases/${name}`;
  const worktree = join(lab.home, `bare-${name}`);
  const readId = async (args: readonly string[], stdin?: string) =>
    (await lab.git(args, stdin)).toString().trim();
  const request = await readId(["rev-parse", ref]);
  const claim = await readId(["commit-tree", "-m", "lease", EMPTY_TREE]);
  await lab.git(["update-ref", lease, claim, NO_OBJECT]);
  mkdirSync(worktree);
  const checkout = [
    `GIT_DIR=${lab.dir}/.git`,
    `GIT_WORK_TREE=${worktree}`,
    `GIT_INDEX_FILE=${worktree}.index`,
  ];
  await lab.run("/usr/bin/env", lab.dir, [...checkout, "git", "read-tree", "--reset", "-u", request]);
  await lab.run(join(worktree, "states/step-1"), worktree);
  const message = `step is done\n\nState: done\nBranch: ${branch}\nAnswers: ${request}\n`;
  const response = await readId(["commit-tree", "-p", request, "-F", "-", `${request}^{tree}`], message);
  const swap = `start\nupdate ${ref} ${response} ${request}\ndelete ${lease} ${claim}\ncommit\n`;
  await lab.git(["update-ref", "--stdin"], swap);
  const respondedAt = performance.now();
  for (const path of [worktree, `${worktree}.index`]) rmSync(path, { recursive: true });
  return respondedAt;
}

/** Runs all hand-offs of all branches, `concurrency` branches at once. */
export async function bareHandOffs(lab: Lab, size: PipelineSize, concurrency: number): Promise<void> {
  const branches = branchNames(size.branches);
  const work = async () => {
    for (let branch = branches.pop(); branch !== undefined; branch = branches.pop()) {
      for (let step = 0; step < size.steps; step++) await bareHandOff(lab, branch);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}
