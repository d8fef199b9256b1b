/**
 * Ends process groups, and whatever else carries the mark of a run.
 *
 * What must hold: a signal goes only to a group whose leader is the very process that was recorded,
 * or to a process whose environment names the run; nothing else is ever ended.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { RunId } from "../core/protocol/ids.ts";
import { processesOf, startTime } from "./process-identity.ts";
import { PROCESS } from "./timing.ts";

/** What is written beside a worktree while its script runs. */
export interface GroupRecord {
  readonly pgid: number;
  readonly started: string;
}

export const GROUP_FILE = "process.json";
/** The variable that marks every process of a run. */
export const RUN_VARIABLE = "TRAILHAND_RUN";

/** Sends a signal to a group; false when the group is gone. */
export function signalGroup(pgid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch {
    return false;
  }
}

const live = new Set<number>();

/** A group that runs now, until the returned function is called. */
export function trackGroup(pgid: number): () => void {
  live.add(pgid);
  return () => live.delete(pgid);
}

/** Ends every group of this process at once, for a process that is about to leave. */
export function endGroups(): void {
  for (const pgid of live) signalGroup(pgid, "SIGKILL");
}

/** Ends what is left of a run: first its recorded group, then every process that carries its mark. */
export async function endRun(side: string, run: RunId | undefined): Promise<void> {
  const record = readRecord(side);
  if (record && (startTime(record.pgid) ?? record.started) === record.started) {
    signalGroup(record.pgid, "SIGKILL");
  }
  if (run !== undefined) await endMarkedProcesses(run);
}

/** Ends the processes of a run that left its group; asks again until none is left. */
export async function endMarkedProcesses(run: RunId): Promise<void> {
  for (let tries = 0; tries < PROCESS.killTries; tries++) {
    const left = processesOf(`${RUN_VARIABLE}=${run}`);
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself in between.
      }
    }
    await wait(PROCESS.killRetryMs);
  }
}

function readRecord(side: string): GroupRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(side, GROUP_FILE), "utf8")) as GroupRecord;
  } catch {
    return undefined;
  }
}
