/**
 * Creates real repositories for tests, copied from a template because that takes only milliseconds.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A repository, and functions that run git and write files in it. */
export interface Repo {
  readonly dir: string;
  /** The cache directory for runners of this repository, to be set as XDG_CACHE_HOME. */
  readonly cache: string;
  git(...args: string[]): string;
  gitIn(stdin: string, ...args: string[]): string;
  write(path: string, text: string, mode?: number): void;
  /** Commits all changes; returns the id. */
  commit(message: string): string;
  /** Creates an empty commit with this message; returns the id. */
  request(message: string): string;
}

const WHO = {
  GIT_AUTHOR_NAME: "Ann Author",
  GIT_AUTHOR_EMAIL: "ann@example.com",
  GIT_COMMITTER_NAME: "Ann Author",
  GIT_COMMITTER_EMAIL: "ann@example.com",
};

const directories: string[] = [];
let template: string | undefined;

/** Removes the directories that `temporaryDir` created since the last call. */
export function removeTemporaryDirs(): void {
  for (const dir of directories.splice(0))
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** Creates a directory that is removed after the test file. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), "trailhand-test-"));
  directories.push(dir);
  return dir;
}

/** Runs git with a fixed identity. */
export function git(dir: string, args: readonly string[], stdin?: string): string {
  return execFileSync("git", args, {
    cwd: dir,
    env: { ...process.env, ...WHO },
    encoding: "utf8",
    maxBuffer: 1 << 30,
    stdio: ["pipe", "pipe", "pipe"],
    ...(stdin === undefined ? {} : { input: stdin }),
  });
}

/** Returns the `Repo` of a directory with an existing repository. */
export function repoAt(dir: string): Repo {
  return {
    dir,
    cache: `${dir}.cache`,
    git: (...args) => git(dir, args).trimEnd(),
    gitIn: (stdin, ...args) => git(dir, args, stdin).trimEnd(),
    write(path, text, mode) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
      if (mode !== undefined) chmodSync(join(dir, path), mode);
    },
    commit(message) {
      git(dir, ["add", "-A"]);
      git(dir, ["commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-"], message);
      return git(dir, ["rev-parse", "HEAD"]).trim();
    },
    request(message) {
      git(dir, ["commit", "-q", "--allow-empty", "--cleanup=verbatim", "-F", "-"], message);
      return git(dir, ["rev-parse", "HEAD"]).trim();
    },
  };
}

/** Moves a repository to a directory that lasts until the test run ends; returns it for `copyRepo`. */
export function keepTemplate({ dir }: Repo): string {
  const kept = mkdtempSync(join(tmpdir(), "trailhand-template-"));
  renameSync(dir, join(kept, "repo"));
  return join(kept, "repo");
}

/** Creates a repository on `main` with one commit. */
function makeTemplate(): string {
  const dir = join(temporaryDir(), "repo");
  // Without git's own template, whose sample hooks would be copied each time.
  git(tmpdir(), ["init", "-q", "--template=", "-b", "main", dir]);
  for (const folder of ["hooks", "info"]) mkdirSync(join(dir, ".git", folder));
  git(dir, ["commit", "-q", "--allow-empty", "-m", "first commit"]);
  return keepTemplate(repoAt(dir));
}

/** Copies a repository to a new directory. */
export function copyRepo(dir: string): Repo {
  const copy = join(temporaryDir(), "repo");
  cpSync(dir, copy, { recursive: true });
  return repoAt(copy);
}

/** Creates a repository on `main` with one commit, and a second commit with `files` if there are any. */
export function makeRepo(files: Readonly<Record<string, string>> = {}): Repo {
  template ??= makeTemplate();
  const repo = copyRepo(template);
  for (const [path, text] of Object.entries(files)) {
    repo.write(path, text, text.startsWith("#!") ? 0o755 : undefined);
  }
  if (Object.keys(files).length > 0) repo.commit("add files");
  return repo;
}
