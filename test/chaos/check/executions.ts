/**
 * Checks script executions: each ran under a lease, and a ref holds its changes.
 *
 * Invariants:
 * - An execution has changes from the moment when it logged them.
 * - Missing changes are excused only when their disk was deleted soon after.
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
  /** True after it has changed its worktree. */
  readonly hasChanges: boolean;
}

export function readExecutions(file: string): Execution[] {
  const lines = existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .map((line) => line.split(" "))
    : [];
  const changedRuns = new Set(lines.flatMap(([word, , run]) => (word === "left" && run ? [run] : [])));
  return lines.flatMap(([word, at, machine = "", request = "", run = "", state = "", branch = ""]) =>
    word === "start" && branch
      ? [{ run, at: Number(at), machine, request, state, branch, hasChanges: changedRuns.has(run) }]
      : [],
  );
}

/** Between a kill and the deletion of the disk, there may have been no time to save. */
const EXCUSE_MS = 30_000;

/** Changes that are neither in a response nor on a salvage ref. */
export function findUnsaved(
  history: History,
  executions: readonly Execution[],
  incidents: readonly Incident[],
): Finding[] {
  const savedRuns = runsNamedBy(history, (ref) =>
    [HEADS, SALVAGE, PARKED].some((prefix) => ref.startsWith(prefix)),
  );
  const wipes = incidents.filter(({ kind }) => kind === "wipe");
  return executions
    .filter(({ run, hasChanges: changedRuns }) => changedRuns && !savedRuns.has(run))
    .filter(
      ({ machine, at }) =>
        !wipes.some((one) => one.machine === machine && one.at >= at && one.at - at < EXCUSE_MS),
    )
    .map(({ run, at, machine, request, state, branch }) => ({
      kind: "unsaved",
      what: `run ${run} of ${state} on ${branch} (${request}) at ${at} on ${machine}`,
    }));
}

/** Scripts whose lease was never on the remote. */
export function findUnclaimed(history: History, executions: readonly Execution[]): Finding[] {
  const claimedRuns = runsNamedBy(history, (ref) => ref.startsWith(LEASES));
  return executions
    .filter(({ run }) => !claimedRuns.has(run))
    .map(({ run, branch, at }) => ({ kind: "unclaimed", what: `run ${run} on ${branch} at ${at}` }));
}

/** The runs named by commits that these refs ever pointed to. */
function runsNamedBy({ commits, transactions }: History, isWanted: (ref: string) => boolean): Set<string> {
  const runs = transactions
    .flatMap(({ moves }) => moves)
    .filter(({ ref, new: next }) => next !== null && isWanted(ref))
    // A commit of a script names no run, but its salvage ref does.
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
