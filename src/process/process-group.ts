/**
 * Ends process groups, and other processes that carry the mark of a run.
 *
 * Invariants:
 * - A signal goes only to a group whose leader is the recorded process, or to a process whose
 *   environment names the run.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { RunId } from "../core/protocol/ids.ts";
import { RUN_VARIABLE } from "../core/protocol/run-variable.ts";
import { processesOf, startTime } from "./process-identity.ts";
import { PROCESS } from "./timing.ts";

/** The content of GROUP_FILE in the run folder, while a script runs. */
export interface GroupRecord {
  readonly pgid: number;
  readonly started: string;
}

export const GROUP_FILE = "process.json";

/** Sends a signal to a group; false when the group is gone. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false;
  }
}

const groups = new Set<number>();

/** Tracks a running group until the returned function is called. */
export function trackGroup(pgid: number): () => void {
  groups.add(pgid);
  return () => groups.delete(pgid);
}

/** Kills every tracked group at once, just before this process exits. */
export function killGroups(): void {
  for (const pgid of groups) signalGroup(pgid, "SIGKILL");
}

/** Ends the recorded group of a run, then every process that carries its mark. */
export async function endRun(runDir: string, run: RunId | undefined): Promise<void> {
  const record = readRecord(runDir);
  if (record && (startTime(record.pgid) ?? record.started) === record.started) {
    signalGroup(record.pgid, "SIGKILL");
  }
  if (run !== undefined) await endMarkedProcesses(run);
}

/** Ends the processes of a run that left its group. Repeats until there are none. */
export async function endMarkedProcesses(run: RunId): Promise<void> {
  for (let tries = 0; tries < PROCESS.killTries; tries++) {
    const pids = processesOf(`${RUN_VARIABLE}=${run}`);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    }
    await wait(PROCESS.killRetryMs);
  }
}

/** Undefined for a group that a signal must not go to: 0 and 1 stand for other groups, and -1 for all processes. */
function readRecord(runDir: string): GroupRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(join(runDir, GROUP_FILE), "utf8")) as GroupRecord;
    return Number.isSafeInteger(record.pgid) && record.pgid > 1 ? record : undefined;
  } catch {
    return undefined;
  }
}
