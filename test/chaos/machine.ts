/**
 * A simulated machine: its own home and cache and, if the system permits it, its own process
 * namespace.
 *
 * Invariants:
 * - Across namespaces, no runner can see that another died, so its lease has to expire, as between
 *   real machines.
 * - After a machine is closed, no process of it is left.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { environmentOf, type TrialDirectory } from "./trial-directory.ts";
import { childrenOf } from "./processes.ts";

export interface Machine {
  readonly name: string;
  readonly home: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  /** The command that enters the namespace, without the working directory; empty without a namespace. */
  readonly enter: readonly string[];
  /** Ends the namespace with all its processes. */
  close(): void;
}

/** Programs of util-linux with their arguments. */
const OPEN = { file: "unshare", args: ["--pid", "--fork", "--mount-proc", "--kill-child"] };
const ENTER = { file: "nsenter", args: ["--pid", "--mount"] };

/** True when the system permits new process namespaces. */
export function hasNamespaces(): boolean {
  const opens = spawnSync(OPEN.file, [...OPEN.args, "true"], { timeout: 5000, stdio: "ignore" });
  const enters = spawnSync(ENTER.file, ["--version"], { timeout: 5000, stdio: "ignore" });
  return opens.status === 0 && enters.status === 0;
}

/** `hasNamespace` puts the machine into its own namespace. */
export async function openMachine(
  { root }: TrialDirectory,
  name: string,
  hasNamespace: boolean,
): Promise<Machine> {
  const home = join(root, name);
  mkdirSync(home);
  const env = environmentOf(home);
  const machine = { name, home, cache: join(home, "cache"), env };
  if (!hasNamespace) return { ...machine, enter: [], close: () => undefined };
  // The first process of a namespace adopts orphans and has to reap them.
  const init = ["sh", "-c", "while :; do sleep 1; done"];
  const holder = spawn(OPEN.file, [...OPEN.args, ...init], {
    cwd: "/",
    env: { PATH: env["PATH"] ?? "" },
    stdio: "ignore",
  });
  const pid = await firstChild(holder);
  return {
    ...machine,
    enter: [ENTER.file, "--target", String(pid), ...ENTER.args],
    close: () => void holder.kill("SIGKILL"),
  };
}

const OPEN_MS = 5000;

async function firstChild({ pid = 0 }: ChildProcess): Promise<number> {
  for (let waited = 0; waited < OPEN_MS; waited += 20) {
    const [child] = childrenOf(pid);
    if (child && child.args[0] === "sh") return child.pid;
    await wait(20);
  }
  throw new Error("a process namespace did not open");
}
