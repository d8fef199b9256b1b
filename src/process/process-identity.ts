/**
 * Identifies processes of this machine, and tells whether they still run.
 *
 * Invariants:
 * - A process is dead only if that is certain: same boot, same process namespace, and no process
 *   with that id and start time. Otherwise its lease has to expire.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";
import type { Holder } from "../core/protocol/lease.ts";

/** This process, for a lease. */
export function thisHolder(): Holder {
  return { boot: bootId(), pid: process.pid, started: startTime(process.pid) ?? "0" };
}

/** True when the holder ran here since the last boot and has ended. */
export function isDead(holder: Holder): boolean {
  if (holder.boot !== bootId()) return false;
  const started = startTime(holder.pid);
  return started === undefined || started !== holder.started;
}

/** The process that owns a folder on this machine. */
export interface Owner extends Holder {
  readonly host?: string;
}

/** This process, as the owner of a folder. */
export const thisOwner = (): Owner => ({ ...thisHolder(), host: hostname() });

/**
 * True when the owner is dead, or ran on this host (or a container of that name) before its last start, and for
 * anything that is not an owner: a process writes down that it owns a folder before it uses it.
 */
export function isGone(owner: unknown): boolean {
  if (!isOwner(owner)) return true;
  return isDead(owner) || (owner.host === hostname() && owner.boot !== bootId());
}

/** True when the owner ran before the last start of this machine, and when its record is lost. */
export const ranBeforeBoot = (owner: unknown): boolean => !isOwner(owner) || owner.boot !== bootId();

function isOwner(value: unknown): value is Owner {
  const owner = value as Partial<Owner> | null | undefined;
  return (
    typeof owner?.boot === "string" && Number.isSafeInteger(owner.pid) && typeof owner.started === "string"
  );
}

let boot: string | undefined;

/** The boot id with, on Linux, the process namespace: containers may share one without the other. */
function bootId(): string {
  boot ??= existsSync("/proc/sys/kernel/random/boot_id")
    ? `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid").replace(/\D/g, "")}`
    : `${hostname().replaceAll(" ", "-")}/${Math.round((Date.now() / 1000 - uptime()) / 60)}`;
  return boot;
}

/** The start time of a process in clock ticks (proc(5), field 22); undefined: it has ended. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name in parentheses may contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return existsSync("/proc/self/stat") ? undefined : startTimeBySignal(pid);
  }
}

/** Without /proc, only the existence of the id can be checked. */
function startTimeBySignal(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "0";
  } catch {
    return undefined;
  }
}

/** Processes with this variable in their environment, such as `NAME=value`. */
export function processesOf(variable: string): number[] {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && hasVariable(pid, variable));
}

function hasVariable(pid: number, variable: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable);
  } catch {
    return false;
  }
}
