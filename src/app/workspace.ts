/**
 * What a command works on: a repository, its trusted configuration, and its cache.
 *
 * Invariants:
 * - Everything in the cache can be deleted; to create it again costs only time.
 */
import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import type { Branch, Sha } from "../core/protocol/ids.ts";
import type { Push } from "../core/policy/push-identity.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { readTrustedConfig, type ReadTrustedConfig } from "../git/read-trusted-config.ts";
import type { Person, GitLocation } from "../git/open-repository.ts";
import type { Address } from "../git/remote/transport.ts";
import type { RemoteRepository } from "../git/remote/remote-repository.ts";
import type { SigningOptions } from "../git/remote/server-signing.ts";
import type { LocalRepository } from "../git/local-repository.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Folders and files of the cache. */
interface Cache {
  readonly states: string;
  readonly configs: string;
  /** Attempts, below a folder for each runner. */
  readonly runs: string;
  /** Worktrees that runners of older versions left. */
  readonly worktrees: string;
  /** Folders of attempts that could not be saved. */
  readonly quarantine: string;
  /** Checkouts that later attempts take over. */
  readonly trees: string;
  /** Folders that are being removed. */
  readonly trash: string;
  readonly logs: string;
  /** The locks that git is about to take. */
  readonly locks: string;
  /** Which processes use the repository. */
  readonly uses: string;
  /** Files of this machine that attempts at a remote get copies of, see `bring`. */
  readonly brought: string;
  /** Repositories of submodules. */
  readonly submodules: string;
  /** A file for each response of this machine that waits for its signature. */
  readonly unsigned: string;
  /** Files that scripts share. */
  readonly shared: string;
  /** The last successful trial of a remote. */
  readonly probed: string;
}

export interface Workspace {
  readonly location: GitLocation;
  readonly repository: LocalRepository;
  readonly cache: Cache;
  /** The workflow of the trusted branch; read once for each of its commits. */
  readonly trustedConfig: (target: Branch, heads: readonly Head[]) => Promise<ReadTrustedConfig>;
  /** The repository around the current directory; undefined where a URL needs none. */
  readonly here: GitLocation | undefined;
  /** Set when the command works on a remote. */
  readonly remote: RemoteRepository | undefined;
}

/** The pushes to a branch, newest first. */
export type PushLog = (branch: Branch) => Promise<readonly Push[]>;

export interface WorkspaceOptions {
  /** Start the process that reads objects while the workspace is opened. */
  readonly lookAhead?: boolean;
  /** Check the version of git at the same time. */
  readonly needsVersion?: boolean;
  /** Read the workflow of a commit from the cache, for a command that runs nothing. */
  readonly remember?: boolean;
  /** The name or URL of a remote to work on, instead of the repository itself. */
  readonly remote?: string | undefined;
  /** The environment of git processes that contact the remote, where its credentials change. */
  readonly lineEnv?: () => Environment;
  /** The committer; default: from the configuration of git. */
  readonly person?: Person | undefined;
  /** Set where the server signs responses. */
  readonly signing?: SigningOptions | undefined;
  /** Who pushed, from the server; undefined: it cannot be asked. */
  readonly pushes?: ((remote: Address) => PushLog | undefined) | undefined;
}

/** Reads the trusted configuration, once for each commit of the trusted branch. */
export function trustedConfigReader(
  location: GitLocation,
  cache: Cache,
  { remember }: WorkspaceOptions,
  repository: Pick<LocalRepository, "requireSignatures">,
): Workspace["trustedConfig"] {
  let last: Promise<ReadTrustedConfig> | undefined;
  let lastCommit: Sha | undefined;
  const read = (commit: Sha) =>
    readTrustedConfig(location.git, commit, cache.states, remember ? configCache(cache) : undefined);
  return async (target, heads) => {
    const commit = heads.find((head) => head.branch === target)?.commit;
    if (!commit) throw new UserError(MESSAGES.noTarget(`there is no branch ${target}`));
    if (commit !== lastCommit) {
      lastCommit = commit;
      last = read(commit);
      // The next listing may be able to read it.
      last.catch(() => (lastCommit = undefined));
    }
    const config = await (last as Promise<ReadTrustedConfig>);
    repository.requireSignatures(config.workflow.sign);
    return config;
  };
}

/** Each build has its own, because another build may read the same commit differently. */
function configCache(cache: Cache): string {
  return join(cache.configs, `${typeof BUILD === "string" ? BUILD : "source"}-`);
}

/** The folder of all caches. */
export function cacheBase(env: Environment): string {
  const home = env["HOME"] ? join(env["HOME"], ".cache") : join(tmpdir(), `trailhand-${userName()}`);
  // The XDG specification: an empty or relative path is ignored.
  const configured = env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(configured) ? configured : home, "trailhand");
}

/** The folder of data that outlives a process and is in no repository: deliveries that wait for a server. */
export function stateFolder(env: Environment): string {
  const home = env["HOME"] ? join(env["HOME"], ".local", "state") : join(tmpdir(), `trailhand-${userName()}`);
  const configured = env["XDG_STATE_HOME"] ?? "";
  return join(isAbsolute(configured) ? configured : home, "trailhand");
}

/** The cache is outside the repository, so that a script that leaves its worktree is not in the repository. */
export function cacheRoot(location: GitLocation, env: Environment): string {
  const name = basename(location.top ?? location.commonDir).replace(/[^A-Za-z0-9._-]/g, "_");
  return join(cacheBase(env), `${name}-${shortHash(location.commonDir)}`);
}

export const shortHash = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 12);

export const cacheFolders = (root: string): Cache => ({
  configs: join(root, "configs"),
  states: join(root, "states"),
  runs: join(root, "runs"),
  worktrees: join(root, "worktrees"),
  quarantine: join(root, "quarantine"),
  trash: join(root, "trash"),
  trees: join(root, "trees"),
  logs: join(root, "logs"),
  locks: join(root, "locks"),
  uses: join(root, "uses"),
  brought: join(root, "bring"),
  submodules: join(root, "submodules"),
  unsigned: join(root, "unsigned"),
  shared: join(root, "shared"),
  probed: join(root, "probed.json"),
});

/** The name of the current user. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "user";
  }
}
