/**
 * Which processes live on this machine.
 *
 * What must hold: "dead" is said only when it is certain: same boot, same process namespace, and no
 * process with that id and start time. Everything else is unknown, and a lease then runs out.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";
import type { Holder } from "../core/protocol/lease.ts";

/** This process as a lease names it. */
export function thisHolder(): Holder {
  return { boot: bootId(), pid: process.pid, started: startTime(process.pid) ?? "0" };
}

/** True when the holder ran here since the last boot, and is gone. */
export function isDead(holder: Holder): boolean {
  if (holder.boot !== bootId()) return false;
  const started = startTime(holder.pid);
  return started === undefined || started !== holder.started;
}

/** Who owns a folder of this machine's disk. */
export interface Owner extends Holder {
  readonly host?: string;
}

/** This process as the owner of a folder. */
export const thisOwner = (): Owner => ({ ...thisHolder(), host: hostname() });

/**
 * True when the owner is gone for certain: a dead process, or one of this host before it, or the
 * container that is called so, was started anew.
 */
export function isGone(owner: Owner): boolean {
  return isDead(owner) || (owner.host === hostname() && owner.boot !== bootId());
}

let boot: string | undefined;

/** The boot and, on Linux, the process namespace: two containers may share one and not the other. */
function bootId(): string {
  boot ??= existsSync("/proc/sys/kernel/random/boot_id")
    ? `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${readlinkSync("/proc/self/ns/pid").replace(/\D/g, "")}`
    : `${hostname().replaceAll(" ", "-")}/${Math.round((Date.now() / 1000 - uptime()) / 60)}`;
  return boot;
}

/** When a process started, in the kernel's own units (proc(5), field 22); undefined: it is gone. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, in parentheses, may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return existsSync("/proc/self/stat") ? undefined : signalled(pid);
  }
}

/** Without /proc only the id can be asked for. */
function signalled(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return "0";
  } catch {
    return undefined;
  }
}

/** Processes whose environment names this run: those that left the group of the script. */
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
