/**
 * Runs the built program like a person in a terminal.
 *
 * `cli` and `cliIn` run it in a thread of this process, `cliProcess` and `cliStart` in a process of its own.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Repo } from "./temp-repo.ts";
import { runWarm, type CommandEnd } from "./warm-program.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/trailhand.js", import.meta.url));

/** Runs one command in a repository and waits until it exits. */
export function cli(repo: Repo, ...args: string[]): CommandEnd {
  return cliIn(repo.dir, { XDG_CACHE_HOME: repo.cache }, ...args);
}

export function cliIn(cwd: string, env: Record<string, string>, ...args: string[]): CommandEnd {
  return runWarm(cwd, { ...process.env, ...env }, args);
}

/** Runs one command in a new process. */
export function cliProcess(cwd: string, env: Record<string, string>, ...args: string[]): CommandEnd {
  const ended = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd,
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
  return { code: ended.status ?? -1, out: ended.stdout, err: ended.stderr };
}

/** Starts a command that keeps running. */
export function cliStart(repo: Repo, env: Record<string, string>, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [PROGRAM, ...args], {
    cwd: repo.dir,
    env: { ...process.env, XDG_CACHE_HOME: repo.cache, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Collects the standard error and the exit code of a running command. */
export function listen(child: ChildProcess): {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly exited: Promise<number | null>;
} {
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { child, said: () => said, exited };
}

/** Configures the identity that a person needs to write requests. */
export function introduce(repo: Repo): Repo {
  repo.git("config", "user.name", "Ann Author");
  repo.git("config", "user.email", "ann@example.com");
  return repo;
}
