/**
 * Starts programs in bubblewrap, where that works on this machine.
 *
 * Invariants:
 * - Whether it holds is found out by a trial, once for each runner. One that does not hold is not used.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Readable } from "node:stream";
import type { RunId } from "../../core/protocol/ids.ts";
import { RUN_VARIABLE } from "../../core/protocol/run-variable.ts";
import { groupOf, type ProcessSet } from "../process-set.ts";
import { PROCESS } from "../timing.ts";
import { bwrapArguments, STATUS_FD } from "./bwrap-arguments.ts";
import { readMachineView, type MachineOptions } from "./machine-view.ts";
import { namespaceProcesses } from "./namespace-processes.ts";
import { type MachineView, type SandboxFolders } from "./sandbox-needs.ts";

/** A variable by which the user of a machine does without a sandbox: the value `off`. */
export const SANDBOX_VARIABLE = "TRAILHAND_SANDBOX";

/** Whether programs can be isolated here. */
export type SandboxState =
  { readonly kind: "works" } | { readonly kind: "off" | "missing"; readonly why: string };

/** Prints what the sandbox does not hold back. `$1` is a file outside. */
const TRIAL = `if touch /usr/.trailhand 2>/dev/null; then echo "programs in it can write to /usr"; exit 1; fi
if [ -e "$1" ]; then echo "programs in it can read $1"; exit 1; fi
if [ "$(cat /proc/1/comm)" != bwrap ]; then echo "programs in it can see other processes"; exit 1; fi`;

export interface WrappedProgram {
  readonly file: string;
  readonly args: readonly string[];
}

export class Sandbox {
  readonly #options: MachineOptions;
  #machine: MachineView | undefined;
  #state: Promise<SandboxState> | undefined;

  constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** The first call makes the trial, in a folder of this run. */
  state(folder: string, run: RunId): Promise<SandboxState> {
    this.#state ??= this.#try(folder, run);
    return this.#state;
  }

  wrap(folders: SandboxFolders, { file, args }: WrappedProgram): WrappedProgram {
    const program = findBubblewrap(this.#options.env) ?? "bwrap";
    // A store that was borrowed from may be gone, which git only warns about. So may a file of the workflow.
    const isThere = (path: string) => existsSync(path);
    const files = folders.files.map((path) => this.locate(path)).filter(isThere);
    const shown = { ...folders, files, objectStores: folders.objectStores.filter(isThere) };
    return { file: program, args: [...bwrapArguments(this.#view(), shown), file, ...args] };
  }

  /** The path of a file of the workflow. */
  locate(path: string): string {
    return path.startsWith("~/") ? join(this.#view().home, path.slice(2)) : path;
  }

  /** The environment of a program: the home is private, and paths of other private folders mean nothing. */
  environment(env: Readonly<Record<string, string>>): Record<string, string> {
    const { home, runtimeDir } = this.#view();
    const kept = Object.entries(env).filter(
      ([name, value]) => !/^XDG_[A-Z]+_HOME$/.test(name) || value.startsWith(`${home}/`),
    );
    return { ...Object.fromEntries(kept), HOME: home, TMPDIR: "/tmp", XDG_RUNTIME_DIR: runtimeDir };
  }

  #view(): MachineView {
    this.#machine ??= readMachineView(this.#options);
    return this.#machine;
  }

  async #try(folder: string, run: RunId): Promise<SandboxState> {
    const { env } = this.#options;
    if (env[SANDBOX_VARIABLE] === "off")
      return { kind: "off", why: `${SANDBOX_VARIABLE}=off switches it off` };
    if (findBubblewrap(env) === undefined)
      return { kind: "missing", why: "bubblewrap (bwrap) is not installed" };
    const folders = trialFolders(folder);
    const outside = join(folder, "outside");
    writeFileSync(outside, "");
    const program = this.wrap(folders, { file: "/bin/sh", args: ["-c", TRIAL, "sh", outside] });
    // By the mark, a later runner finds what a killed one has left.
    const problem = await runTrial(program, { PATH: env["PATH"] ?? "", [RUN_VARIABLE]: run });
    return problem === undefined ? { kind: "works" } : { kind: "missing", why: problem };
  }
}

/** The processes of a program that `wrap` returned. */
export function sandboxProcesses(child: ChildProcess): ProcessSet {
  return namespaceProcesses(groupOf(child.pid ?? 0), child.stdio[STATUS_FD] as Readable);
}

function findBubblewrap(env: MachineOptions["env"]): string | undefined {
  const files = (env["PATH"] ?? "")
    .split(":")
    .flatMap((folder) => (isAbsolute(folder) ? [join(folder, "bwrap")] : []));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Empty folders in the place of those of an attempt. */
function trialFolders(folder: string): SandboxFolders {
  const path = (name: string) => {
    const made = join(folder, name);
    mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  };
  return {
    tree: path("tree"),
    side: path("side"),
    states: path("states"),
    cache: path("cache"),
    home: path("home"),
    temporary: path("temporary"),
    objectStores: [],
    files: [],
  };
}

/** What bubblewrap says if it fails. */
function runTrial(
  { file, args }: WrappedProgram,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      env,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      timeout: PROCESS.trialMs,
      killSignal: "SIGKILL",
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (text += chunk.toString()));
    (child.stdio[STATUS_FD] as Readable).resume();
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code) =>
      resolve(code === 0 ? undefined : text.trim().slice(0, 1000) || `exit ${code}`),
    );
  });
}
