/**
 * Runs one git command in a process of its own, through simple-git.
 *
 * Invariants:
 * - No shell, and no hook, file-system monitor, pager, editor or prompt of the user's configuration.
 * - `GIT_*` variables of our own environment never reach git.
 * - A non-zero exit code never counts as success.
 */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { simpleGit, type SimpleGit, type SimpleGitOptions } from "simple-git";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { absolutePath } from "./find-git.ts";

/** git exited with a code that the caller does not allow. */
export class GitExit extends UserError {
  readonly code: number;
  readonly stderr: string;

  constructor(args: readonly string[], code: number, stderr: string) {
    const command = args.find((arg) => !arg.startsWith("-")) ?? "";
    super(MESSAGES.gitFailed(command, code, firstLine(stderr)));
    this.name = "GitExit";
    this.code = code;
    this.stderr = stderr;
  }
}

export interface GitCall {
  readonly stdin?: string;
  /** Exit codes besides 0 that do not throw. */
  readonly allowedCodes?: readonly number[];
  /** Called with each chunk of output, so that it is parsed while git runs. */
  readonly onText?: (text: string) => void;
  /** Names that start with `GIT_` only; everything else comes from `GitTarget.env`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends git, and throws GitSilence, after so long without output on both streams. */
  readonly silenceMs?: number;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** git was ended after printing nothing for too long. What it started may still complete. */
export class GitSilence extends UserError {
  constructor(args: readonly string[], ms: number) {
    super(MESSAGES.gitSilent(args[0] ?? "", ms));
    this.name = "GitSilent";
  }
}

/** Settings of every call. They override the configuration of user and repository. */
export const SETTINGS: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.pager=cat",
  "core.editor=false",
  "gc.auto=0",
  "maintenance.auto=false",
  "commit.gpgSign=false",
  "log.showSignature=false",
  "i18n.commitEncoding=UTF-8",
  "i18n.logOutputEncoding=UTF-8",
  // Files of a script are kept as they are. A warning turned into an error would keep nothing.
  "core.safecrlf=false",
  // With a split index, git 2.40 and newer loses files of an index that it writes without its hash.
  "index.skipHash=false",
  "submodule.recurse=false",
  "protocol.ext.allow=never",
];

const UNSAFE: NonNullable<SimpleGitOptions["unsafe"]> = {
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafePager: true,
  allowUnsafeEditor: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeFilter: true,
  allowUnsafeGpgProgram: true,
};

export interface GitTarget {
  readonly dir: string;
  /** The whole environment of git; see `cleanEnv`. */
  readonly env: Readonly<Record<string, string>>;
  /** Options before the command, such as `--git-dir=…`. */
  readonly globalOptions?: readonly string[];
  /** More settings, `key=value`. */
  readonly settings?: readonly string[];
  /** True for a git that connects to a remote: it may use the ssh and credentials of its user. */
  readonly isRemote?: boolean;
}

/** Variables that simple-git guards besides `GIT_*`: programs that git would start, and a path prefix. */
const GUARDED_VARIABLES = new Set(["editor", "visual", "pager", "prefix", "ssh_askpass"]);
/** Where the user keeps configuration. A hook never sets these. */
const CONFIG_VARIABLES = new Set(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"]);

/** Our environment without `GIT_*` (a hook sets GIT_DIR), editors, pagers and relative entries of PATH. */
export function cleanEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) =>
      value !== undefined &&
      (CONFIG_VARIABLES.has(name) || (!/^git_/i.test(name) && !GUARDED_VARIABLES.has(name.toLowerCase()))),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    ...(env["PATH"] === undefined ? {} : { PATH: absolutePath(env["PATH"]) }),
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
  };
}

/** Variables with which a user configures the connection to a remote. */
const CONNECTION_VARIABLES =
  /^(?:GIT_(?:SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|PROXY_COMMAND|PROXY_SSL_\w+|SSL_\w+|HTTP_\w+|ALLOW_PROTOCOL|CONFIG_COUNT|CONFIG_KEY_\d+|CONFIG_VALUE_\d+)|SSH_ASKPASS)$/;
const REMOTE_UNSAFE: NonNullable<SimpleGitOptions["unsafe"]> = {
  ...UNSAFE,
  allowUnsafeAskPass: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeGitProxy: true,
  allowUnsafeSshCommand: true,
  allowUnsafeTemplateDir: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeUrlRewrite: true,
  // simple-git finds these words anywhere in a key, and a host may be named `alias.example.com`.
  allowUnsafeAlias: true,
  allowUnsafeInclude: true,
};

/** The environment for a git that connects to a remote. It hides `settings` from the process list. */
export function remoteEnv(
  env: Readonly<Record<string, string | undefined>>,
  settings: readonly Setting[],
): Record<string, string> {
  const connection = Object.entries(env).filter(
    ([name, value]) => value !== undefined && CONNECTION_VARIABLES.test(name),
  );
  const kept = { ...cleanEnv(env), ...(Object.fromEntries(connection) as Record<string, string>) };
  return { ...kept, ...settingVariables(settings, Number(kept["GIT_CONFIG_COUNT"] ?? 0) || 0) };
}

export type Setting = readonly [key: string, value: string];

