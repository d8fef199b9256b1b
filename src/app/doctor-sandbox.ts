/** Tries the sandbox of attempts, and finds out what keeps it from working. */
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunId } from "../core/protocol/ids.ts";
import { Sandbox } from "../process/sandbox/sandbox.ts";
import { hiddenFolders } from "./create-runner.ts";
import type { Finding } from "./finding.ts";
import type { Environment, Workspace } from "./workspace.ts";

const about = "sandbox";

export async function checkSandbox(workspace: Workspace, env: Environment): Promise<Finding> {
  const folder = mkdtempSync(join(tmpdir(), "trailhand-sandbox-"));
  try {
    const sandbox = new Sandbox({ env, hidden: [...hiddenFolders(workspace, env), folder] });
    const state = await sandbox.state(folder, randomUUID() as string as RunId);
    if (state.kind === "works")
      return { about, level: "fine", what: "attempts cannot write to the system or read your files (tried)" };
    const what = `attempts run with your rights: ${state.why}`;
    if (state.kind === "off") return { about, level: "fine", what };
    return { about, level: "odd", what, next: remedy(state.why, readSetting) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Settings of the kernel without which no user but root can make a sandbox, and the value that allows it. */
const SETTINGS = [
  ["kernel/unprivileged_userns_clone", "0", "1"],
  ["kernel/apparmor_restrict_unprivileged_userns", "1", "0"],
  ["user/max_user_namespaces", "0", "10000"],
] as const;

export function remedy(why: string, read: (name: string) => string | undefined): string {
  if (why.includes("not installed")) return "install the package bubblewrap";
  const setting = SETTINGS.find(([name, forbids]) => read(name) === forbids);
  if (setting) return `sudo sysctl -w ${setting[0].replaceAll("/", ".")}=${setting[2]}`;
  return "allow user namespaces on this machine, or in this container";
}

function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, "utf8").trim();
  } catch {
    return undefined;
  }
}
