/**
 * The directory of one trial: a bare remote that keeps a record of every move, the program as it
 * was built, and git with an environment of its own.
 *
 * What must hold: nothing outside the directory is read or written, the user's configuration takes
 * no part; a move of a ref is on record before anybody can see it.
 */
import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { append } from "./trial-log.ts";
import { workflowFiles } from "./trial-workflow.ts";

export interface Lab {
  readonly root: string;
  readonly remote: string;
  /** The command line, copied, so that another build cannot change it half-way. */
  readonly program: string;
  readonly ledger: string;
  readonly incidents: string;
  readonly executions: string;
  readonly logs: string;
}

/**
 * git deletes the log of a ref with the ref. So the remote writes down each transaction itself:
 * when it is prepared its refs are locked, which makes the order on each ref the true one.
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
  // A deletion of the branch that HEAD names is nobody's wish, all others are.
  ["receive.denyDeletes", "false"],
] as const;

/** The parts of a directory that holds a trial. */
export function labAt(root: string): Lab {
  return {
    root,
    remote: join(root, "remote.git"),
    program: join(root, "program", "trailhand.js"),
    ledger: join(root, "ledger"),
    incidents: join(root, "incidents"),
    executions: join(root, "executions"),
    logs: join(root, "logs"),
  };
}

/** Makes the directory and the remote, with the workflow on `main`. `dist` holds the built program. */
export async function makeLab(dist: string, seed: number, keep: string | undefined): Promise<Lab> {
  if (keep !== undefined && existsSync(keep)) throw new TypeError(`${keep} exists already`);
  if (keep !== undefined) mkdirSync(keep, { recursive: true });
  const lab = labAt(keep ?? mkdtempSync(join(tmpdir(), "trailhand-chaos-")));
  mkdirSync(lab.logs);
  for (const file of [lab.ledger, lab.incidents, lab.executions]) writeFileSync(file, "");
  cpSync(dist, dirname(lab.program), { recursive: true, filter: (path) => !path.endsWith(".mjs") });
  await makeRemote(lab);
  await pushWorkflow(lab, seed);
  return lab;
}

async function makeRemote({ root, remote }: Lab): Promise<void> {
  await git(root, ["init", "-q", "--bare", "-b", "main", remote]);
  for (const [key, value] of SETTINGS) await git(remote, ["config", key, value]);
  const hook = join(remote, "hooks", "reference-transaction");
  mkdirSync(dirname(hook), { recursive: true });
  writeFileSync(hook, RECORDER);
  chmodSync(hook, 0o755);
}

async function pushWorkflow({ root, remote, ledger }: Lab, seed: number): Promise<void> {
  const desk = join(root, "desk");
  await git(root, ["init", "-q", "-b", "main", desk]);
  for (const [path, text] of workflowFiles(root, seed)) {
    mkdirSync(dirname(join(desk, path)), { recursive: true });
    writeFileSync(join(desk, path), text);
    if (text.startsWith("#!")) chmodSync(join(desk, path), 0o755);
  }
  await git(desk, ["add", "-A"]);
  await git(desk, ["commit", "-q", "-m", "the workflow"]);
  await git(desk, ["remote", "add", "origin", remote]);
  await git(desk, ["push", "-q", "origin", "main"]);
  const entry = { by: "ann", kind: "workflow", ref: "refs/heads/main", old: null };
  append(ledger, { at: Date.now(), ...entry, new: await git(desk, ["rev-parse", "main"]) });
}

/** The environment of a machine or a person with this home; nothing of ours but PATH. */
export function environmentOf(home: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "file",
    LC_ALL: "C",
    TZ: "UTC",
  };
}

const GIT_MS = 60_000;

/** Runs git as a person; rejects when it fails. */
export function git(dir: string, args: readonly string[], stdin = ""): Promise<string> {
  const who = { name: "Ann Author", email: "ann@example.com" };
  const env = {
    ...environmentOf(dir),
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
  };
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { cwd: dir, env, stdio: "pipe", timeout: GIT_MS });
    const printed = { out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => (printed.out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (printed.err += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(printed.out.trimEnd());
      else reject(new Error(`git ${args.join(" ")} ended with ${code}: ${printed.err}`));
    });
    // git need not read its input; its exit code tells whether it should have.
    child.stdin.on("error", () => undefined);
    child.stdin.end(stdin);
  });
}
