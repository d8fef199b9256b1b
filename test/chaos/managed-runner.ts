/**
 * One place for a runner on a machine: the process that runs there now, and what is done to it.
 *
 * What must hold: signals go to the runner itself, not to what put it into its namespace; whoever
 * stops a process starts it again or kills it; an end that nobody caused is told.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./trial-directory.ts";
import type { Machine } from "./machine.ts";
import { childrenOf, descendantsOf, listProcesses, signal, type Process, type Table } from "./processes.ts";

export interface Ended {
  readonly seat: Seat;
  /** False when a signal of ours ended it. */
  readonly byItself: boolean;
  readonly how: string;
}

export class Seat {
  readonly machine: Machine;
  readonly name: string;
  readonly log: string;
  readonly #lab: Lab;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #paused: readonly number[] = [];
  #asked = false;

  constructor(lab: Lab, machine: Machine, name: string, args: readonly string[]) {
    this.#lab = lab;
    this.machine = machine;
    this.name = name;
    this.log = join(lab.logs, name);
    this.#args = args;
  }

  get isUp(): boolean {
    return this.#child !== undefined;
  }

  get isPaused(): boolean {
    return this.#paused.length > 0;
  }

  /** Starts a runner; `onEnd` is called once when it has ended, however that came. */
  start(onEnd: (ended: Ended) => void): void {
    const { machine } = this;
    // A directory of its own for the way to `origin`; the others work from nowhere.
    const cwd = this.#args.includes("origin") ? join(this.#lab.root, "desk") : machine.home;
    const enter = machine.enter.length > 0 ? [...machine.enter, `--wd=${cwd}`, "--"] : [];
    const [file = "", ...args] = [...enter, process.execPath, this.#lab.program, ...this.#args];
    const log = openSync(this.log, "a");
    const child = spawn(file, args, { cwd, env: machine.env, stdio: ["ignore", log, log] });
    closeSync(log);
    this.#child = child;
    this.#asked = false;
    let over = false;
    const ended = (how: string) => {
      if (over) return;
      over = true;
      if (this.#child === child) this.#child = undefined;
      onEnd({ seat: this, byItself: !this.#asked, how });
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, name) => ended(`ended with ${code ?? name}`));
  }

  /** The runner's process id, as this program sees it; undefined when it is not there (yet). */
  pid(table?: Table): number | undefined {
    const outer = this.#child?.pid;
    if (outer === undefined || this.machine.enter.length === 0) return outer;
    return childrenOf(outer, table)[0]?.pid;
  }

  /** What the runner has started on its own side of the line. */
  children(table: Table): Process[] {
    const pid = this.pid(table);
    return pid === undefined ? [] : descendantsOf(pid, table);
  }

  /** False when there was nobody to kill. */
  kill(): boolean {
    if (!signal(this.pid(), "SIGKILL")) return false;
    this.#asked = true;
    this.resume();
    return true;
  }

  terminate(): boolean {
    this.resume();
    const sent = signal(this.pid(), "SIGTERM");
    if (sent) this.#asked = true;
    return sent;
  }

  /** Stops the runner; `whole`: with everything that it has started. */
  pause(whole: boolean): boolean {
    const table = listProcesses();
    const pid = this.pid(table);
    if (pid === undefined || this.isPaused) return false;
    const pids = [pid, ...(whole ? this.children(table).map((one) => one.pid) : [])];
    this.#paused = pids.filter((one) => signal(one, "SIGSTOP"));
    return this.isPaused;
  }

  resume(): void {
    // What put it into its namespace stops and goes on with it.
    if (this.isPaused) signal(this.#child?.pid, "SIGCONT");
    for (const pid of this.#paused) signal(pid, "SIGCONT");
    this.#paused = [];
  }

  /** What it printed, over all its lives. */
  said(): string {
    try {
      return readFileSync(this.log, "utf8");
    } catch {
      return "";
    }
  }
}
