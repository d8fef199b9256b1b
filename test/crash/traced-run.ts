/**
 * Runs a program one file-system step at a time, and kills it with everything that it started at one of them.
 *
 * Invariants:
 * - strace stops each process at each step, so nothing runs on between the step and the kill.
 * - The server side of a push or fetch is neither counted nor killed: it would run on another machine.
 */
import { spawn, spawnSync } from "node:child_process";
import { createReadStream, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { descendantsOf, listProcesses, signal } from "../chaos/processes.ts";

/** System calls that change files or folders. `copy_file_range` is left out, because a signal restarts it forever. */
const CALLS = [
  "open,openat,creat,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir",
  "symlink,symlinkat,truncate,ftruncate,write,writev,pwrite64,utimensat",
  "fsync,fdatasync,chmod,fchmod,fchmodat",
].join(",");

export interface TracedProgram {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Steps below this folder count. */
  readonly root: string;
  /** Steps below this folder do not: those of the server. */
  readonly except: string;
}

export interface TracedEnd {
  readonly steps: number;
  /** The call at which everything was killed; undefined: the program ended before. */
  readonly killedAt: string | undefined;
}

export const hasStrace = (): boolean => spawnSync("strace", ["--version"], { stdio: "ignore" }).status === 0;

/** `at` is the number of the step, from 1. The step itself is done, and the next one is not. */
export async function runTraced(program: TracedProgram, at: number): Promise<TracedEnd> {
  const pipe = `${program.root}.trace`;
  rmSync(pipe, { force: true });
  if (spawnSync("mkfifo", [pipe]).status !== 0) throw new Error(`cannot create the named pipe ${pipe}`);
  const options = ["-f", "-y", "-q", "-e", `trace=${CALLS}`];
  const inject = ["-e", `inject=${CALLS}:signal=SIGSTOP`];
  const child = spawn("strace", [...options, ...inject, "-o", pipe, "--", ...program.command], {
    cwd: program.cwd,
    env: program.env,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const steps = new StepReader(program);
  let killedAt: string | undefined;
  for await (const line of createInterface({ input: createReadStream(pipe) })) {
    const stopped = steps.read(line);
    if (stopped === undefined) continue;
    if (steps.count < at || killedAt !== undefined) {
      signal(stopped, "SIGCONT");
      continue;
    }
    killedAt = steps.last;
    const victims = descendantsOf(child.pid ?? 0, listProcesses());
    for (const { pid } of victims) signal(pid, "SIGSTOP");
    for (const { pid } of victims) signal(pid, "SIGKILL");
  }
  rmSync(pipe, { force: true });
  return { steps: steps.count, killedAt };
}

/** Reads the lines of strace, and counts the calls that changed something. */
class StepReader {
  count = 0;
  last = "";
  readonly #root: string;
  readonly #except: string;
  readonly #unfinished = new Map<string, string>();

  constructor({ root, except }: TracedProgram) {
    this.#root = `${root}/`;
    this.#except = `${except}/`;
  }

  /** The process that a line reports as stopped. */
  read(line: string): number | undefined {
    const [, pid = "", text = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (text.startsWith("--- stopped by")) return Number(pid);
    if (text.endsWith("<unfinished ...>")) this.#unfinished.set(pid, text);
    else this.#count(text.startsWith("<... ") ? `${this.#unfinished.get(pid) ?? ""} ${text}` : text);
    return undefined;
  }

  #count(text: string): void {
    if (!text.includes(this.#root) || text.includes(this.#except) || / = -1 E/.test(text)) return;
    if (/^open(?:at)?\(/.test(text) && !text.includes("O_CREAT")) return;
    if (/^writev?\(\d+<(?:socket|pipe|anon)/.test(text)) return;
    this.count++;
    this.last = text;
  }
}
