/**
 * Runs one program in a process group of its own, bounded in time and output.
 *
 * What must hold: the first cause of its end wins; both pipes are drained to the last byte that
 * matters; the exit of the program ends the run, even when a child of it holds the pipes open;
 * afterwards no process of the group is left.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Exit } from "../core/outcome/outcome.ts";
import { trackGroup, signalGroup } from "./process-group.ts";
import { StallWatch } from "./stall-watch.ts";
import { LONGEST_TIMER_MS } from "../core/util/duration.ts";
import { PROCESS } from "./timing.ts";

export interface SpawnOptions {
  /** A path, or a name to look for on the PATH of `env`. */
  readonly file: string;
  readonly args: readonly string[];
  /** How it is called where it cannot be started. */
  readonly title: string;
  /** What it may read on standard input; undefined: nothing. */
  readonly input?: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** How long it may neither print nor change anything in `paths`; undefined: as long as it likes. */
  readonly stall?: { readonly ms: number; readonly paths: readonly string[] } | undefined;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Resolves when the program must stop, with the reason. */
  readonly stop: Promise<string>;
  /** Where everything is written that the program prints, up to `logBytes`. */
  readonly logFile: string;
  readonly logBytes: number;
  /** How much of the end is kept in memory. */
  readonly tailBytes: number;
  readonly onStart: (pid: number) => void;
}

export interface SpawnResult {
  readonly exit: Exit;
  readonly log: string;
  readonly stdout: string;
}

/** Runs to the end. A program that cannot be started is an Exit too; only a fault of ours rejects. */
export async function spawnBounded(options: SpawnOptions): Promise<SpawnResult> {
  const log = new Log(options.logFile, options.logBytes, options.tailBytes);
  const stdout = new Tail(options.tailBytes);
  try {
    const started = await start(options);
    if (!("child" in started)) return { exit: started, log: "", stdout: "" };
    const { child } = started;
    const ended = trackGroup(child.pid ?? 0);
    try {
      options.onStart(child.pid ?? 0);
    } catch (error) {
      // What is not on record must not run: nobody could end it.
      signalGroup(child.pid ?? 0, "SIGKILL");
      ended();
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
    feed(child, options.input);
    const exit = await untilEnd(child, options, watch);
    ended();
    await drained(child);
    return { exit, log: log.text(), stdout: stdout.text() };
  } finally {
    log.close();
  }
}

/** "Text file busy" is a neighbour's fork that still holds the file open for writing: it passes. */
async function start(options: SpawnOptions): Promise<{ child: ChildProcess } | Exit> {
  for (let tries = 0; ; tries++) {
    const child = spawn(options.file, options.args, {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const failure = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      child.once("spawn", () => resolve(undefined));
      child.once("error", resolve);
    });
    if (!failure) return { child };
    if (failure.code !== "ETXTBSY" || tries >= PROCESS.startTries)
      return {
        kind: "not-started",
        why: `${options.title} could not be started: ${explain(failure, options.file)}`,
      };
    await wait(PROCESS.startRetryMs);
  }
}

function explain({ code }: NodeJS.ErrnoException, file: string): string {
  if (code === "ENOEXEC") return "it needs a first line such as #!/bin/sh";
  if (code === "ENOENT" && !file.includes("/")) return "there is no such program on the runner's PATH";
  if (code === "ENOENT") return "the program of its #! line does not exist";
  return code ?? "unknown error";
}

/** A program need not read what it is given: then the pipe breaks, and that is no fault of anybody. */
function feed({ stdin }: ChildProcess, input: string | undefined): void {
  if (!stdin || input === undefined) return;
  stdin.on("error", () => undefined);
  stdin.end(input);
}

async function untilEnd(
  child: ChildProcess,
  options: SpawnOptions,
  watch: StallWatch | undefined,
): Promise<Exit> {
  const pid = child.pid ?? 0;
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(signal === null ? { kind: "exited", code: code ?? 1 } : { kind: "signalled", signal }),
    );
  });
  const clock = new AbortController();
  const late = wait(Math.min(options.timeoutMs, LONGEST_TIMER_MS), undefined, { signal: clock.signal }).then(
    (): Exit => ({ kind: "timed-out", afterMs: options.timeoutMs }),
    () => exited,
  );
  const stalled = watch?.whenStalled(clock.signal).then(
    (): Exit => ({ kind: "stalled", afterMs: options.stall?.ms ?? 0 }),
    () => exited,
  );
  const stopped = options.stop.then((why): Exit => ({ kind: "stopped", why }));
  const first = await Promise.race([exited, late, stopped, stalled ?? exited]);
  clock.abort();
  if (first.kind === "timed-out" || first.kind === "stalled" || first.kind === "stopped") {
    signalGroup(pid, "SIGTERM");
    // A timer without a reference does not keep the process alive when the script ends in time.
    await Promise.race([exited, wait(options.graceMs, undefined, { ref: false })]);
  }
  // What the script left in its group ends with it.
  signalGroup(pid, "SIGKILL");
  await exited;
  return first;
}

async function drained(child: ChildProcess): Promise<void> {
  const ends = [child.stdout, child.stderr].map(
    (stream) =>
      new Promise<void>((resolve) => {
        if (!stream || stream.readableEnded || stream.destroyed) resolve();
        else stream.once("close", () => resolve());
      }),
  );
  const clock = new AbortController();
  await Promise.race([
    Promise.all(ends),
    wait(PROCESS.drainMs, undefined, { signal: clock.signal }).catch(() => undefined),
  ]);
  clock.abort();
  child.stdin?.destroy();
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** The last bytes of a stream, in bounded memory. */
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

/** The log file up to its cap, and its tail. */
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
      // A full disk costs the log, not the run: the tail is still in memory.
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
