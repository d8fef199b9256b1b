/**
 * One runner on a machine, over all its restarts.
 *
 * Invariants:
 * - Signals go to the runner itself, not to the process that entered its namespace.
 * - A suspended process is continued or killed.
 * - An unexpected end is reported.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TrialDirectory } from "./trial-directory.ts";
import type { Machine } from "./machine.ts";
import {
  childrenOf,
  descendantsOf,
  listProcesses,
  signal,
  type Process,
  type ProcessTable,
} from "./processes.ts";

export interface RunnerEnd {
  readonly runner: ManagedRunner;
  /** False when a signal of the trial ended it. */
  readonly isUnexpected: boolean;
  readonly how: string;
}

export class ManagedRunner {
  readonly machine: Machine;
  readonly name: string;
  readonly log: string;
  readonly #directory: TrialDirectory;
  readonly #args: readonly string[];
  readonly #program: string;
  #child: ChildProcess | undefined;
  #paused: readonly number[] = [];
  #wasSignalled = false;

  constructor(
    lab: TrialDirectory,
    machine: Machine,
    name: string,
    args: readonly string[],
    program = lab.program,
  ) {
    this.#program = program;
    this.#directory = lab;
    this.machine = machine;
    this.name = name;
    this.log = join(lab.logs, name);
    this.#args = args;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  get isPaused(): boolean {
    return this.#paused.length > 0;
  }

  /** `onEnd` is called once, whatever ended the runner. */
  start(onEnd: (ended: RunnerEnd) => void): void {
    const { machine } = this;
    // `origin` needs a clone as working directory. The other runners use the path of the remote.
    const cwd = this.#args.includes("origin") ? join(this.#directory.root, "clone") : machine.home;
    const enter = machine.enter.length > 0 ? [...machine.enter, `--wd=${cwd}`, "--"] : [];
    const [file = "", ...args] = [...enter, process.execPath, this.#program, ...this.#args];
    const log = openSync(this.log, "a");
    const child = spawn(file, args, { cwd, env: machine.env, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    this.#wasSignalled = false;
    let hasEnded = false;
    const ended = (how: string) => {
      if (hasEnded) return;
      hasEnded = true;
      if (this.#child === child) this.#child = undefined;
      onEnd({ runner: this, isUnexpected: !this.#wasSignalled, how });
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, name) => ended(`ended with ${code ?? name}`));
  }

  /** The process id of the runner in this namespace; undefined when it is not running. */
  pid(table?: ProcessTable): number | undefined {
    const outer = this.#child?.pid;
    if (outer === undefined || this.machine.enter.length === 0) return outer;
    return childrenOf(outer, table)[0]?.pid;
  }

  /** The local processes that the runner has started. */
  children(table: ProcessTable): Process[] {
    const pid = this.pid(table);
    return pid === undefined ? [] : descendantsOf(pid, table);
  }

  /** False when no process was running. */
  kill(): boolean {
    if (!signal(this.pid(), "SIGKILL")) return false;
    this.#wasSignalled = true;
    this.resume();
    return true;
  }

  terminate(): boolean {
    this.resume();
    const sent = signal(this.pid(), "SIGTERM");
    if (sent) this.#wasSignalled = true;
    return sent;
  }

  /** Suspends the runner; `withScripts`: with everything that it has started. */
  pause(withScripts: boolean): boolean {
    const table = listProcesses();
    const pid = this.pid(table);
    if (pid === undefined || this.isPaused) return false;
    const pids = [pid, ...(withScripts ? this.children(table).map((one) => one.pid) : [])];
    this.#paused = pids.filter((one) => signal(one, "SIGSTOP"));
    return this.isPaused;
  }

  resume(): void {
    // The process that entered the namespace stops and continues with the runner.
    if (this.isPaused) signal(this.#child?.pid, "SIGCONT");
    for (const pid of this.#paused) signal(pid, "SIGCONT");
    this.#paused = [];
  }

  /** The output of all its processes so far. */
  readLog(): string {
    try {
      return readFileSync(this.log, "utf8");
    } catch {
      return "";
    }
  }
}
