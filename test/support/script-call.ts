/** Calls a script or a prompt directly, without a repository or a runner. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Branch, RunId, Sha } from "../../src/core/protocol/ids.ts";
import { EMPTY_CARRIED_STATE } from "../../src/core/workflow/carried-state.ts";
import { parseRequest, type Commit, type Request } from "../../src/core/protocol/request.ts";
import { BOT } from "../../src/git/local-repository.ts";
import { Sandbox } from "../../src/process/sandbox/sandbox.ts";
import { ScriptRunner } from "../../src/process/script-runner.ts";
import type { Script, ScriptCall, ScriptEnd } from "../../src/engine/ports.ts";
import { temporaryDir } from "./temp-repo.ts";

/** A full object id made of one digit. */
export const id = (digit: string): Sha => digit.repeat(40) as Sha;

export const TOPIC = "topic" as Branch;

/** A commit with this message on top of `parents`. */
export const commitOf = (commit: Sha, message: string, ...parents: Sha[]): Commit => ({
  commit,
  parents,
  committed: 1_700_000_000,
  message,
});

/** Parses a commit of `topic` as a request. */
export function requestOf(commit: Commit): Request {
  const asked = parseRequest(TOPIC, commit);
  if (asked.kind !== "request") throw new Error(`no request: ${commit.message}`);
  return asked;
}

/** Writes files of a trusted commit; the first is the script. Texts that begin with `#!` are executable. */
export function scriptOf(files: Readonly<Record<string, string>>): Script {
  const copyTo = (folder: string): void => {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileSync(file, text);
      chmodSync(file, text.startsWith("#!") ? 0o755 : 0o644);
    }
  };
  const [path = "", text = ""] = Object.entries(files)[0] ?? [];
  const executable = text.startsWith("#!");
  return {
    path,
    executable,
    blob: id("e"),
    isAynig: false,
    isPrompt: !executable,
    copyTo,
  };
}

/** Creates a call of this script for a request for `work`. */
export function callOf(script: Script, more: Partial<ScriptCall> = {}): ScriptCall {
  const dir = temporaryDir();
  const tree = {
    path: join(dir, "tree"),
    runDir: join(dir, "run"),
    sideDir: join(dir, "run/side"),
    base: id("a"),
    objectStores: [],
  };
  mkdirSync(tree.path);
  mkdirSync(tree.sideDir, { recursive: true });
  const commit = commitOf(id("a"), "feat: a thing\n\nPlease.\n\nState: work\n", id("0"));
  return {
    target: "main" as Branch,
    targetCommit: id("f"),
    script,
    tree,
    run: crypto.randomUUID() as string as RunId,
    request: requestOf(commit),
    attempt: 1,
    attempts: 3,
    timeoutMs: 600_000,
    env: [],
    sandbox: { level: "off", files: [] },
    trail: [commit],
    salvage: [],
    previous: undefined,
    next: ["review"],
    carried: EMPTY_CARRIED_STATE,
    children: [],
    approvals: [],
    plan: undefined,
    members: [],
    agent: undefined,
    ...more,
  };
}

/** Runs a call. Between SIGTERM and SIGKILL it waits for `graceMs`. */
export function runCall(
  call: ScriptCall,
  env: Readonly<Record<string, string>> = {},
  stop: Promise<string> = new Promise(() => undefined),
  graceMs = 300,
): Promise<ScriptEnd> {
  const runner = new ScriptRunner({
    env: { PATH: process.env["PATH"], ...env },
    committer: BOT,
    logs: join(call.tree.runDir, "../logs"),
    cache: join(call.tree.runDir, "../cache"),
    graceMs,
    sandbox: new Sandbox({ env, hidden: [] }),
    onEnd: () => undefined,
  });
  return runner.run(call, stop);
}
