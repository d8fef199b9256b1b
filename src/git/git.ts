/**
 * The one door to git: every git process of Trailhand is started here, through simple-git.
 *
 * What must hold: no shell; no hook, no file-system monitor, no pager, no editor, no prompt of the
 * user's configuration runs; `GIT_*` of our own environment never reaches git; a non-zero exit is
 * never taken for success.
 */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { simpleGit, type SimpleGit, type SimpleGitOptions } from "simple-git";
import { UserError, MESSAGES } from "../core/messages/messages.ts";

/** git ended with a code that the caller did not allow. */
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
  /** Exit codes that are answers, besides 0. */
  readonly allowedCodes?: readonly number[];
  /** Is given the output as it comes, so that reading it goes on beside git. */
  readonly onText?: (text: string) => void;
  /** Only names that start with `GIT_`; everything else comes from our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends git when it prints nothing, on either stream, for so long; then GitSilent is thrown. */
  readonly silenceMs?: number;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** git printed nothing for too long and was ended: what it had begun may still come to an end. */
export class GitSilence extends UserError {
  constructor(args: readonly string[], ms: number) {
    super(MESSAGES.gitSilent(args[0] ?? "", ms));
    this.name = "GitSilent";
  }
}

/** Settings that hold for every call, whatever the user's or the repository's configuration says. */
const SETTINGS: readonly string[] = [
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
  // What a script leaves is kept as it is; a warning that becomes an error would keep nothing.
  "core.safecrlf=false",
  "submodule.recurse=false",
  // Our records of worktrees compare whole paths.
  "worktree.useRelativePaths=false",
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

/** Where one Git works, and with what. */
export interface GitTarget {
  readonly dir: string;
  /** The environment that git may see; `cleanEnv` makes one. */
  readonly env: Readonly<Record<string, string>>;
  /** Options in front of the command, such as `--git-dir=…`. */
  readonly globalOptions?: readonly string[];
  /** Further settings, `key=value`. */
  readonly settings?: readonly string[];
  /** True for a git that speaks with a remote: it may use the ssh and credentials of its user. */
  readonly isRemote?: boolean;
}

/** What simple-git guards besides `GIT_*`: programs that git would start, and a path prefix. */
const GUARDED = new Set(["editor", "visual", "pager", "prefix", "ssh_askpass"]);
/** Where the person who started us keeps configuration; a hook never sets these. */
const CONFIG_PLACES = new Set(["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"]);

/** The environment for git: ours without `GIT_*` (a hook sets GIT_DIR), editors and pagers. */
export function cleanEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) =>
      value !== undefined &&
      (CONFIG_PLACES.has(name) || (!/^git_/i.test(name) && !GUARDED.has(name.toLowerCase()))),
  );
  return { ...(Object.fromEntries(kept) as Record<string, string>), GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
}

/** What its user may tell git in the environment about the way to a remote. */
const WAYS =
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
  // simple-git finds these words anywhere in a key, and a host may be called `alias.example.com`.
  allowUnsafeAlias: true,
  allowUnsafeInclude: true,
};

/** The environment for a git that speaks with a remote. `settings` go by it, unseen in the process list. */
export function remoteEnv(
  env: Readonly<Record<string, string | undefined>>,
  settings: readonly (readonly [key: string, value: string])[],
): Record<string, string> {
  const ways = Object.entries(env).filter(([name, value]) => value !== undefined && WAYS.test(name));
  const kept = { ...cleanEnv(env), ...(Object.fromEntries(ways) as Record<string, string>) };
  let count = Number(kept["GIT_CONFIG_COUNT"] ?? 0) || 0;
  for (const [key, value] of settings) {
    kept[`GIT_CONFIG_KEY_${count}`] = key;
    kept[`GIT_CONFIG_VALUE_${count}`] = value;
    count++;
  }
  return count === 0 ? kept : { ...kept, GIT_CONFIG_COUNT: String(count) };
}

/** git in one place, with fixed settings. */
export class Git {
  readonly target: GitTarget;

  constructor(place: GitTarget) {
    this.target = place;
  }

  /** The same git with some of its place changed; settings are added to those it has. */
  with(change: Partial<GitTarget>): Git {
    const settings = [...(this.target.settings ?? []), ...(change.settings ?? [])];
    return new Git({ ...this.target, ...change, settings });
  }

  /** Runs git and returns its whole standard output. Throws GitExit, or a Fault without git. */
  run(args: readonly string[], call: GitCall = {}): Promise<GitResult> {
    return this.#start(args, call, (git, all) => git.raw(all));
  }

  /** Runs git and returns its output. */
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
    let silent = false;
    const allowed = call.allowedCodes ?? [];
    const env = { ...this.target.env, ...call.env };
    const git = simpleGit({
      baseDir: this.target.dir,
      config: [...SETTINGS, ...(this.target.settings ?? [])],
      unsafe: this.target.isRemote ? REMOTE_UNSAFE : UNSAFE,
      allowEnvironment: Object.keys(env).filter((name) => /^(?:GIT_|SSH_ASKPASS$)/.test(name)),
      ...(call.silenceMs === undefined ? {} : { timeout: { block: call.silenceMs } }),
      // Only the close event ends a call: after `exit` alone, output may still be in the pipe.
      completion: { onClose: true, onExit: false },
      // A buffer, even an empty one, closes standard input; nothing at all would leave it open.
      input: () => Buffer.from(call.stdin ?? ""),
      errors: (error, result) => {
        code = result.exitCode;
        stderr = Buffer.concat(result.stdErr).toString();
        if (code === 0 && error === undefined) return undefined;
        if (allowed.includes(code)) return undefined;
        const said = stderr || String(error ?? "");
        const missing = said.includes("spawn git ENOENT");
        failure = missing ? new UserError(MESSAGES.noGit()) : new GitExit(args, code, said);
        return failure;
      },
    })
      .env(env)
      // simple-git waits 50 ms more for a process that printed nothing; an empty chunk says that it
      // need not. The close event still comes last.
      .outputHandler((_command, stdout, stderr) => {
        setImmediate(() => stdout.emit("data", Buffer.alloc(0)));
        if (call.onText) pipeText(stdout, call.onText);
        if (call.silenceMs === undefined) return;
        onSilence([stdout, stderr], call.silenceMs, () => {
          silent = true;
          // What git started outlives it, and holds these open: the close event would not come.
          for (const stream of [stdout, stderr] as Readable[]) stream.destroy();
        });
      });
    try {
      return { stdout: await start(git, [...(this.target.globalOptions ?? []), ...args]), code, stderr };
    } catch (error) {
      if (silent) throw new GitSilence(args, call.silenceMs ?? 0);
      throw failure ?? error;
    }
  }
}

/** Calls a function when no stream said anything for so long; simple-git ends git at the same time. */
function onSilence(streams: readonly NodeJS.ReadableStream[], ms: number, act: () => void): void {
  let open = streams.length;
  const timer = setTimeout(act, ms);
  for (const stream of streams) {
    stream.on("data", () => timer.refresh());
    stream.on("close", () => {
      if (--open === 0) clearTimeout(timer);
    });
  }
}

/** Whole characters only: a chunk may end in the middle of one. */
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
