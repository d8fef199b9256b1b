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
import type { Script, ScriptCall, ScriptEnd, Scripts } from "../engine/ports.ts";
import { agentProgram } from "./agent-program.ts";
import { scriptEnvironment, type Committer } from "./script-environment.ts";
import { endMarkedProcesses, GROUP_FILE, type GroupRecord } from "./process-group.ts";
import { startTime } from "./process-identity.ts";
import { logFileOf } from "./log-file.ts";
import { requestJson } from "./request-json.ts";
import { secretsIn } from "./sandbox/secrets-in.ts";
import { exitInside } from "./sandbox/exit-inside.ts";
import { sandboxProcesses, type Sandbox } from "./sandbox/sandbox.ts";
import { INSIDE, type SandboxFolders } from "./sandbox/sandbox-needs.ts";
import { spawnBounded, type SpawnOptions, type SpawnResult } from "./spawn-bounded.ts";

export interface ScriptOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly committer: Committer;
  /** The folder of logs, one file for each run. */
  readonly logs: string;
  /** The parent of the folders for caches of scripts. */
  readonly cache: string;
  readonly graceMs: number;
  readonly sandbox: Sandbox;
  /** Called after each program of an attempt. `isIsolated`: it wrote only where it may, and nothing of it is left. */
  readonly onEnd: (runDir: string, isIsolated: boolean) => void;
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
    const { env: runnerEnv, logs, committer, sandbox, onEnd } = this.#options;
    const { runDir, sideDir } = call.tree;
    const isIsolated = await this.#isIsolated(call);
    const folders = this.#foldersOf(call);
    rmSync(folders.states, { recursive: true, force: true });
    call.script.copyTo(folders.states);
    const shown = isIsolated ? INSIDE : folders;
    const program = agentProgram(call, runnerEnv, folders.states, shown.states);
    if (program === undefined) return { ...NO_RUN, exit: { kind: "exited", code: 0 }, outputFile: NO_AGENT };
    if (typeof program === "string") return { ...NO_RUN, exit: { kind: "not-started", why: program } };
    mkdirSync(logs, { recursive: true, mode: 0o700 });
    for (const folder of [folders.cache, folders.home, folders.temporary])
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    makeOwnFolder(sideDir);
    writeNew(join(sideDir, OUTPUT), "");
    writeNew(join(sideDir, REQUEST), requestJson(call));
    const files = { ...shown, request: join(shown.side, REQUEST), output: join(shown.side, OUTPUT) };
    const { env, secrets: variables } = scriptEnvironment(call, runnerEnv, files, committer);
    const shownFiles = folders.files.map((path) => sandbox.locate(path));
    const secrets = [...variables, ...shownFiles.flatMap(secretsIn)];
    const start = isIsolated
      ? {
          ...sandbox.wrap(folders, program),
          env: sandbox.environment(env),
          processesOf: sandboxProcesses,
        }
      : { file: program.file, args: program.args, env };
    const result = await this.#spawn(call, { ...program, ...start }, stop);
    const isProved = isIsolated && result.isEmpty;
    onEnd(runDir, isProved);
    if (!isProved) await endMarkedProcesses(call.run);
    rmSync(join(runDir, GROUP_FILE), { force: true });
    const text = readBounded(join(sideDir, OUTPUT));
    const hasSucceeded = result.exit.kind === "exited" && result.exit.code === 0;
    const outputFile = call.script.isPrompt && hasSucceeded ? withSummary(text, result.stdout) : text;
    const exit = isIsolated ? exitInside(result, program) : result.exit;
    return { log: result.log, stdout: result.stdout, exit, outputFile, secrets };
  }

  async #isIsolated({ sandbox: { level }, tree, run }: ScriptCall): Promise<boolean> {
    if (level === "off") return false;
    return (await this.#options.sandbox.state(join(tree.runDir, "trial"), run)).kind === "works";
  }

  /** Each state has a cache of its own, because a cache is a way from one run to the next. */
  #foldersOf({ tree, script, request, sandbox, agent }: ScriptCall): SandboxFolders {
    const { runDir, sideDir, path } = tree;
    return {
      tree: path,
      side: sideDir,
      states: join(runDir, "states"),
      cache: join(this.#options.cache, cacheName(script, request.state)),
      home: join(runDir, "home"),
      temporary: join(runDir, "temporary"),
      objectStores: tree.objectStores,
      files: [...sandbox.files, ...(script.isPrompt ? (agent?.files ?? []) : [])],
    };
  }

  async #spawn(
    call: ScriptCall,
    program: Pick<SpawnOptions, "args" | "env" | "file" | "input" | "processesOf" | "title">,
    stop: Promise<string>,
  ): Promise<SpawnResult> {
    const { logs, graceMs } = this.#options;
    const { runDir, sideDir, path } = call.tree;
    const stallPaths = [path, join(sideDir, OUTPUT)];
    return spawnBounded({
      ...program,
      cwd: path,
      stop,
      timeoutMs: call.timeoutMs,
      stall: call.stallMs === undefined ? undefined : { ms: call.stallMs, paths: stallPaths },
      graceMs,
      logFile: logFileOf(logs, call.run),
      logBytes: LOG_BYTES,
      tailBytes: TAIL_BYTES,
      onStart: (pgid) => {
        const group: GroupRecord = { pgid, started: startTime(pgid) ?? "0" };
        writeFileSync(join(runDir, GROUP_FILE), JSON.stringify(group));
      },
    });
  }
}

const REQUEST = "request.json";
const OUTPUT = "output";

/** The setup hook has one cache for all states. */
function cacheName({ path, isPrompt }: Script, state: string): string {
  return path.endsWith("/hooks/setup") ? "setup" : `${isPrompt ? "prompt" : "script"}-${state}`;
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
