/**
 * What a command works on: a repository, its contract, and where its throw-away files are.
 *
 * What must hold: everything in the cache can be deleted, and costs time to make again, nothing else.
 */
import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import type { Branch, Sha } from "../core/protocol/ids.ts";
import type { Push } from "../core/policy/push-identity.ts";
import type { Head } from "../core/scheduling/snapshot.ts";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { readTrustedConfig, type ReadTrustedConfig } from "../git/contract.ts";
import type { Person, GitLocation } from "../git/open-repository.ts";
import type { Address } from "../git/remote/transport.ts";
import type { RemoteRepository } from "../git/remote/remote-repository.ts";
import type { SigningOptions } from "../git/remote/server-signing.ts";
import type { LocalRepository } from "../git/local-repository.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Directories of what can be thrown away. */
interface Cache {
  readonly states: string;
  readonly contracts: string;
  readonly worktrees: string;
  readonly logs: string;
  /** What scripts keep for one another. */
  readonly shared: string;
  /** Says when a remote was last found sound. */
  readonly probed: string;
}

/** A repository, and where Trailhand keeps what can be thrown away. */
export interface Workspace {
  readonly location: GitLocation;
  readonly repository: LocalRepository;
  readonly cache: Cache;
  /** The workflow of the trusted branch; read once for each of its commits. */
  readonly trustedConfig: (target: Branch, heads: readonly Head[]) => Promise<ReadTrustedConfig>;
  /** The repository that the person stands in; undefined when a URL is worked on from nowhere. */
  readonly here: GitLocation | undefined;
  /** Set when the work is at a remote. */
  readonly remote: RemoteRepository | undefined;
}

/** The moves of a branch, newest first. */
export type PushLog = (branch: Branch) => Promise<readonly Push[]>;

export interface WorkspaceOptions {
  /** Start the first look at once. It then shows the refs as they were when the workspace was opened. */
  readonly lookAhead?: boolean;
  /** Take the workflow of a commit from the cache, where a command runs nothing. */
  readonly remember?: boolean;
  /** The name or the URL of a remote to work on, in place of the repository itself. */
  readonly remote?: string | undefined;
  /** The environment of each git that speaks with the remote, where its credentials change. */
  readonly lineEnv?: () => Environment;
  /** Who commits; left out: who the configuration of git names. */
  readonly person?: Person | undefined;
  /** Set where the server is to sign answers. */
  readonly signing?: SigningOptions | undefined;
  /** Who moved branches, as the server tells; undefined: it cannot be asked. */
  readonly pushes?: ((remote: Address) => PushLog | undefined) | undefined;
}

/** Reads the contract of the trusted branch, once for each of its commits. */
export function trustedConfigReader(
  place: GitLocation,
  cache: Cache,
  { remember }: WorkspaceOptions,
): Workspace["trustedConfig"] {
  let last: Promise<ReadTrustedConfig> | undefined;
  let lastCommit: Sha | undefined;
  return (target, heads) => {
    const commit = heads.find((head) => head.branch === target)?.commit;
    if (!commit) throw new UserError(MESSAGES.noTarget(`there is no branch ${target}`));
    if (commit !== lastCommit) {
      lastCommit = commit;
      last = readTrustedConfig(place.git, commit, cache.states, remember ? memoryIn(cache) : undefined);
      // What could not be read now may be readable at the next look.
      last.catch(() => (lastCommit = undefined));
    }
    return last as Promise<ReadTrustedConfig>;
  };
}

/** What one build of this program has read; another build may read the same commit otherwise. */
function memoryIn(cache: Cache): string {
  return join(cache.contracts, `${typeof BUILD === "string" ? BUILD : "source"}-`);
}

/** Where everything is kept that can be thrown away. */
export function cacheBase(env: Environment): string {
  const home = env["HOME"] ? join(env["HOME"], ".cache") : join(tmpdir(), `trailhand-${userName()}`);
  // The XDG specification: a path that is empty or relative is to be passed over.
  const given = env["XDG_CACHE_HOME"] ?? "";
  return join(isAbsolute(given) ? given : home, "trailhand");
}

/** What has to outlive a program, and is in no repository: deliveries that wait for a server. */
export function stateFolder(env: Environment): string {
  const home = env["HOME"] ? join(env["HOME"], ".local", "state") : join(tmpdir(), `trailhand-${userName()}`);
  const given = env["XDG_STATE_HOME"] ?? "";
  return join(isAbsolute(given) ? given : home, "trailhand");
}

/** Outside the repository, so that a script that climbs out of its worktree is not in it. */
export function cacheRoot(place: GitLocation, env: Environment): string {
  const name = basename(place.top ?? place.commonDir).replace(/[^A-Za-z0-9._-]/g, "_");
  return join(cacheBase(env), `${name}-${shortHash(place.commonDir)}`);
}

export const shortHash = (text: string): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 12);

export const cacheFolders = (root: string): Cache => ({
  contracts: join(root, "contracts"),
  states: join(root, "states"),
  worktrees: join(root, "worktrees"),
  logs: join(root, "logs"),
  shared: join(root, "shared"),
  probed: join(root, "probed.json"),
});

/** Who is logged in, for names that people read. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "user";
  }
}
