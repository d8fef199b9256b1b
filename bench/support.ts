/**
 * A throw-away repository for benchmarks, bare git in it, and the arithmetic of fair rounds.
 *
 * What must hold: the two sides of a comparison see the same repository, environment and settings,
 * and take turns in one run; nothing outside the temporary directory is read or written; processes
 * are counted in a pass of their own, which is not timed.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

/** A repository on `main`, and the environment that every git and every runner in it gets. */
export interface Lab {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs git, and reads its output to the last byte. Rejects when git fails. */
  git(args: readonly string[], stdin?: string): Promise<Buffer>;
  /** Runs a program of ours with another environment; its output. It may leave something for later. */
  output(file: string, args: readonly string[], env: Lab["env"]): Promise<Buffer>;
  /** Runs a program in a directory, its output thrown away. */
  start(file: string, cwd: string, args?: readonly string[]): Promise<void>;
  /** The git processes of an action, git's own children included, by command. */
  countGit(action: () => Promise<unknown>): Promise<readonly string[]>;
}

/** Makes a repository from a stream for `git fast-import`, and removes it after `use`. */
export async function withLab<T>(stream: string, use: (lab: Lab) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), "trailhand-bench-"));
  try {
    const lab = makeLab(root);
    await lab.git(["init", "-q", "-b", "main"]);
    await lab.git(["fast-import", "--quiet"], stream);
    await lab.git(["pack-refs", "--all"]);
    await lab.git(["reset", "-q", "--hard", "main"]);
    return await use(lab);
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function makeLab(root: string): Lab {
  const config = join(root, "config");
  const dir = join(root, "repo");
  mkdirSync(dir);
  writeFileSync(config, "[user]\n\tname = Ann\n\temail = ann@example.com\n");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: root,
    XDG_CACHE_HOME: join(root, "cache"),
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: "1",
    LC_ALL: "C",
  };
  let counts = 0;
  return {
    dir,
    env,
    git: (args, stdin) => runProgram("git", args, dir, env, stdin),
    output: (file, args, other) => runProgram(file, args, dir, other, "", [0, 75]),
    start: async (file, cwd, args = []) => void (await runProgram(file, args, cwd, env)),
    async countGit(action) {
      const traces = join(root, `traces-${++counts}`);
      mkdirSync(traces);
      const before = readFileSync(config, "utf8");
      // git writes one file for each of its processes into a directory that is named here.
      writeFileSync(config, `${before}[trace2]\n\teventTarget = ${traces}\n`);
      await action();
      writeFileSync(config, before);
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
  env: Readonly<Record<string, string>>,
  stdin = "",
  codes: readonly number[] = [0],
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: "pipe" });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (codes.includes(code ?? -1)) resolve(Buffer.concat(out));
      else
        reject(new Error(`${file} ${args.join(" ")} ended with ${code}: ${Buffer.concat(err).toString()}`));
    });
    // A program need not read its input; its exit code tells whether it should have.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
  });
}

/** What was measured, in milliseconds, one number for each round. */
export interface Figure {
  readonly name: string;
  readonly ours: readonly number[];
  readonly floor: readonly number[];
  readonly ourGit: readonly string[];
  readonly floorGit: readonly string[];
}

/** A side of a comparison: what to do before the clock starts, and what is timed. */
export interface Side {
  readonly prepare?: () => Promise<unknown>;
  /** Returns when the clock stopped, where that is before its end. */
  readonly run: () => Promise<number | void>;
}

/** Lets both sides take turns, the first of each round in turn too, after one round to warm up. */
export async function compare(
  lab: Lab,
  name: string,
  rounds: number,
  ours: Side,
  floor: Side,
): Promise<Figure> {
  const figure = { name, ours: [] as number[], floor: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const side of round % 2 === 0 ? [ours, floor] : [floor, ours]) {
      const took = await time(side);
      if (round > 0) (side === ours ? figure.ours : figure.floor).push(took);
    }
  }
  return { ...figure, ourGit: await count(lab, ours), floorGit: await count(lab, floor) };
}

/** Lets both sides run in turn, without a round to warm up: for what takes many seconds. */
export async function compareOnce(
  name: () => string,
  rounds: number,
  ours: Side,
  floor: Side,
): Promise<Figure> {
  const figure = { ours: [] as number[], floor: [] as number[], ourGit: [], floorGit: [] };
  for (let round = 0; round < rounds; round++) {
    figure.ours.push(await time(ours));
    figure.floor.push(await time(floor));
  }
  return { ...figure, name: name() };
}

async function time({ prepare, run }: Side): Promise<number> {
  await prepare?.();
  const before = performance.now();
  const stopped = await run();
  return (stopped ?? performance.now()) - before;
}

async function count(lab: Lab, { prepare, run }: Side): Promise<readonly string[]> {
  await prepare?.();
  return lab.countGit(run);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle) - 1] ?? 0)) / 2;
}

/** One commit for `git fast-import`. */
export function importCommit(ref: string, mark: number, message: string, rest: string): string {
  const size = Buffer.byteLength(message);
  const by = `committer Ann <ann@example.com> ${1_700_000_000 + mark} +0000`;
  return `commit ${ref}\nmark :${mark}\n${by}\ndata ${size}\n${message}\n${rest}\n`;
}

/** A file of a commit for `git fast-import`. */
export function importFile(path: string, text: string, mode = "100644"): string {
  return `M ${mode} inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
}
