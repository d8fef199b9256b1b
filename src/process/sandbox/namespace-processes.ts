/**
 * The processes in the process namespace of a sandbox.
 *
 * Invariants:
 * - None of them outlives the first one: the kernel ends the others, and waits for them (pid_namespaces(7)).
 */
import { readdirSync, readlinkSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { startTime } from "../process-identity.ts";
import type { ProcessSet } from "../process-set.ts";
import { PROCESS } from "../timing.ts";

interface FirstProcess {
  readonly pid: number;
  readonly started: string | undefined;
  /** The number of its namespace. */
  readonly namespace: number;
}

/** `sandbox` ends the program that made the namespace; `status` is what it reports. */
export function namespaceProcesses(sandbox: ProcessSet, status: Readable): ProcessSet {
  let first: FirstProcess | undefined;
  let text = "";
  const ended = new Promise<void>((resolve) => {
    status.once("close", resolve);
    status.once("error", () => resolve());
  });
  status.setEncoding("utf8");
  status.on("data", (chunk: string) => {
    // It reports two short lines.
    text = (text + chunk).slice(0, PROCESS.statusChars);
    first ??= readFirst(text);
  });
  return {
    terminate() {
      // The first process only waits for the others, and a signal to the sandbox itself would end them at once.
      for (const pid of first ? membersOf(first) : []) signal(pid, "SIGTERM");
      if (!first) sandbox.terminate();
    },
    kill() {
      sandbox.kill();
      if (first && startTime(first.pid) === first.started) signal(first.pid, "SIGKILL");
    },
    async isEmpty() {
      await ended;
      // Without a first process, the program was never started.
      if (!first) return true;
      for (let waited = 0; waited < PROCESS.namespaceEndMs; waited += PROCESS.namespacePollMs) {
        if (first.started === undefined || startTime(first.pid) !== first.started) return true;
        await wait(PROCESS.namespacePollMs);
      }
      return false;
    },
    hasStarted: () => text.includes('"exit-code"'),
  };
}

function readFirst(text: string): FirstProcess | undefined {
  const end = text.indexOf("\n");
  if (end === -1) return undefined;
  const line = JSON.parse(text.slice(0, end)) as { "child-pid"?: number; "pid-namespace"?: number };
  const { "child-pid": pid, "pid-namespace": namespace } = line;
  return pid === undefined || namespace === undefined
    ? undefined
    : { pid, started: startTime(pid), namespace };
}

/** The processes of a namespace without its first. */
function membersOf({ pid: first, namespace }: FirstProcess): number[] {
  const link = `pid:[${namespace}]`;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== first && namespaceOf(pid) === link);
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
