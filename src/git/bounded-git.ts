/**
 * Starts git where files of a script decide how long it takes and how much it prints, and for sessions.
 *
 * Invariants:
 * - git and everything that it starts end after the time limit, or once there is too much output.
 * - Settings come as variables, because `-c` reads a setting with `=` in its name as another one.
 * - The environment names the run, so that a later runner finds what a killed one left.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { decodeBytes, encodeBytes } from "./byte-text.ts";
import { GitExit, settingVariables, type Setting } from "./git.ts";
import { findGit } from "./find-git.ts";
import { GIT_LIMITS } from "./timing.ts";

/** git took too long or printed too much. */
export class GitLimit extends UserError {
  constructor(args: readonly string[], what: string) {
    super(MESSAGES.gitLimit(args[0] ?? "", what));
    this.name = "GitLimit";
  }
}

/** What git says of the files or commits that it was given, as opposed to a fault of this machine. */
export const isGitProblem = (error: unknown): error is GitExit | GitLimit =>
  error instanceof GitExit || error instanceof GitLimit;

export interface BoundedTarget {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly settings: readonly Setting[];
}

export interface BoundedCall {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes besides 0 that do not throw. */
  readonly allowedCodes?: readonly number[];
  readonly limitMs?: number;
}

export interface BoundedResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class BoundedGit {
  readonly target: BoundedTarget;

  constructor(target: BoundedTarget) {
    this.target = target;
  }

  with({ dir, env, settings = [] }: Partial<BoundedTarget>): BoundedGit {
    return new BoundedGit({
      dir: dir ?? this.target.dir,
      env: { ...this.target.env, ...env },
      settings: [...this.target.settings, ...settings],
    });
  }

  async text(args: readonly string[], call: BoundedCall = {}): Promise<string> {
    return (await this.run(args, call)).stdout;
  }

  /** Throws GitExit on a code that is not allowed, and GitLimit when a limit ended it. */
  async run(args: readonly string[], call: BoundedCall = {}): Promise<BoundedResult> {
    const child = this.#start(args, call.env);
    const output = watch(child, args, call.limitMs);
    // git may end without reading its input.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(encodeBytes(call.stdin ?? ""));
    return check(args, await output, call.allowedCodes);
  }

  /** Pipes the output of one git into another. Both must end well. */
  async pipe(
    args: readonly string[],
    stdin: string,
    into: BoundedGit,
    intoArgs: readonly string[],
  ): Promise<string> {
    const source = this.#start(args);
    const sink = into.#start(intoArgs);
    for (const stream of [source.stdin, sink.stdin]) stream?.on("error", () => undefined);
    if (source.stdout && sink.stdin) source.stdout.pipe(sink.stdin);
    // A source whose sink is gone would wait for a reader until its limit.
    let isSinkFirst = false;
    sink.once("close", () => {
      isSinkFirst = source.exitCode === null && source.signalCode === null;
      if (isSinkFirst) killGroup(source);
    });
    // What git packs goes to the other git, and does not count as its own output.
    const both = [watch(source, args, undefined, false), watch(sink, intoArgs)] as const;
    source.stdin?.end(stdin);
    const ends = await Promise.allSettled(both);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    const [packed, indexed] = await Promise.all(both);
    if (!isSinkFirst) check(args, packed);
    return check(intoArgs, indexed).stdout;
  }

  #start(args: readonly string[], env: BoundedCall["env"] = {}): ChildProcess {
    return startGit({ ...this.target, env: { ...this.target.env, ...env } }, args);
  }
}

/** Starts git in a process group of its own, without a limit: the caller ends it with `killGroup`. */
export function startGit({ dir, env, settings }: BoundedTarget, args: readonly string[]): ChildProcess {
  const all = { ...env, ...settingVariables(settings) };
  return spawn(findGit(all["PATH"]), args, { cwd: dir, env: all, detached: true });
}

function check(
  args: readonly string[],
  result: BoundedResult,
  allowedCodes: readonly number[] = [],
): BoundedResult {
  if (result.code === 0 || allowedCodes.includes(result.code)) return result;
  throw new GitExit(args, result.code, result.stderr);
}

/** Collects the output until the process ends, and ends its group at a limit. */
function watch(
  child: ChildProcess,
  args: readonly string[],
  limitMs: number = GIT_LIMITS.ms,
  keepsOutput = true,
): Promise<BoundedResult> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let size = 0;
  let limit: GitLimit | undefined;
  const end = (what: string) => {
    limit ??= new GitLimit(args, what);
    killGroup(child);
  };
  const add = (chunks: Buffer[]) => (chunk: Buffer) => {
    size += chunk.length;
    if (size > GIT_LIMITS.bytes) end(`it printed more than ${GIT_LIMITS.bytes} bytes`);
    else chunks.push(chunk);
  };
  if (keepsOutput) child.stdout?.on("data", add(stdout));
  child.stderr?.on("data", add(stderr));
  const timer = setTimeout(() => end(`it took more than ${limitMs / 1000} s`), limitMs);
  return new Promise((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === "ENOENT" ? new UserError(MESSAGES.noGit(), { cause: error }) : error);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      if (limit) return reject(limit);
      resolve({
        code: code ?? 128,
        stdout: decodeBytes(Buffer.concat(stdout)),
        stderr: Buffer.concat(stderr).toString("utf8"),
      });
    });
  });
}

/** Ends a git that `startGit` started, and everything that it started. */
export function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
}
