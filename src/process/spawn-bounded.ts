/**
 * Runs a program in its own process group, with limits on time and output.
 *
 * Invariants:
 * - The first cause of the end is reported.
 * - The exit of the program ends the run, even if a child holds its pipes open.
 * - Afterwards no process of the group is left.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Exit } from "../core/outcome/outcome.ts";
import { trackGroup, signalGroup } from "./process-group.ts";
import { groupOf, type ProcessSet } from "./process-set.ts";
import { StallWatch } from "./stall-watch.ts";
import { LONGEST_TIMER_MS } from "../core/util/duration.ts";
import { PROCESS } from "./timing.ts";

export interface SpawnOptions {
  /** A path, or a name on the PATH of `env`. */
  readonly file: string;
  readonly args: readonly string[];
  /** Its name in an error message. */
  readonly title: string;
  /** Its standard input; undefined: none. */
  readonly input?: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** How long it may neither print nor change `paths`; undefined: no limit. */
  readonly stall?: { readonly ms: number; readonly paths: readonly string[] } | undefined;
  /** The time between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Resolves when the program must stop, with the reason. */
  readonly stop: Promise<string>;
  /** Receives the output of the program, up to `logBytes`. */
  readonly logFile: string;
  readonly logBytes: number;
  /** How much of the end of the output is kept in memory. */
  readonly tailBytes: number;
  readonly onStart: (pid: number) => void;
  /** The processes of a sandbox, which reports on file descriptor 3. By default those of the process group. */
  readonly processesOf?: (child: ChildProcess) => ProcessSet;
}

export interface SpawnResult {
  readonly exit: Exit;
  /** True if it is proved that no process of the program is left. */
  readonly isEmpty: boolean;
  /** False if the sandbox started, but not the program in it. */
  readonly hasStarted: boolean;
  readonly log: string;
  readonly stdout: string;
}

/** Rejects only on a fault of Trailhand. A program that does not start is an Exit too. */
export async function spawnBounded(options: SpawnOptions): Promise<SpawnResult> {
  const log = new Log(options.logFile, options.logBytes, options.tailBytes);
  const stdout = new Tail(options.tailBytes);
  try {
    const started = await start(options);
    if (!("child" in started))
      return { exit: started, log: "", stdout: "", isEmpty: true, hasStarted: false };
    const { child } = started;
    const processes = options.processesOf?.(child) ?? groupOf(child.pid ?? 0);
    const untrackGroup = trackGroup(child.pid ?? 0);
    try {
      options.onStart(child.pid ?? 0);
    } catch (error) {
      // A group without a record must not run, because no runner could end it.
      signalGroup(child.pid ?? 0, "SIGKILL");
      untrackGroup();
      throw error;
    }
    const watch = options.stall && new StallWatch(options.stall.ms, options.stall.paths);
    child.stdout?.on("data", (chunk: Buffer) => {
      watch?.noteOutput();
      log.add(chunk);
      stdout.add(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      watch?.noteOutput();
      log.add(chunk);
    });
    writeInput(child, options.input);
    const exit = await waitForEnd(child, processes, options, watch);
    untrackGroup();
    const isEmpty = await processes.isEmpty();
    await drainPipes(child);
    return { exit, log: log.text(), stdout: stdout.text(), isEmpty, hasStarted: processes.hasStarted() };
  } finally {
    log.close();
  }
}

/** Retries on "text file busy": a fork of another run still holds the file open for writing. */
async function start(options: SpawnOptions): Promise<{ child: ChildProcess } | Exit> {
  for (let tries = 0; ; tries++) {
    const child = spawn(options.file, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: [
        options.input === undefined ? "ignore" : "pipe",
        "pipe",
        "pipe",
        ...(options.processesOf ? (["pipe"] as const) : []),
      ],
    });
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      child.once("spawn", () => resolve(undefined));
      child.once("error", resolve);
    });
    if (!failure) return { child };
    if (failure.code !== "ETXTBSY" || tries >= PROCESS.startTries)
      return {
        kind: "not-started",
        why: `${options.title} could not be started: ${startProblem(failure, options.file)}`,
      };
    await wait(PROCESS.startRetryMs);
  }
}

