/**
 * Checks what scripts did: each ran under a lease, and what it left is on a ref.
 *
 * What must hold: an execution counts as work from the moment it wrote down that it had changed
 * something; work is excused only when the disk it was on was deleted soon after.
 */
import { existsSync, readFileSync } from "node:fs";
import type { Incident } from "../trial-log.ts";
import { HEADS, LEASES, PARKED, SALVAGE, trailer, type Finding, type History } from "./ref-history.ts";

export interface Execution {
  readonly run: string;
  readonly at: number;
  readonly machine: string;
  readonly request: string;
  readonly state: string;
  readonly branch: string;
  /** True once it had changed its worktree. */
  readonly changed: boolean;
}

export function readExecutions(file: string): Execution[] {
  const lines = existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .map((line) => line.split(" "))
    : [];
  const changed = new Set(lines.flatMap(([word, , run]) => (word === "left" && run ? [run] : [])));
  return lines.flatMap(([word, at, machine = "", request = "", run = "", state = "", branch = ""]) =>
    word === "start" && branch
      ? [{ run, at: Number(at), machine, request, state, branch, changed: changed.has(run) }]
      : [],
  );
}

/** Between a death and the deletion of the disk, nobody may have had the time to save. */
const EXCUSE_MS = 30_000;

/** Work that is neither in an answer nor on a salvage ref. */
export function findUnsaved(
  history: History,
  executions: readonly Execution[],
  incidents: readonly Incident[],
): Finding[] {
  const saved = runsNamedBy(history, (ref) =>
    [HEADS, SALVAGE, PARKED].some((place) => ref.startsWith(place)),
  );
  const wipes = incidents.filter(({ kind }) => kind === "wipe");
  return executions
    .filter(({ run, changed }) => changed && !saved.has(run))
    .filter(
      ({ machine, at }) =>
        !wipes.some((one) => one.machine === machine && one.at >= at && one.at - at < EXCUSE_MS),
    )
    .map(({ run, at, machine, request, state, branch }) => ({
      kind: "unsaved",
      what: `run ${run} of ${state} on ${branch} (${request}) at ${at} on ${machine}`,
    }));
}

/** Scripts that ran without their lease ever having been on the remote. */
export function findUnclaimed(history: History, executions: readonly Execution[]): Finding[] {
  const claimed = runsNamedBy(history, (ref) => ref.startsWith(LEASES));
  return executions
    .filter(({ run }) => !claimed.has(run))
    .map(({ run, branch, at }) => ({ kind: "unclaimed", what: `run ${run} on ${branch} at ${at}` }));
}

/** Runs that the commits name which such refs ever pointed at. */
function runsNamedBy({ commits, transactions }: History, wanted: (ref: string) => boolean): Set<string> {
  const runs = transactions
    .flatMap(({ moves }) => moves)
    .filter(({ ref, new: next }) => next !== null && wanted(ref))
    // What only scripts committed names no run, but its ref does.
    .flatMap(({ ref, new: next }) => [
      trailer(commits.get(next ?? ""), "Run") ?? "",
      ref.split("/").at(-1) ?? "",
    ]);
  return new Set(runs);
}

export function countSalvages({ transactions }: History): number {
  return transactions
    .flatMap(({ moves }) => moves)
    .filter(({ ref, old }) => ref.startsWith(SALVAGE) && old === null).length;
}
