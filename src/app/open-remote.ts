/**
 * Opens a remote for the commands: the same workspace, with a cache in the place of the repository.
 *
 * What must hold: the person's own repository is only read; runners of this machine share the cache
 * of a remote, and what was fetched into it.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Sha } from "../core/protocol/ids.ts";
import { readTrustedConfig, type ReadTrustedConfig } from "../git/contract.ts";
import { EMPTY_TREE, gitIn, openLocation, personOf, type GitLocation } from "../git/open-repository.ts";
import { parseScopedConfig, type ScopedSetting } from "../git/parse-output.ts";
import { folderName, cacheGits, cacheExists, createCache, requireAddress } from "../git/remote/cache-dir.ts";
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

/** Opens a remote by its name or its URL. Throws a Fault when there is none of that name. */
export async function openRemoteWorkspace(
  dir: string,
  env: Environment,
  how: WorkspaceOptions & { readonly remote: string },
): Promise<Workspace> {
  const { here, settings } = await findHere(dir, env, how.remote);
  const config = new Map(settings.map(({ key, value }) => [key, value]));
  const address = requireAddress(how.remote, settings, here?.top ?? here?.commonDir ?? dir);
  const root = join(cacheBase(env), `${folderName(address)}-${shortHash(address.fetch)}`);
  const cacheDir = join(root, CACHE);
  const gits = cacheGits(cacheDir, env, settings, how.lineEnv);
  const line = new Transport(gits.online, gits.standalone, address);
  const restore = async () => {
    const wasThere = cacheExists(cacheDir);
    await createCache(cacheDir, (into) => line.clone(into));
    return !wasThere;
  };
  await restore();
  const place: GitLocation = {
    git: gits.git,
    commonDir: cacheDir,
    isBare: true,
    isShallow: false,
    emptyTree: await emptyTreeOf(gits.git),
    config,
    settings,
    top: undefined,
    person: how.person ?? personOf(config),
  };
  const cache = cacheFolders(root);
  const prefixes = new Map<Sha, Promise<string | undefined>>();
  const prefixOf = (commit: Sha) => {
    const known = prefixes.get(commit) ?? readTrustedConfig(gits.git, commit, cache.states).then(prefixIn);
    prefixes.clear();
    prefixes.set(commit, known);
    return known;
  };
  const pushes = how.pushes?.(address);
  const { signing } = how;
  const repository = new RemoteRepository({
    location: place,
    transport: line,
    restoreCache: restore,
    prefixOf,
    pushes,
    signing,
  });
  return {
    location: place,
    cache,
    repository,
    here,
    remote: repository,
    trustedConfig: trustedConfigReader(place, cache, how),
  };
}

const prefixIn = ({ problems, workflow }: ReadTrustedConfig): string | undefined =>
  problems.length > 0 ? undefined : workflow.refs.prefix;

async function emptyTreeOf(git: GitLocation["git"]): Promise<string> {
  const format = (await git.text(["rev-parse", "--show-object-format"])).trim();
  return format === "sha256" ? EMPTY_TREE.sha256 : EMPTY_TREE.sha1;
}

/** The repository around the person; a URL needs none. */
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
