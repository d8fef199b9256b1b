/**
 * Runs a state script, or the agent that answers a prompt, in its worktree.
 *
 * Invariants:
 * - Request, output and log files are outside the worktree.
 * - While a script runs, its process group is recorded, so that a later runner can end it.
 * - The output file is read only if it is a regular file, and up to a limit.
 */
import {
  constants,
  existsSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { NO_AGENT, withSummary } from "../core/outcome/prompt.ts";
import type { ScriptCall, ScriptEnd, Scripts } from "../engine/ports.ts";
import { agentProgram } from "./agent-program.ts";
import { scriptEnvironment, type Committer } from "./script-environment.ts";
import { endMarkedProcesses, GROUP_FILE, type GroupRecord } from "./process-group.ts";
import { startTime } from "./process-identity.ts";
import { logFileOf } from "./log-file.ts";
import { requestJson } from "./request-json.ts";
import { spawnBounded } from "./spawn-bounded.ts";

export interface ScriptOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly committer: Committer;
  /** The folder of logs, one file for each run. */
  readonly logs: string;
  /** A folder for caches of scripts; all runs of this repository share it. */
  readonly cache: string;
  readonly graceMs: number;
}

const OUTPUT_BYTES = 1024 * 1024;
const LOG_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

const NO_RUN = { outputFile: "", log: "", stdout: "", secrets: [] };

export class ScriptRunner implements Scripts {
  readonly #options: ScriptOptions;

  constructor(options: ScriptOptions) {
    this.#options = options;
  }

  async run(call: ScriptCall, stop: Promise<string>): Promise<ScriptEnd> {
    const { env: runnerEnv, logs, cache, committer, graceMs } = this.#options;
    const { runDir, sideDir, path } = call.tree;
    const states = join(runDir, "states");
    rmSync(states, { recursive: true, force: true });
    call.script.copyTo(states);
    const program = agentProgram(call, runnerEnv, states);
    if (program === undefined) return { ...NO_RUN, exit: { kind: "exited", code: 0 }, outputFile: NO_AGENT };
    if (typeof program === "string") return { ...NO_RUN, exit: { kind: "not-started", why: program } };
    const files = { request: join(sideDir, "request.json"), output: join(sideDir, "output"), cache, states };
    const record = join(runDir, GROUP_FILE);
    for (const folder of [logs, cache]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    makeOwnFolder(sideDir);
    writeNew(files.output, "");
    writeNew(files.request, requestJson(call));
    const { env, secrets } = scriptEnvironment(call, runnerEnv, files, committer);
    const result = await spawnBounded({
      ...program,
      cwd: path,
      env,
      stop,
      timeoutMs: call.timeoutMs,
      stall: call.stallMs === undefined ? undefined : { ms: call.stallMs, paths: [path, files.output] },
      graceMs,
      logFile: logFileOf(logs, call.run),
      logBytes: LOG_BYTES,
      tailBytes: TAIL_BYTES,
      onStart: (pgid) => {
        const group: GroupRecord = { pgid, started: startTime(pgid) ?? "0" };
        writeFileSync(record, JSON.stringify(group));
      },
    });
    await endMarkedProcesses(call.run);
    rmSync(record, { force: true });
    const text = readBounded(files.output);
    const hasSucceeded = result.exit.kind === "exited" && result.exit.code === 0;
    const outputFile = call.script.isPrompt && hasSucceeded ? withSummary(text, result.stdout) : text;
    return { ...result, outputFile, secrets };
  }
}

/** An earlier program of the run may have put a link in the place of the folder. */
function makeOwnFolder(path: string): void {
  if (isThere(path) && lstatSync(path).isDirectory()) return;
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { mode: 0o700 });
}

/** Never writes through a link, or into a named pipe, that an earlier program of the run has left. */
function writeNew(file: string, text: string): void {
  rmSync(file, { recursive: true, force: true });
  writeFileSync(file, text, { mode: 0o600, flag: "wx" });
}

const NOT_A_FILE = "the output file is not a regular file";

/** True for anything at the path, a link that leads nowhere included. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}

/** The content of the output file. An error text takes its place, which is invalid output. */
function readBounded(path: string): string {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return existsSync(dirname(path)) && !isThere(path) ? "" : NOT_A_FILE;
  }
  try {
    if (!fstatSync(file).isFile()) return NOT_A_FILE;
    const buffer = Buffer.alloc(OUTPUT_BYTES + 1);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return length > OUTPUT_BYTES
      ? `the output file is larger than ${OUTPUT_BYTES} bytes`
      : buffer.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}
