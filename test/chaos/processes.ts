/**
 * The processes of this machine, from /proc.
 *
 * Invariants:
 * - A signal goes only to a child of the caller or to a process of the trial's directory.
 * - A process that has ended meanwhile is not an error.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly args: readonly string[];
}

export type ProcessTable = ReadonlyMap<number, Process>;

/** Every running process, without zombies. */
export function listProcesses(): ProcessTable {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  return new Map(processes.map((one) => [one.pid, one]));
}

function readProcess(pid: number): Process | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name in parentheses may contain spaces and parentheses.
  const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === undefined || parent === undefined || state === "Z") return undefined;
  return { pid, parent: Number(parent), args: readText(`/proc/${pid}/cmdline`).split("\0") };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

export function childrenOf(pid: number, table: ProcessTable = listProcesses()): Process[] {
  return [...table.values()].filter(({ parent }) => parent === pid);
}

/** True for the server side of a push or fetch, which would run on the machine of a real remote. */
const isServer = ({ args }: Process): boolean =>
  args.some((arg) => /(?:^|-)(?:receive-pack|upload-pack)$/.test(arg.split(" ")[0] ?? ""));

/** All descendants of a process, except server sides of git. */
export function descendantsOf(pid: number, table: ProcessTable): Process[] {
  return childrenOf(pid, table).flatMap((child) =>
    isServer(child) ? [] : [child, ...descendantsOf(child.pid, table)],
  );
}

/** Processes of a trial: their home or one of their arguments is in its directory. */
export function processesIn(root: string): Process[] {
  const own = ancestors();
  return [...listProcesses().values()].filter(
    ({ pid, args }) =>
      !own.has(pid) && (hasHomeIn(root, pid) || args.some((arg) => arg.startsWith(`${root}/`))),
  );
}

/** True only for processes of the trial, which created that home. */
export const hasHomeIn = (root: string, pid: number): boolean =>
  readText(`/proc/${pid}/environ`)
    .split("\0")
    .some((variable) => variable.startsWith(`HOME=${root}/`));

/** This process and its ancestors. */
function ancestors(): Set<number> {
  const table = listProcesses();
  const processes = new Set<number>();
  for (let pid = process.pid; pid > 1 && !processes.has(pid); pid = table.get(pid)?.parent ?? 0)
    processes.add(pid);
  return processes;
}

/** False when the process has ended. */
export function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  if (pid === undefined || pid <= 1) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
