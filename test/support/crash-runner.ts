/** Builds and starts a runner that kills itself, and finds what it must not leave behind. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { environmentOf } from "./run-runner.ts";
import { temporaryDir, type Repo } from "./temp-repo.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Bundles the program into a directory of this test file; returns its path. */
export async function buildCrashRunner(): Promise<string> {
  const outfile = join(temporaryDir(), "crash-runner.mjs");
  await build({
    absWorkingDir: root,
    entryPoints: ["test/support/runner-process.ts"],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
  return outfile;
}

export interface CrashRun {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  stdout(): string;
  stderr(): string;
}

/** Starts a runner that kills itself at a step. With step 0 it never does. */
export function startCrashRunner(program: string, repo: Repo, step = 0): CrashRun {
  const child = spawn(process.execPath, [program, repo.dir, String(step)], {
    env: environmentOf(repo),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (printed.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (printed.stderr += chunk.toString()));
  // Not `close`, because processes that the killed runner started may hold its pipes open.
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return { child, ended, stdout: () => printed.stdout, stderr: () => printed.stderr };
}

/** The ids of the processes whose environment contains a text. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => environmentText(pid).includes(text));
}

function environmentText(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

/** Leases, worktrees, processes and folders that a runner failed to remove; empty if there are none. */
export function leftovers(repo: Repo): string[] {
  const refs = repo.git(
    "for-each-ref",
    "--format=%(refname)",
    "refs/trailhand/leases",
    "refs/trailhand/follow",
  );
  const trees = repo
    .git("worktree", "list", "--porcelain")
    .split("\n")
    .filter((line) => line.startsWith("worktree ") && line.includes(repo.cache));
  const scripts = processesWith(`${repo.cache}/trailhand/`).filter((pid) =>
    environmentText(pid).includes("TRAILHAND_RUN="),
  );
  const pools = join(repo.cache, "trailhand");
  const folders = existsSync(pools)
    ? readdirSync(pools).flatMap((site) => {
        const folders = ["runs", "worktrees", "quarantine"].map((name) => join(pools, site, name));
        return folders.flatMap((folder) =>
          existsSync(folder) ? readdirSync(folder).map((name) => `folder ${name}`) : [],
        );
      })
    : [];
  return [
    ...refs.split("\n").filter(Boolean),
    ...trees,
    ...scripts.map((pid) => `process ${pid}`),
    ...folders,
  ];
}

/** Runs steps 1, 2, 3 … in parallel until a call returns false; returns the highest step started. */
export async function eachStep(width: number, run: (step: number) => Promise<boolean>): Promise<number> {
  let next = 0;
  let over = false;
  const lane = async (): Promise<void> => {
    while (!over) {
      const more = await run(++next);
      if (!more) over = true;
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return next;
}
