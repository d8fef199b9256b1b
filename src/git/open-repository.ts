/**
 * Finds the repository and reads its configuration.
 *
 * Invariants:
 * - Two git processes run in parallel, and nothing is written.
 * - An unusable directory is a UserError with the next command.
 */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { cleanEnv, Git, GitExit } from "./git.ts";
import type { LockJournal } from "./lock-journal.ts";
import { parseConfig, parseScopedConfig, type ScopedSetting } from "./parse-output.ts";

export interface Person {
  readonly name: string;
  readonly email: string;
  /** The committer on behalf of this person; default: the person. */
  readonly writtenBy?: Person;
}

export interface GitLocation {
  readonly git: Git;
  /** The directory shared by all worktrees: objects, refs, configuration. */
  readonly commonDir: string;
  readonly isBare: boolean;
  readonly isShallow: boolean;
  readonly emptyTree: string;
  readonly config: ReadonlyMap<string, string>;
  /** All settings in order; a key may occur more than once. */
  readonly settings: readonly ScopedSetting[];
  /** The main worktree, if the repository has one. */
  readonly top: string | undefined;
  /** Undefined when neither `user.name` nor `user.email` is set. */
  readonly person: Person | undefined;
  /** Where locks are written down before git takes them. */
  readonly locks?: LockJournal;
}

export const EMPTY_TREE = {
  sha1: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
  sha256: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
} as const;

/** Throws a UserError when the directory does not exist. */
export function gitIn(dir: string, environment: Readonly<Record<string, string | undefined>>): Git {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new UserError(MESSAGES.noSuchDirectory(dir));
  return new Git({ dir, env: cleanEnv(environment) });
}

/** Opens the repository that git finds. Throws a UserError when there is none. */
export async function openLocation(git: Git): Promise<GitLocation> {
  const options = [
    "--git-common-dir",
    "--is-bare-repository",
    "--is-shallow-repository",
    "--show-object-format",
  ];
  const [answers, configList] = await Promise.all([
    git
      .text(["rev-parse", "--path-format=absolute", ...options])
      .catch((error: unknown) => throwOpenProblem(error, git)),
    git.text(["config", "--list", "-z", "--show-scope"], { allowedCodes: [1] }),
  ]);
  const [commonDir = "", bare, shallow, format] = answers.trimEnd().split("\n");
  const settings = parseScopedConfig(configList);
  const config = new Map(settings.map(({ key, value }) => [key, value]));
  const isBare = bare === "true" && config.get("core.bare") === "true";
  return {
    git,
    commonDir,
    isBare: isBare,
    isShallow: shallow === "true",
    emptyTree: format === "sha256" ? EMPTY_TREE.sha256 : EMPTY_TREE.sha1,
    config,
    settings,
    top: mainWorktree(commonDir, await mainConfig(git, commonDir, config)),
    person: personOf(config),
  };
}

async function throwOpenProblem(error: unknown, git: Git): Promise<never> {
  if (!(error instanceof GitExit)) throw error;
  const version = await requireVersion(git);
  // A newer git wrote it, for instance with its refs in tables.
  if (/repository (?:extension|format)|repo version/i.test(error.stderr)) {
    const why = error.stderr
      .trim()
      .replace(/^fatal: /, "")
      .replace(/\s+/g, " ");
    throw new UserError(MESSAGES.gitTooOldFor(git.target.dir, version, why), { cause: error });
  }
  throw new UserError(MESSAGES.notARepository(git.target.dir), { cause: error });
}

/** The oldest git that the tests were run with. */
export const OLDEST_GIT: readonly [number, number] = [2, 39];

/** Returns the version of git. Throws a UserError when it is too old. */
export async function requireVersion(git: Git): Promise<string> {
  const text = (await git.text(["version"])).trim().replace(/^git version /, "");
  const [major = 0, minor = 0] = text.split(".").map(Number);
  const [oldMajor, oldMinor] = OLDEST_GIT;
  if (major < oldMajor || (major === oldMajor && minor < oldMinor))
    throw new UserError(MESSAGES.gitTooOld(text));
  return text;
}

type Config = ReadonlyMap<string, string>;

/** The configuration of the main worktree. With `extensions.worktreeConfig`, other worktrees do not see all of it. */
async function mainConfig(git: Git, commonDir: string, config: Config): Promise<Config> {
  const worktreeConfig = join(commonDir, "config.worktree");
  if (config.get("extensions.worktreeconfig") !== "true" || !existsSync(worktreeConfig)) return config;
  return new Map([
    ...config,
    ...parseConfig(await git.text(["config", "--file", worktreeConfig, "--list", "-z"])),
  ]);
}

/** git resolves `core.worktree` against the git directory, and sets it for each submodule. */
function mainWorktree(commonDir: string, config: Config): string | undefined {
  if (config.get("core.bare") === "true") return undefined;
  const configured = config.get("core.worktree");
  if (configured !== undefined) return resolve(commonDir, configured);
  return basename(commonDir) === ".git" ? dirname(commonDir) : undefined;
}

/** The identity in the configuration of git. */
export function personOf(config: ReadonlyMap<string, string>): Person | undefined {
  const name = config.get("user.name");
  const email = config.get("user.email");
  return name && email ? { name, email } : undefined;
}

export function identityVariables(author: Person, committer: Person): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
  };
}
