/**
 * The directory of one trial: a bare remote that records every move, a copy of the program, and git
 * with its own environment.
 *
 * Invariants:
 * - Nothing outside the directory is read or written, not even the user's configuration.
 * - A move of a ref is recorded before any process can see it.
 */
import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, sep } from "node:path";
import { appendEntry } from "./trial-log.ts";
import { workflowFiles } from "./trial-workflow.ts";

export interface TrialDirectory {
  readonly root: string;
  readonly remote: string;
  /** A copy of the program, so that another build cannot change it during the trial. */
  readonly program: string;
  /** An older program, beside which this one has to work. */
  readonly oldProgram: string | undefined;
  readonly pushes: string;
  readonly incidents: string;
  readonly executions: string;
  readonly logs: string;
}

/**
 * git deletes the reflog together with the ref, so a hook of the remote records each transaction. A
 * prepared transaction holds the locks of its refs, so the recorded order is right for each ref.
 */
const RECORDER = `#!/bin/sh
text=
while read -r line; do text="$text$line
"; done
at=
if [ "$1" = prepared ]; then at=$(date +%s%3N); fi
printf '%s %s %s\\n%s\\n' "$1" "$PPID" "$at" "$text" >> "\${GIT_DIR:-.}/moves"
`;

const SETTINGS = [
  ["core.logAllRefUpdates", "always"],
  ["receive.autogc", "false"],
  ["gc.auto", "0"],
  // Branches may be deleted, except the one that HEAD points to.
  ["receive.denyDeletes", "false"],
] as const;

/** The paths in the directory of a trial. */
export function trialDirectoryAt(root: string): TrialDirectory {
  return {
    root,
    remote: join(root, "remote.git"),
    program: join(root, "program", "trailhand.js"),
    oldProgram: existsSync(join(root, "old-program")) ? join(root, "old-program", "trailhand.js") : undefined,
    pushes: join(root, "pushes"),
    incidents: join(root, "incidents"),
    executions: join(root, "executions"),
    logs: join(root, "logs"),
  };
}

interface TrialPrograms {
  readonly dist: string;
  readonly oldDist?: string | undefined;
  readonly seed: number;
  readonly keep: string | undefined;
}

/** Creates the directory and the remote, with the workflow on `main`. The programs are folders that were built. */
export async function createTrialDirectory({
  dist,
  oldDist,
  seed,
  keep,
}: TrialPrograms): Promise<TrialDirectory> {
  if (keep !== undefined && existsSync(keep)) throw new TypeError(`${keep} already exists`);
  if (keep !== undefined) mkdirSync(keep, { recursive: true });
  const root = keep ?? mkdtempSync(join(tmpdir(), "trailhand-chaos-"));
  if (oldDist !== undefined) copyProgram(oldDist, join(root, "old-program"));
  const directory = trialDirectoryAt(root);
  mkdirSync(directory.logs);
  for (const file of [directory.pushes, directory.incidents, directory.executions]) writeFileSync(file, "");
  copyProgram(dist, dirname(directory.program));
  await makeRemote(directory);
  await pushWorkflow(directory, seed);
  return directory;
}

/** Copies the program, without other programs of the folder and without the trial, which may be inside it. */
function copyProgram(dist: string, target: string): void {
  mkdirSync(target);
  for (const name of readdirSync(dist)) {
    const path = join(dist, name);
    if (name.endsWith(".mjs") || target.startsWith(path + sep)) continue;
    cpSync(path, join(target, name), { recursive: true });
  }
}

async function makeRemote({ root, remote }: TrialDirectory): Promise<void> {
  await git(root, ["init", "-q", "--bare", "-b", "main", remote]);
  for (const [key, value] of SETTINGS) await git(remote, ["config", key, value]);
  const hook = join(remote, "hooks", "reference-transaction");
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, RECORDER);
  chmodSync(hook, 0o755);
}

async function pushWorkflow({ root, remote, pushes }: TrialDirectory, seed: number): Promise<void> {
  const clone = join(root, "clone");
  await git(root, ["init", "-q", "-b", "main", clone]);
  for (const [path, text] of workflowFiles(root, seed)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    writeFileSync(join(clone, path), text);
    if (text.startsWith("#!")) chmodSync(join(clone, path), 0o755);
  }
  await git(clone, ["add", "-A"]);
  await git(clone, ["commit", "-q", "-m", "the workflow"]);
  await git(clone, ["remote", "add", "origin", remote]);
  await git(clone, ["push", "-q", "origin", "main"]);
  const entry = { by: "ann", kind: "workflow", ref: "refs/heads/main", old: null };
  appendEntry(pushes, { at: Date.now(), ...entry, new: await git(clone, ["rev-parse", "main"]) });
}

/** The environment of a machine or person with this home. Only PATH comes from our own. */
export function environmentOf(home: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    // Scripts of the trial write down what they do in a file of the trial.
    TRAILHAND_SANDBOX: "off",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "file",
    LC_ALL: "C",
    TZ: "UTC",
  };
}

const GIT_MS = 60_000;

/** Runs git as a person. Rejects when git fails. */
export function git(dir: string, args: readonly string[], stdin = ""): Promise<string> {
  const person = { name: "Ann Author", email: "ann@example.com" };
  const env = {
    ...environmentOf(dir),
    GIT_AUTHOR_NAME: person.name,
    GIT_AUTHOR_EMAIL: person.email,
    GIT_COMMITTER_NAME: person.name,
    GIT_COMMITTER_EMAIL: person.email,
  };
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd: dir, env, stdio: "pipe", timeout: GIT_MS });
    const output = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (output.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output.err += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(output.out.trimEnd());
      else reject(new Error(`git ${args.join(" ")} ended with ${code}: ${output.err}`));
    });
    // git may ignore its input. Its exit code tells whether that was a failure.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
  });
}
