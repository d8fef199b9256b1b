/**
 * A simulated machine: a home and a cache of its own and, where the system permits it, a process
 * namespace of its own.
 *
 * What must hold: between namespaces nobody can see that a runner died, so its lease has to run out
 * as it does between real machines; when a machine is closed, nothing of it is left.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { environmentOf, type Lab } from "./trial-directory.ts";
import { childrenOf } from "./processes.ts";

export interface Machine {
  readonly name: string;
  readonly home: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  /** The words in front of a command that is to run here, but for its directory; empty: none are needed. */
  readonly enter: readonly string[];
  /** Ends the namespace, and everything in it. */
  close(): void;
}

/** Programs of util-linux, and what they are told. */
const OPEN = { file: "unshare", args: ["--pid", "--fork", "--mount-proc", "--kill-child"] };
const ENTER = { file: "nsenter", args: ["--pid", "--mount"] };

/** True where a process may be given a namespace of its own. */
export function hasNamespaces(): boolean {
  const tried = spawnSync(OPEN.file, [...OPEN.args, "true"], { timeout: 5000, stdio: "ignore" });
  const enters = spawnSync(ENTER.file, ["--version"], { timeout: 5000, stdio: "ignore" });
  return tried.status === 0 && enters.status === 0;
}

/** Makes a machine; `apart`: in a namespace of its own. */
export async function openMachine({ root }: Lab, name: string, apart: boolean): Promise<Machine> {
  const home = join(root, name);
  mkdirSync(home);
  const env = environmentOf(home);
  const here = { name, home, cache: join(home, "cache"), env };
  if (!apart) return { ...here, enter: [], close: () => undefined };
  // The first process of a namespace takes the orphans in, and has to bury them.
  const first = ["sh", "-c", "while :; do sleep 1; done"];
  const holder = spawn(OPEN.file, [...OPEN.args, ...first], {
    cwd: "/",
    env: { PATH: env["PATH"] ?? "" },
    stdio: "ignore",
  });
  const pid = await firstChild(holder);
  return {
    ...here,
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
