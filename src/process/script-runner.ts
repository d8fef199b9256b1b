/**
 * Runs a state script, or the agent that answers a prompt, in its worktree.
 *
 * What must hold: request, output and log lie beside the worktree, not in it; while the script runs
 * its process group is on record, so that a later runner can end it; the output file is read with a
 * bound and only when it is a plain file.
 */
import {
  constants,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { NO_AGENT, withSummary } from "../core/outcome/prompt.ts";
import type { ScriptCall, ScriptEnd, Scripts } from "../engine/ports.ts";
import { agentProgram } from "./agent-program.ts";
import { scriptEnvironment, type Committer } from "./script-environment.ts";
import { endMarkedProcesses, GROUP_FILE, type GroupRecord } from "./process-group.ts";
import { startTime } from "./process-identity.ts";
import { requestJson } from "./request-json.ts";
import { spawnBounded } from "./spawn-bounded.ts";

export interface ScriptOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly committer: Committer;
  /** Where logs are kept, one file for each run. */
  readonly logs: string;
  /** A folder for what scripts want to find again; all runs of this repository share it. */
  readonly cache: string;
  readonly graceMs: number;
}

const OUTPUT_BYTES = 1024 * 1024;
const LOG_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 64 * 1024;

const NEVER_RAN = { output: "", log: "", stdout: "", secrets: [] };

export class ScriptRunner implements Scripts {
  readonly #options: ScriptOptions;

  constructor(options: ScriptOptions) {
    this.#options = options;
  }

  /** Where the log of a run is written. */
  logFile(run: string): string {
    return join(this.#options.logs, `${run}.log`);
  }

  async run(call: ScriptCall, stop: Promise<string>): Promise<ScriptEnd> {
    const { env: ours, logs, cache, committer, graceMs } = this.#options;
    const program = agentProgram(call, ours);
    if (program === undefined) return { ...NEVER_RAN, exit: { kind: "exited", code: 0 }, output: NO_AGENT };
    if (typeof program === "string") return { ...NEVER_RAN, exit: { kind: "not-started", why: program } };
    const { runDir: side, path } = call.tree;
    const files = { request: join(side, "request.json"), output: join(side, "output"), cache };
    const record = join(side, GROUP_FILE);
    for (const folder of [logs, cache]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(files.output, { recursive: true, force: true });
    writeFileSync(files.output, "", { mode: 0o600 });
    writeFileSync(files.request, requestJson(call), { mode: 0o600 });
    const { env, secrets } = scriptEnvironment(call, ours, files, committer);
    const ended = await spawnBounded({
      ...program,
      cwd: path,
      env,
      stop,
      timeoutMs: call.timeoutMs,
      stall: call.stallMs === undefined ? undefined : { ms: call.stallMs, paths: [path, files.output] },
      graceMs,
      logFile: this.logFile(call.run),
      logBytes: LOG_BYTES,
      tailBytes: TAIL_BYTES,
      onStart: (pgid) => {
        const group: GroupRecord = { pgid, started: startTime(pgid) ?? "0" };
        writeFileSync(record, JSON.stringify(group));
      },
    });
    await endMarkedProcesses(call.run);
    rmSync(record, { force: true });
    const written = readBounded(files.output);
    const isWell = ended.exit.kind === "exited" && ended.exit.code === 0;
    const output = call.script.isPrompt && isWell ? withSummary(written, ended.stdout) : written;
    return { ...ended, output, secrets };
  }
}

const NOT_PLAIN = "the output file is no plain file";

/** The output file, if there is one. A sentence in its place names what is wrong, and is refused. */
function readBounded(path: string): string {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? "" : NOT_PLAIN;
  }
  try {
    if (!fstatSync(file).isFile()) return NOT_PLAIN;
    const buffer = Buffer.alloc(OUTPUT_BYTES + 1);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return length > OUTPUT_BYTES
      ? `the output file is larger than ${OUTPUT_BYTES} bytes`
      : buffer.toString("utf8", 0, length);
  } finally {
    closeSync(file);
  }
}
