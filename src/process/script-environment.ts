/**
 * Builds the environment of a state script, or of the agent that answers a prompt.
 *
 * Invariants:
 * - A script gets an allow-list, the TRAILHAND variables, and what its state or agent declares.
 * - No `GIT_*` variable of the runner is passed on, except an identity to commit with.
 * - Trailers are passed as JSON, never as variable names, except with the AYNIG prefix.
 */
import { dirname, join } from "node:path";
import { cleanLine } from "../core/util/redact.ts";
import type { Child } from "../core/scheduling/children.ts";
import { DEFAULT_AGENT } from "../core/outcome/prompt.ts";
import type { ScriptCall } from "../engine/ports.ts";

const ALLOWED = new Set(
  (
    "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TERM COLORTERM NO_COLOR XDG_CONFIG_HOME " +
    "XDG_CACHE_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_RUNTIME_DIR"
  ).split(" "),
);

/** The identity for commits of a script. */
export interface Committer {
  readonly name: string;
  readonly email: string;
}

/** Paths as the script finds them. */
export interface ScriptFiles {
  readonly tree: string;
  readonly request: string;
  readonly output: string;
  /** A folder that outlives the worktree. */
  readonly cache: string;
  /** The folder with the files of the trusted commit. */
  readonly states: string;
}

/** Returns the whole environment, and the secret values in it. */
export function scriptEnvironment(
  call: ScriptCall,
  runnerEnv: Readonly<Record<string, string | undefined>>,
  files: ScriptFiles,
  committer: Committer,
): { env: Record<string, string>; secrets: string[] } {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(runnerEnv)) {
    if (value !== undefined && (ALLOWED.has(name) || /^LC_[A-Z]+$/.test(name))) env[name] = value;
  }
  const secrets: string[] = [];
  for (const name of [...call.env, ...(call.script.isPrompt ? (call.agent?.env ?? []) : [])]) {
    const value = runnerEnv[name];
    if (value === undefined) continue;
    env[name] = value;
    secrets.push(value);
  }
  Object.assign(
    env,
    trailhandVariables(call, files),
    identityVariables(committer),
    call.script.isAynig ? aynigVariables(call, files) : {},
  );
  return { env, secrets };
}

function trailhandVariables(
  {
    request,
    target,
    targetCommit,
    run,
    attempt,
    attempts,
    salvage,
    previous,
    script,
    agent,
    members,
    children,
  }: ScriptCall,
  files: ScriptFiles,
): Record<string, string> {
  return {
    TRAILHAND_STATE: request.state,
    TRAILHAND_BRANCH: request.branch,
    TRAILHAND_COMMIT: request.commit,
    TRAILHAND_TARGET: target,
    TRAILHAND_TARGET_COMMIT: targetCommit,
    TRAILHAND_SUBJECT: shortened(request.message.header),
    TRAILHAND_BODY: shortened(request.message.body),
    TRAILHAND_RUN: run,
    TRAILHAND_ATTEMPT: String(attempt),
    TRAILHAND_ATTEMPTS: String(attempts),
    TRAILHAND_REQUEST: files.request,
    TRAILHAND_OUTPUT: files.output,
    TRAILHAND_CACHE: files.cache,
    TRAILHAND_AGENT_NAME: agent?.name ?? (script.isPrompt ? DEFAULT_AGENT : ""),
    TRAILHAND_WORKTREE: files.tree,
    TRAILHAND_STATES: `${files.states}/`,
    TRAILHAND_MEMBERS: joinedLines(
      members.map(({ commit, branch, message }) => `${commit} ${branch} ${message.header}`),
    ),
    TRAILHAND_SALVAGE: salvage.at(-1) ?? "",
    TRAILHAND_PREVIOUS: shortened(previous ?? ""),
    TRAILHAND_CHILDREN: joinedLines(children.map(childLine)),
  };
}

/** Linux limits a variable to 128 KiB (execve(2)). The request file has the whole text. */
const VARIABLE_BYTES = 120 * 1024;

function shortened(text: string): string {
  const clean = text.replaceAll("\0", "");
  return Buffer.byteLength(clean) <= VARIABLE_BYTES
    ? clean
    : Buffer.from(clean).subarray(0, VARIABLE_BYTES).toString("utf8");
}

/** Joins as many whole lines as fit. */
function joinedLines(all: readonly string[]): string {
  let room = VARIABLE_BYTES;
  return all
    .map((line) => cleanLine(line, 8000))
    .filter((line) => (room -= Buffer.byteLength(line) + 1) >= 0)
    .join("\n");
}

/** Words that need no quoting in a shell: keys, states and ids contain no special characters. */
const childLine = ({ key, result, state, head, isNew }: Child): string =>
  [key, result, state || "-", head ?? "-", isNew ? "new" : "joined"].join(" ");

function identityVariables({ name, email }: Committer): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}

/** The variables of AYNIG commands. Trailers have a fixed prefix, so they cannot shadow other variables. */
function aynigVariables(
  { request, script }: ScriptCall,
  { states, tree }: ScriptFiles,
): Record<string, string> {
  const common = {
    BODY: shortened(request.message.body),
    COMMIT_HASH: request.commit,
    LOG_LEVEL: "info",
    ROLE: request.role ?? "",
  };
  const prefixed = Object.fromEntries(
    Object.entries(common).map(([name, value]) => [`AYNIG_${name}`, value]),
  );
  const trailers = Object.fromEntries(
    request.message.trailers.map(({ key, value }) => [
      `AYNIG_TRAILER_${key.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`,
      shortened(value),
    ]),
  );
  const commands = dirname(join(states, script.path));
  return { ...trailers, ...common, ...prefixed, WORKTREE_PATH: tree, COMMANDS_PATH: commands };
}
