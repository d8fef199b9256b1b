/**
 * A temporary repository for benchmarks, with bare git and programs that run in it.
 *
 * Invariants:
 * - Nothing outside the temporary directory is read or written, except the programs that run.
 * - Every process gets the same environment and git configuration.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

type Environment = Readonly<Record<string, string>>;

/** A repository on `main`, and the environment of every process in it. */
export interface Lab {
  readonly dir: string;
  /** The parent directory of the repository; removed with it. */
  readonly home: string;
  readonly env: Environment;
  /** Runs git and returns its whole output. Rejects when git fails. */
  git(args: readonly string[], stdin?: string): Promise<Buffer>;
  /** Runs a program and discards its output. Rejects when the program fails. */
  run(file: string, cwd: string, args?: readonly string[]): Promise<void>;
  /**
   * Runs a program from a shell, as a person does, and returns its output.
   * Accepts exit code 75, which means that some work is left for later.
   */
  shell(file: string, args: readonly string[], env?: Environment): Promise<Buffer>;
  /** Runs an action and returns the command of each git process, children of git included. */
  traceGit(action: () => Promise<unknown>): Promise<readonly string[]>;
}

/** Makes a repository from a `git fast-import` stream, and removes it after `use`. */
export async function withLab<T>(stream: string, use: (lab: Lab) => Promise<T>): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), "trailhand-bench-"));
  try {
    const lab = makeLab(home);
    await lab.git(["init", "-q", "-b", "main"]);
    await lab.git(["fast-import", "--quiet"], stream);
    await lab.git(["pack-refs", "--all"]);
    await lab.git(["reset", "-q", "--hard", "main"]);
    return await use(lab);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function makeLab(home: string): Lab {
  const config = join(home, "config");
  const dir = join(home, "repo");
  mkdirSync(dir);
  writeFileSync(config, "[user]\n\tname = Ann\n\temail = ann@example.com\n");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: "1",
    LC_ALL: "C",
  };
  let traceCount = 0;
  return {
    dir,
    home,
    env,
    git: (args, stdin) => runProgram("git", args, dir, env, stdin),
    run: async (file, cwd, args = []) => void (await runProgram(file, args, cwd, env)),
    shell: (file, args, environment = env) =>
      runProgram("/bin/sh", ["-c", '"$@"', "sh", file, ...args], dir, environment, "", [0, 75]),
    async traceGit(action) {
      const traces = join(home, `traces-${++traceCount}`);
      mkdirSync(traces);
      const untraced = readFileSync(config, "utf8");
      // With a directory as target, git writes one file for each of its processes.
      writeFileSync(config, `${untraced}[trace2]\n\teventTarget = ${traces}\n`);
      await action();
      writeFileSync(config, untraced);
      return readdirSync(traces)
        .toSorted()
        .map((name) => readCommand(readFileSync(join(traces, name), "utf8")));
    },
  };
}

const readCommand = (trace: string): string =>
  /"event":"cmd_name"[^\n]*"hierarchy":"([^"]*)"/.exec(trace)?.[1] ?? "?";

function runProgram(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Environment,
  stdin = "",
  acceptedCodes: readonly number[] = [0],
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: "pipe" });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (acceptedCodes.includes(code ?? -1)) return resolve(Buffer.concat(stdout));
      const command = [file, ...args].join(" ");
      reject(new Error(`${command} exited with ${code}: ${Buffer.concat(stderr).toString()}`));
    });
    // A program may exit without reading its input. Its exit code reports the failure, if it is one.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
  });
}