function startProblem({ code }: NodeJS.ErrnoException, file: string): string {
  if (code === "ENOEXEC") return "it needs a first line such as #!/bin/sh";
  if (code === "ENOENT" && !file.includes("/")) return "there is no such program on the runner's PATH";
  if (code === "ENOENT") return "the program of its #! line does not exist";
  return code ?? "unknown error";
}

/** A program may ignore its input. The broken pipe is then not an error. */
function writeInput({ stdin }: ChildProcess, input: string | undefined): void {
  if (!stdin || input === undefined) return;
  stdin.on("error", () => undefined);
  stdin.end(input);
}

async function waitForEnd(
  child: ChildProcess,
  processes: ProcessSet,
  options: SpawnOptions,
  watch: StallWatch | undefined,
): Promise<Exit> {
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "exited", code: code ?? 1 } : { kind: "signalled", signal }),
    );
  });
  const timers = new AbortController();
  const timedOut = wait(Math.min(options.timeoutMs, LONGEST_TIMER_MS), undefined, {
    signal: timers.signal,
  }).then(
    (): Exit => ({ kind: "timed-out", afterMs: options.timeoutMs }),
    () => exited,
  );
  const stalled = watch?.whenStalled(timers.signal).then(
    (): Exit => ({ kind: "stalled", afterMs: options.stall?.ms ?? 0 }),
    () => exited,
  );
  const stopped = options.stop.then((why): Exit => ({ kind: "stopped", why }));
  const cause = await Promise.race([exited, timedOut, stopped, stalled ?? exited]);
  timers.abort();
  if (cause.kind === "timed-out" || cause.kind === "stalled" || cause.kind === "stopped") {
    processes.terminate();
    // An unreferenced timer does not keep this process alive after the script ended.
    await Promise.race([exited, wait(options.graceMs, undefined, { ref: false })]);
  }
  // Processes that the program left end with it.
  processes.kill();
  await exited;
  return cause;
}

async function drainPipes(child: ChildProcess): Promise<void> {
  const ends = [child.stdout, child.stderr].map(
    (stream) =>
      new Promise<void>((resolve) => {
        if (!stream || stream.readableEnded || stream.destroyed) resolve();
        else stream.once("close", () => resolve());
      }),
  );
  const timers = new AbortController();
  await Promise.race([
    Promise.all(ends),
    wait(PROCESS.drainMs, undefined, { signal: timers.signal }).catch(() => undefined),
  ]);
  timers.abort();
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** Keeps the last bytes of a stream in bounded memory. */
class Tail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= this.#limit * 2) return;
    const kept = Buffer.concat(this.#chunks).subarray(-this.#limit);
    this.#chunks = [Buffer.from(kept)];
    this.#size = kept.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#limit).toString("utf8");
  }
}

/** Writes a log file up to a limit, and keeps its tail in memory. */
class Log {
  readonly #file: number;
  readonly #tail: Tail;
  #left: number;

  constructor(file: string, limit: number, tail: number) {
    this.#file = openSync(file, "w", 0o600);
    this.#left = limit;
    this.#tail = new Tail(tail);
  }

  add(chunk: Buffer): void {
    this.#tail.add(chunk);
    if (this.#left <= 0) return;
    const part = chunk.subarray(0, this.#left);
    this.#left -= part.length;
    try {
      writeSync(this.#file, part);
      if (this.#left <= 0) writeSync(this.#file, "\n[the log is cut here]\n");
    } catch {
      // A full disk costs the log, not the run. The tail is still in memory.
      this.#left = 0;
    }
  }

  text(): string {
    return this.#tail.text();
  }

  close(): void {
    closeSync(this.#file);
  }
}
