/**
 * The cache of a remote: a bare repository of our own that every runner of this machine shares.
 *
 * What must hold: it is there whole or not at all; deleting it costs time and nothing else; the
 * user's own repository is never written; the way to the remote is the user's (credentials, ssh,
 * proxies), and goes by the environment, where no process list shows it.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import { cleanEnv, Git, remoteEnv } from "../git.ts";
import type { ScopedSetting } from "../parse-output.ts";
import { withoutPassword, type Address } from "./transport.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings of a repository that show the way to a remote. */
const WAYS = /^(?:credential\.|https?\.|url\.|core\.(?:sshcommand|askpass|gitproxy)$|protocol\.)/;

/** Programs of which there is one: a condition on the place may have chosen another for the cache. */
const PROGRAMS = new Set(["core.sshcommand", "core.askpass", "core.gitproxy", "ssh.variant"]);

/** Settings of other scopes hold in the cache as well, and a header that is sent twice is refused. */
const isOwn = (scope: string): boolean => scope === "local" || scope === "worktree";

/** The address that a name or a URL stands for. `base` is where relative paths begin. */
export function requireAddress(wanted: string, settings: readonly ScopedSetting[], base: string): Address {
  // Of several, git fetches from the first.
  const first = (key: string) => settings.find((one) => one.key === `remote.${wanted}.${key}`)?.value;
  const configured = first("url");
  if (configured === undefined && !/[/:\\]/.test(wanted)) {
    const known = settings.flatMap(({ key }) => /^remote\.(.+)\.url$/.exec(key)?.[1] ?? []);
    throw new UserError(MESSAGES.noRemote(wanted, [...new Set(known)].join(", ")));
  }
  const fetch = located(configured ?? wanted, base);
  const push = first("pushurl");
  return {
    name: configured === undefined ? withoutPassword(wanted) : wanted,
    fetch,
    push: push === undefined ? fetch : located(push, base),
  };
}

/**
 * git takes a relative path from where it stands, and ours stands in the cache. What has a colon
 * before its first slash is no path (git-clone(1), GIT URLS).
 */
function located(url: string, base: string): string {
  const isPath = !/^[^/]*:/.test(url) && !isAbsolute(url) && !url.startsWith("~");
  return isPath ? join(base, url) : url;
}

/** A short name for folders. */
export const folderName = ({ fetch }: Address): string =>
  basename(withoutPassword(fetch).replace(/[/\\]+$/, ""))
    .replace(/\.git$/, "")
    .replace(/[^A-Za-z0-9._-]/g, "_") || "remote";

export interface CacheGits {
  /** git in the cache. */
  readonly git: Git;
  /** git in the cache that speaks with the remote. */
  readonly online: Git;
  /** git that speaks with the remote, in no repository. */
  readonly standalone: Git;
}

/**
 * git in the cache, and on the line to the remote. Makes the folder that the cache is in. `lineEnv`
 * is asked anew for each git on the line: a token may last an hour, and a runner longer.
 */
export function cacheGits(
  dir: string,
  env: Environment,
  settings: readonly ScopedSetting[],
  lineEnv: () => Environment = () => env,
): CacheGits {
  const own = settings
    .filter(({ scope, key }) => (isOwn(scope) && WAYS.test(key)) || PROGRAMS.has(key))
    .map(({ key, value }) => [key, value] as const);
  const GIT_DIR = { GIT_DIR: dir };
  const onLine = () => remoteEnv(lineEnv(), own);
  makeFolder(dirname(dir));
  return {
    git: new Git({ dir: dirname(dir), env: { ...cleanEnv(env), ...GIT_DIR } }),
    online: new Git({
      dir: dirname(dir),
      get env() {
        return { ...onLine(), ...GIT_DIR };
      },
      isRemote: true,
    }),
    standalone: new Git({
      dir: dirname(dir),
      get env() {
        return onLine();
      },
      isRemote: true,
    }),
  };
}

/** What clones left behind that were killed. One that still runs finds that the cache is there by now. */
function removeHalfMade(dir: string): void {
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

export const cacheExists = (dir: string): boolean => existsSync(join(dir, "HEAD"));

/** Makes the cache where it is missing; `clone` fills an empty folder. */
export async function createCache(dir: string, clone: (into: string) => Promise<void>): Promise<void> {
  if (cacheExists(dir)) return removeHalfMade(dir);
  makeFolder(dirname(dir));
  const temporary = mkdtempSync(`${dir}.`);
  try {
    await clone(temporary);
    renameSync(temporary, dir);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another runner was faster.
    if (!cacheExists(dir)) throw error;
  }
}