/** The parts of `key=value`. */
export function splitSetting(setting: string): Setting {
  const at = setting.indexOf("=");
  return [setting.slice(0, at), setting.slice(at + 1)];
}

/** The variables with which git reads these settings, whatever their names contain, after `first` others. */
export function settingVariables(settings: readonly Setting[], first = 0): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [at, [key, value]] of settings.entries()) {
    variables[`GIT_CONFIG_KEY_${first + at}`] = key;
    variables[`GIT_CONFIG_VALUE_${first + at}`] = value;
  }
  const count = first + settings.length;
  return count === 0 ? {} : { ...variables, GIT_CONFIG_COUNT: String(count) };
}

export class Git {
  readonly target: GitTarget;

  constructor(target: GitTarget) {
    this.target = target;
  }

  /** The same git with some of its target changed. Settings are added to the existing ones. */
  with(change: Partial<GitTarget>): Git {
    const settings = [...(this.target.settings ?? []), ...(change.settings ?? [])];
    return new Git({ ...this.target, ...change, settings });
  }

  /** Throws GitExit on a code that is not allowed, and a UserError when git is not installed. */
  run(args: readonly string[], call: GitCall = {}): Promise<GitResult> {
    return this.#start(args, call, (git, all) => git.raw(all));
  }

  async text(args: readonly string[], call: GitCall = {}): Promise<string> {
    return (await this.run(args, call)).stdout;
  }

  /** Runs `git cat-file …` and returns the bytes. */
  async bytes(args: readonly ["cat-file", ...string[]], call: GitCall = {}): Promise<Buffer> {
    const [, ...rest] = args;
    const read = (git: SimpleGit) => git.binaryCatFile(rest) as Promise<Buffer>;
    return (await this.#start(args, call, read)).stdout;
  }

  async #start<T>(
    args: readonly string[],
    call: GitCall,
    start: (git: SimpleGit, all: string[]) => PromiseLike<T>,
  ): Promise<{ code: number; stdout: T; stderr: string }> {
    let code = 0;
    let stderr = "";
    let failure: UserError | undefined;
    let isSilent = false;
    const allowed = call.allowedCodes ?? [];
    const env = { ...this.target.env, ...call.env };
    const git = simpleGit({
      baseDir: this.target.dir,
      config: [...SETTINGS, ...(this.target.settings ?? [])],
      unsafe: this.target.isRemote ? REMOTE_UNSAFE : UNSAFE,
      allowEnvironment: Object.keys(env).filter((name) => /^(?:GIT_|SSH_ASKPASS$)/.test(name)),
      ...(call.silenceMs === undefined ? {} : { timeout: { block: call.silenceMs } }),
      // Only the close event ends a call: after `exit`, output may still be in the pipe.
      completion: { onClose: true, onExit: false },
      // A buffer, even an empty one, closes standard input. Without one it would stay open.
      input: () => Buffer.from(call.stdin ?? ""),
      errors: (error, result) => {
        code = result.exitCode;
        stderr = Buffer.concat(result.stdErr).toString();
        if (code === 0 && error === undefined) return undefined;
        if (allowed.includes(code)) return undefined;
        const message = stderr || String(error ?? "");
        const isGitMissing = message.includes("spawn git ENOENT");
        failure = isGitMissing ? new UserError(MESSAGES.noGit()) : new GitExit(args, code, message);
        return failure;
      },
    })
      .env(env)
      // simple-git waits 50 ms more for a process that printed nothing. An empty chunk avoids that. The
      // close event still comes last.
      .outputHandler((_command, stdout, stderr) => {
        setImmediate(() => stdout.emit("data", Buffer.alloc(0)));
        if (call.onText) pipeText(stdout, call.onText);
        if (call.silenceMs === undefined) return;
        onSilence([stdout, stderr], call.silenceMs, () => {
          isSilent = true;
          // Children of git outlive it and hold these streams open, so the close event would not come.
          for (const stream of [stdout, stderr] as Readable[]) stream.destroy();
        });
      });
    try {
      return { stdout: await start(git, [...(this.target.globalOptions ?? []), ...args]), code, stderr };
    } catch (error) {
      if (isSilent) throw new GitSilence(args, call.silenceMs ?? 0);
      throw failure ?? error;
    }
  }
}

/** Calls `onSilent` after so long without output. simple-git ends git at the same time. */
function onSilence(streams: readonly NodeJS.ReadableStream[], ms: number, onSilent: () => void): void {
  let open = streams.length;
  const timer = setTimeout(onSilent, ms);
  for (const stream of streams) {
    stream.on("data", () => timer.refresh());
    stream.on("close", () => {
      if (--open === 0) clearTimeout(timer);
    });
  }
}

/** Passes on whole characters only: a chunk may end in the middle of one. */
function pipeText(stream: NodeJS.ReadableStream, onText: (text: string) => void): void {
  const decoder = new StringDecoder("utf8");
  stream.on("data", (chunk: Buffer) => onText(decoder.write(chunk)));
  stream.on("end", () => onText(decoder.end()));
}

function firstLine(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const fatal = lines.find((line) => /^(fatal|error):/.test(line)) ?? lines[0] ?? "no message";
  return fatal.replace(/^(fatal|error): /, "").trim();
}
