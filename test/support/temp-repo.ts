/**
 * Real repositories for tests, copied from one template so that each costs milliseconds.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A repository with a work tree, and git in it. */
export interface Repo {
  readonly dir: string;
  /** The cache of runners of this repository; give it as XDG_CACHE_HOME. */
  readonly cache: string;
  git(...args: string[]): string;
  gitIn(stdin: string, ...args: string[]): string;
  write(path: string, text: string, mode?: number): void;
  /** Commits everything; returns the id. */
  commit(message: string): string;
  /** An empty commit with this message; returns the id. */
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

/** Removes what `temporaryDir` made since the last call. */
export function removeTemporaryDirs(): void {
  for (const dir of directories.splice(0))
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

/** A directory that is removed after the test file. */
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

/** Wraps a directory that holds a repository. */
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

/** Keeps a repository until the end of the test run, for `copyRepo`; returns its directory. */
export function keepTemplate({ dir }: Repo): string {
  const kept = mkdtempSync(join(tmpdir(), "trailhand-template-"));
  renameSync(dir, join(kept, "repo"));
  return join(kept, "repo");
}

/** A repository on `main` with one commit. */
function makeTemplate(): string {
  const dir = join(temporaryDir(), "repo");
  // Without the template of git itself, whose sample hooks would be copied each time.
  git(tmpdir(), ["init", "-q", "--template=", "-b", "main", dir]);
  for (const folder of ["hooks", "info"]) mkdirSync(join(dir, ".git", folder));
  git(dir, ["commit", "-q", "--allow-empty", "-m", "first commit"]);
  return keepTemplate(repoAt(dir));
}

/** A copy of a repository, in a directory of its own. */
export function copyRepo(dir: string): Repo {
  const copy = join(temporaryDir(), "repo");
  cpSync(dir, copy, { recursive: true });
  return repoAt(copy);
}

/** A new repository on `main` with one commit; `files` are added in a second one. */
export function makeRepo(files: Readonly<Record<string, string>> = {}): Repo {
  template ??= makeTemplate();
  const repo = copyRepo(template);
  for (const [path, text] of Object.entries(files)) {
    repo.write(path, text, text.startsWith("#!") ? 0o755 : undefined);
  }
  if (Object.keys(files).length > 0) repo.commit("add files");
  return repo;
}
