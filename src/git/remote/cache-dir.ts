/**
 * The cache of a remote: a bare repository that all runners of this machine share.
 *
 * Invariants:
 * - The cache is complete or missing; deleting it costs only time.
 * - The user's own repository is never written.
 * - The user's connection settings (credentials, ssh, proxies) reach git through the environment,
 *   where no process list shows them.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { cleanEnv, Git, remoteEnv, type Setting } from "../git.ts";
import type { ScopedSetting } from "../parse-output.ts";
import { withoutPassword } from "../server-message.ts";
import type { Address } from "./transport.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of a repository for the connection to a remote. */
const CONNECTION_SETTINGS =
  /^(?:credential\.|https?\.|url\.|core\.(?:sshcommand|askpass|gitproxy)$|protocol\.)/;

/** Settings with a single value: a conditional include may have chosen another value for the cache. */
const SINGLE_PROGRAMS = new Set(["core.sshcommand", "core.askpass", "core.gitproxy", "ssh.variant"]);

/** Settings of other scopes apply to the cache anyway. A server rejects a header that is sent twice. */
const isRepositoryScope = (scope: string): boolean => scope === "local" || scope === "worktree";

/** Resolves a name or URL. Relative paths start at `base`. Throws a UserError for an unknown name. */
export function requireAddress(remote: string, settings: readonly ScopedSetting[], base: string): Address {
  // git fetches from the first of several URLs.
  const firstSetting = (key: string) => settings.find((one) => one.key === `remote.${remote}.${key}`)?.value;
  const configured = firstSetting("url");
  if (configured === undefined && !/[/:\\]/.test(remote)) {
    const remotes = settings.flatMap(({ key }) => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? []);
    throw new UserError(MESSAGES.noRemote(remote, [...new Set(remotes)].join(", ")));
  }
  const fetch = resolveUrl(configured ?? remote, base);
  const push = firstSetting("pushurl");
  return {
    name: configured === undefined ? withoutPassword(remote) : remote,
    fetch,
    push: push === undefined ? fetch : resolveUrl(push, base),
  };
}

/**
 * git resolves a relative path against its working directory, which is the cache here. A URL with a
 * colon before its first slash is not a path (git-clone(1), GIT URLS).
 */
function resolveUrl(url: string, base: string): string {
  const isPath = !/^[^/]*:/.test(url) && !isAbsolute(url) && !url.startsWith("~");
  return isPath ? join(base, url) : url;
}

/** A short folder name for a remote. */
export const folderName = ({ fetch }: Address): string =>
  basename(withoutPassword(fetch).replace(/[/\\]+$/, ""))
    .replace(/\.git$/, "")
    .replace(/[^A-Za-z0-9._-]/g, "_") || "remote";

export interface CacheGits {
  /** git in the cache. */
  readonly git: Git;
  /** git in the cache that connects to the remote. */
  readonly online: Git;
  /** git that connects to the remote, outside every repository. */
  readonly standalone: Git;
}

/** The settings of a person's repository that a git in another one needs to connect. */
export const connectionSettings = (settings: readonly ScopedSetting[]): Setting[] =>
  settings
    .filter(
      ({ scope, key }) =>
        (isRepositoryScope(scope) && CONNECTION_SETTINGS.test(key)) || SINGLE_PROGRAMS.has(key),
    )
    .map(({ key, value }) => [key, value]);

/**
 * Creates the folder of the cache. `connectionEnv` is called for each git process that connects to the
 * remote, because a token may expire before the runner ends.
 */
export function cacheGits(
  dir: string,
  env: Environment,
  settings: readonly ScopedSetting[],
  connectionEnv: () => Environment = () => env,
): CacheGits {
  const ownSettings = connectionSettings(settings);
  const GIT_DIR = { GIT_DIR: dir };
  const onlineEnv = () => remoteEnv(connectionEnv(), ownSettings);
  makeFolder(dirname(dir));
  return {
    git: new Git({ dir: dirname(dir), env: { ...cleanEnv(env), ...GIT_DIR } }),
    online: new Git({
      dir: dirname(dir),
      get env() {
        return { ...onlineEnv(), ...GIT_DIR };
      },
      isRemote: true,
    }),
    standalone: new Git({
      dir: dirname(dir),
      get env() {
        return onlineEnv();
      },
      isRemote: true,
    }),
  };
}

/** Removes the folders of killed clones. A clone that still runs finds that the cache exists. */
function removePartialClones(dir: string): void {
  for (const name of readdirSync(dirname(dir))) {
    if (name.startsWith(`${basename(dir)}.`))
      rmSync(join(dirname(dir), name), { recursive: true, force: true });
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code = "unknown error" } = cause as NodeJS.ErrnoException;
    throw new UserError(MESSAGES.readOnly(path, code), { cause });
  }
}

export const cacheExists = (dir: string): boolean => existsSync(dir);

/** Creates the cache if it is missing; `clone` fills an empty folder. */
export async function createCache(dir: string, clone: (into: string) => Promise<void>): Promise<void> {
  if (cacheExists(dir)) return removePartialClones(dir);
  makeFolder(dirname(dir));
  const temporary = mkdtempSync(`${dir}.`);
  try {
    await clone(temporary);
    renameSync(temporary, dir);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another runner may have created the cache meanwhile.
    if (!cacheExists(dir)) throw error;
  }
}
