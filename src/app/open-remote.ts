/**
 * Opens a remote for a command, with a cache as its repository.
 *
 * Invariants:
 * - The person's own repository is only read.
 * - Runners of this machine share the cache of a remote.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../core/protocol/ids.ts";
import { readTrustedConfig, type ReadTrustedConfig } from "../git/read-trusted-config.ts";
import {
  EMPTY_TREE,
  gitIn,
  openLocation,
  personOf,
  requireVersion,
  type GitLocation,
} from "../git/open-repository.ts";
import { parseScopedConfig, type ScopedSetting } from "../git/parse-output.ts";
import { isFolder } from "../git/attempt/attempt-folder.ts";
import { GitExit } from "../git/git.ts";
import { moveAside } from "../git/quarantine.ts";
import { folderName, cacheGits, cacheExists, createCache, requireAddress } from "../git/remote/cache-dir.ts";
import { CommitSigning } from "../git/commit-signing.ts";
import { Transport } from "../git/remote/transport.ts";
import { RemoteRepository } from "../git/remote/remote-repository.ts";
import {
  cacheBase,
  cacheFolders,
  trustedConfigReader,
  shortHash,
  type Environment,
  type WorkspaceOptions,
  type Workspace,
} from "./workspace.ts";

/** The bare repository in a remote's cache. */
const CACHE = "repo.git";

/** Opens a remote by name or URL. Throws a UserError for an unknown name. */
export async function openRemoteWorkspace(
  dir: string,
  env: Environment,
  options: WorkspaceOptions & { readonly remote: string },
): Promise<Workspace> {
  const version = options.needsVersion ? requireVersion(gitIn(dir, env)) : undefined;
  const [{ here, settings }] = await Promise.all([findHere(dir, env, options.remote), version]);
  const config = new Map(settings.map(({ key, value }) => [key, value]));
  const address = requireAddress(options.remote, settings, here?.top ?? here?.commonDir ?? dir);
  const root = join(cacheBase(env), `${folderName(address)}-${shortHash(address.fetch)}`);
  const cacheDir = join(root, CACHE);
  const gits = cacheGits(cacheDir, env, settings, options.lineEnv);
  const transport = new Transport(gits.online, gits.standalone, address);
  const restoreCache = async () => {
    const existed = cacheExists(cacheDir);
    await createCache(cacheDir, (into) => transport.clone(into));
    return !existed;
  };
  const cache = cacheFolders(root);
  const recreateCache = async (reason: string) => {
    if (isFolder(cacheDir)) moveAside(cacheDir, cache.quarantine, reason);
    else rmSync(cacheDir, { force: true });
    await restoreCache();
  };
  await restoreCache();
  const emptyTree = await emptyTreeOf(gits.git).catch(async (error: unknown) => {
    if (!(error instanceof GitExit)) throw error;
    await recreateCache(error.message);
    return emptyTreeOf(gits.git);
  });
  const location: GitLocation = {
    git: gits.git,
    commonDir: cacheDir,
    isBare: true,
    isShallow: false,
    emptyTree,
    config,
    settings,
    top: undefined,
    person: options.person ?? personOf(config),
  };
  const prefixes = new Map<Sha, Promise<string | undefined>>();
  const prefixOf = (commit: Sha) => {
    const prefix = prefixes.get(commit) ?? readTrustedConfig(gits.git, commit, cache.states).then(prefixIn);
    prefixes.clear();
    prefixes.set(commit, prefix);
    return prefix;
  };
  const pushes = options.pushes?.(address);
  const { signing } = options;
  const repository = new RemoteRepository({
    location,
    transport,
    restoreCache,
    recreateCache,
    prefixOf,
    pushes,
    signing,
    ownSigning: new CommitSigning(location, cache.unsigned),
  });
  return {
    location,
    cache,
    repository,
    here,
    remote: repository,
    trustedConfig: trustedConfigReader(location, cache, options, repository),
  };
}

const prefixIn = ({ problems, workflow }: ReadTrustedConfig): string | undefined =>
  problems.length > 0 ? undefined : workflow.refs.prefix;

async function emptyTreeOf(git: GitLocation["git"]): Promise<string> {
  const format = (await git.text(["rev-parse", "--show-object-format"])).trim();
  return format === "sha256" ? EMPTY_TREE.sha256 : EMPTY_TREE.sha1;
}

/** The repository around the directory; a URL needs none. */
async function findHere(
  dir: string,
  env: Environment,
  remote: string,
): Promise<{ here: GitLocation | undefined; settings: readonly ScopedSetting[] }> {
  const git = gitIn(dir, env);
  try {
    const here = await openLocation(git);
    return { here, settings: here.settings };
  } catch (error) {
    const isAddress = /[:/]/.test(remote) || existsSync(remote);
    if (!isAddress) throw error;
    const output = await git.text(["config", "--list", "-z", "--show-scope"], { allowedCodes: [1] });
    return { here: undefined, settings: parseScopedConfig(output) };
  }
}
