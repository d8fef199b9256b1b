/**
 * Opens a repository for a command: the only reader of its environment and configuration.
 *
 * Invariants:
 * - Code that only some commands need is loaded on demand, while git is at work.
 */
import type { Branch } from "../core/protocol/ids.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import type { ReadTrustedConfig } from "../git/read-trusted-config.ts";
import { gitIn, openLocation, requireVersion } from "../git/open-repository.ts";
import { CommitSigning } from "../git/commit-signing.ts";
import { LocalRepository } from "../git/local-repository.ts";
import { LockJournal, newLockMark } from "../git/lock-journal.ts";
import { sessionsOf } from "../git/sessions.ts";
import { isGone, processesOf, thisOwner } from "../process/process-identity.ts";
import type { TrustedConfig } from "../engine/ports.ts";
import {
  cacheFolders,
  cacheRoot,
  trustedConfigReader,
  type Environment,
  type WorkspaceOptions,
  type Workspace,
} from "./workspace.ts";

/** Opens the repository around a directory. Throws a UserError when there is none. */
export async function openWorkspace(
  dir: string,
  env: Environment,
  options: WorkspaceOptions = {},
): Promise<Workspace> {
  if (options.remote !== undefined) {
    const { openRemoteWorkspace } = await import("./open-remote.ts");
    return openRemoteWorkspace(dir, env, { ...options, remote: options.remote });
  }
  const git = gitIn(dir, { ...env, ...newLockMark() });
  if (options.lookAhead) sessionsOf(git).objects.session.start();
  const version = options.needsVersion ? requireVersion(git) : undefined;
  const [opened] = await Promise.all([openLocation(git), version]);
  const cache = cacheFolders(cacheRoot(opened, env));
  const location = { ...opened, locks: lockJournal(cache.locks, git.target.env) };
  const repository = new LocalRepository(location, new CommitSigning(location, cache.unsigned));
  return {
    location,
    cache,
    repository,
    here: location,
    remote: undefined,
    trustedConfig: trustedConfigReader(location, cache, options, repository),
  };
}

const lockJournal = (folder: string, env: Environment): LockJournal =>
  new LockJournal({
    env,
    folder,
    owner: thisOwner,
    isGone,
    isMarked: (variable) => processesOf(variable).length > 0,
  });

/** The configuration of the trusted branch. Throws a UserError when it cannot be used. */
export async function requireTrustedConfig(
  workspace: Workspace,
  target: Branch,
  heads: readonly Head[],
): Promise<TrustedConfig> {
  const config = await workspace.trustedConfig(target, heads);
  if (!config.hasStates) throw new UserError(MESSAGES.noStates(target));
  if (config.problems.length > 0) {
    throw new UserError(
      MESSAGES.brokenWorkflow(`${target}:${WORKFLOW_FILE}`, formatProblems(config.problems)),
    );
  }
  return { ...config, target };
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
