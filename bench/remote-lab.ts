/**
 * A lab whose repository is cloned to a bare remote, and the pushes that work at a remote needs.
 *
 * Invariants:
 * - The remote is a directory of this machine, so the figures include no network.
 */
import { join } from "node:path";
import type { Workspace } from "../src/app/workspace.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { withLab, type Lab } from "./lab.ts";
import { importRequests } from "./requests.ts";

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

export interface RemoteLab extends Lab {
  readonly url: string;
}

/** Makes a project with requests, and a bare remote that holds the same refs. */
export function withRemote<T>(requests: number, use: (lab: RemoteLab) => Promise<T>): Promise<T> {
  return withLab(importRequests(requests), async (lab) => {
    const url = join(lab.home, "remote.git");
    await lab.git(["clone", "-q", "--bare", "--no-local", lab.dir, url]);
    return use({ ...lab, url });
  });
}

/** Opens the remote as a runner does, with the cache directory of the environment. */
export const openRemote = (lab: RemoteLab, env: Lab["env"] = lab.env): Promise<Workspace> =>
  openWorkspace(lab.dir, env, { remote: lab.url });

/** The commits and pushes of one claim and one response. */
export async function pushClaimAndResponse(lab: RemoteLab, branch: string, request: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const lease = `refs/trailhand/leases/${branch.replace("/", "-")}`;
  const message = `lease ${branch} ${Math.random()}`;
  const claim = (await lab.git(["commit-tree", "-m", message, EMPTY_TREE])).toString().trim();
  await lab.git(["push", "-q", `--force-with-lease=${lease}:`, lab.url, `${claim}:${lease}`]);
  const commit = ["commit-tree", "-p", request, "-m", message, `${request}^{tree}`];
  const response = (await lab.git(commit)).toString().trim();
  const expected = [`--force-with-lease=${ref}:${request}`, `--force-with-lease=${lease}:${claim}`];
  await lab.git(["push", "-q", "--atomic", ...expected, lab.url, `${response}:${ref}`, `:${lease}`]);
}
