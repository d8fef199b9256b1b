/**
 * The processes of this machine, as /proc shows them.
 *
 * What must hold: a signal goes only to a process that a caller found as its own child or by the
 * trial's own directory; a process that ended in between is no error.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly args: readonly string[];
}

export type Table = ReadonlyMap<number, Process>;

/** Every process that lives now; zombies are left out. */
export function listProcesses(): Table {
  const found = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  return new Map(found.map((one) => [one.pid, one]));
}

function readProcess(pid: number): Process | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name, in parentheses, may hold spaces and parentheses itself.
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

export function childrenOf(pid: number, table: Table = listProcesses()): Process[] {
  return [...table.values()].filter(({ parent }) => parent === pid);
}

/** git at the other end of a push or a fetch: on a real remote it would not be on this machine. */
const isServer = ({ args }: Process): boolean =>
  args.some((arg) => /(?:^|-)(?:receive-pack|upload-pack)$/.test(arg.split(" ")[0] ?? ""));

/** Everything below a process on its own side of the line. */
export function descendantsOf(pid: number, table: Table): Process[] {
  return childrenOf(pid, table).flatMap((child) =>
    isServer(child) ? [] : [child, ...descendantsOf(child.pid, table)],
  );
}

/** Processes of a trial: their home, or a file that they were started with, is in its directory. */
export function processesIn(root: string): Process[] {
  const own = ancestors();
  return [...listProcesses().values()].filter(
    ({ pid, args }) =>
      !own.has(pid) && (hasHomeIn(root, pid) || args.some((arg) => arg.startsWith(`${root}/`))),
  );
}

/** True for what a trial has started, and nothing else: it made that home. */
export const hasHomeIn = (root: string, pid: number): boolean =>
  readText(`/proc/${pid}/environ`)
    .split("\0")
    .some((variable) => variable.startsWith(`HOME=${root}/`));

/** This process, and those that started it. */
function ancestors(): Set<number> {
  const table = listProcesses();
  const found = new Set<number>();
  for (let pid = process.pid; pid > 1 && !found.has(pid); pid = table.get(pid)?.parent ?? 0) found.add(pid);
  return found;
}

/** False when the process is gone. */
export function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  if (pid === undefined || pid <= 1) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
