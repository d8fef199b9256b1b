/**
 * Opens a repository for the commands: the only reader of environment and configuration.
 *
 * What must hold: everything below gets what it needs as an argument; what only some commands need
 * is loaded when it is needed, while git is at work.
 */
import type { Branch } from "../core/protocol/ids.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import type { ReadTrustedConfig } from "../git/contract.ts";
import { RefReader } from "../git/read-refs.ts";
import { gitIn, openLocation } from "../git/open-repository.ts";
import { LocalRepository } from "../git/local-repository.ts";
import type { TrustedConfig } from "../engine/ports.ts";
import {
  cacheFolders,
  cacheRoot,
  trustedConfigReader,
  type Environment,
  type WorkspaceOptions,
  type Workspace,
} from "./workspace.ts";

/** Opens the repository around a directory. Throws a Fault when there is none. */
export async function openWorkspace(
  dir: string,
  env: Environment,
  how: WorkspaceOptions = {},
): Promise<Workspace> {
  if (how.remote !== undefined) {
    const { openRemoteWorkspace } = await import("./open-remote.ts");
    return openRemoteWorkspace(dir, env, { ...how, remote: how.remote });
  }
  const git = gitIn(dir, env);
  const looker = new RefReader(git);
  if (how.lookAhead) looker.start();
  const place = await openLocation(git);
  const cache = cacheFolders(cacheRoot(place, env));
  const repository = new LocalRepository(place, looker);
  return {
    location: place,
    cache,
    repository,
    here: place,
    remote: undefined,
    trustedConfig: trustedConfigReader(place, cache, how),
  };
}

/** The contract of the trusted branch. Throws a Fault when it cannot be run. */
export async function requireTrustedConfig(
  workspace: Workspace,
  target: Branch,
  heads: readonly Head[],
): Promise<TrustedConfig> {
  const contract = await workspace.trustedConfig(target, heads);
  if (!contract.any) throw new UserError(MESSAGES.noStates(target));
  if (contract.problems.length > 0) {
    throw new UserError(
      MESSAGES.brokenWorkflow(`${target}:${WORKFLOW_FILE}`, formatProblems(contract.problems)),
    );
  }
  return { ...contract, target };
}

/** One line for each problem of a workflow. */
export function formatProblems(problems: ReadTrustedConfig["problems"]): string {
  return problems
    .map(
      ({ line, path, message }) =>
        `  ${line === undefined ? "" : `line ${line}: `}${path ? `${path}: ` : ""}${message}`,
    )
    .join("\n");
}
