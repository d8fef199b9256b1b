/**
 * Checks leases and lane slots by replaying every transaction.
 *
 * Invariants:
 * - After each transaction, no lane has more slots or leases than its capacity, and each lease in a
 *   limited lane holds its own slot.
 * - Scripts do not count: a suspended, fenced run may still have one, which nothing can prevent.
 */
import { LANES, LEASES, PARKED, trailer, type Commit, type Finding, type History } from "./ref-history.ts";

export function findOverlaps(history: History, capacity: ReadonlyMap<string, number>): Finding[] {
  const refs = new Map<string, string>();
  const findings = new Map<string, Finding>();
  for (const { at, moves } of history.transactions) {
    const moved = moves.filter(({ ref }) => ref.startsWith(LANES) || ref.startsWith(LEASES));
    for (const { ref, new: next } of moved) {
      if (next === null) refs.delete(ref);
      else refs.set(ref, next);
    }
    if (moved.length === 0) continue;
    for (const what of [...capacity].flatMap(([lane, max]) => overlapsIn(history, refs, lane, max))) {
      if (!findings.has(what)) findings.set(what, { kind: "lane", what: `${what} (first at ${at})` });
    }
  }
  return [...findings.values()];
}

function overlapsIn(
  { commits }: History,
  refs: ReadonlyMap<string, string>,
  lane: string,
  max: number,
): string[] {
  const slots = [...refs].filter(([ref]) => ref.startsWith(`${LANES}${lane}/`));
  const leases = [...refs].flatMap(([ref, id]) => {
    const lease = commits.get(id);
    const active = ref.startsWith(LEASES) && listOf(lease, "Lane").includes(lane) && !isBackoff(lease);
    return active && lease ? [{ ref, lease }] : [];
  });
  const withoutSlot = leases.filter(({ lease }) => {
    const own = listOf(lease, "Slot").filter((name) => name.startsWith(`${lane}/`));
    const holders = own.map((name) => commits.get(refs.get(`${LANES}${name}`) ?? ""));
    return own.length === 0 || holders.some((lease) => trailer(lease, "Run") !== trailer(lease, "Run"));
  });
  return [
    ...(slots.length > max ? [`lane ${lane} has ${slots.length} slots`] : []),
    ...(leases.length > max ? [`lane ${lane} has leases of ${leases.map(runIn).join(" ")}`] : []),
    ...withoutSlot.map((one) => `run ${runIn(one)} has a lease in lane ${lane} without its slot`),
  ];
}

/** The words in a trailer. */
const listOf = (commit: Commit | undefined, key: string): string[] => (trailer(commit, key) ?? "").split(" ");
const runIn = ({ lease }: { lease: Commit }) => trailer(lease, "Run") ?? lease.id;
const isBackoff = (lease: Commit | undefined) => trailer(lease, "Rest-Ms") !== undefined;

/** Refs that must not exist after everything is answered and every runner has ended. */
export function findLeakedRefs({ refs, commits }: History): Finding[] {
  return [...refs].flatMap(([ref, id]): Finding[] => {
    const commit = commits.get(id);
    const about = `${ref} ${id}: run ${trailer(commit, "Run")} on ${trailer(commit, "Branch")}`;
    if (ref.startsWith(LEASES))
      return [{ kind: "lease", what: `${about}${isBackoff(commit) ? ", in back-off" : ""}` }];
    if (ref.startsWith(LANES)) return [{ kind: "slot", what: about }];
    if (ref.startsWith(PARKED)) return [{ kind: "parked", what: about }];
    return [];
  });
}
