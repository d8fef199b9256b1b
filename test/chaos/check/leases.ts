/**
 * Checks leases and places in lanes by playing every transaction again.
 *
 * What must hold: after each one, no lane has more places or more leases than its capacity, each
 * lease of such a lane has its place, and the place is its own. What a script does is not looked
 * at: a run that was paused and fenced may still have one, which nothing can prevent.
 */
import { LANES, LEASES, PARKED, trailer, type Commit, type Finding, type History } from "./ref-history.ts";

export function findOverlaps(history: History, capacity: ReadonlyMap<string, number>): Finding[] {
  const refs = new Map<string, string>();
  const findings = new Map<string, Finding>();
  for (const { at, moves } of history.transactions) {
    const side = moves.filter(({ ref }) => ref.startsWith(LANES) || ref.startsWith(LEASES));
    for (const { ref, new: next } of side) {
      if (next === null) refs.delete(ref);
      else refs.set(ref, next);
    }
    if (side.length === 0) continue;
    for (const what of [...capacity].flatMap(([lane, most]) => overlapsIn(history, refs, lane, most))) {
      if (!findings.has(what)) findings.set(what, { kind: "lane", what: `${what} (first at ${at})` });
    }
  }
  return [...findings.values()];
}

function overlapsIn(
  { commits }: History,
  refs: ReadonlyMap<string, string>,
  lane: string,
  most: number,
): string[] {
  const places = [...refs].filter(([ref]) => ref.startsWith(`${LANES}${lane}/`));
  const leases = [...refs].flatMap(([ref, id]) => {
    const lease = commits.get(id);
    const active = ref.startsWith(LEASES) && listOf(lease, "Lane").includes(lane) && !isRest(lease);
    return active && lease ? [{ ref, lease }] : [];
  });
  const strayed = leases.filter(({ lease }) => {
    const own = listOf(lease, "Slot").filter((name) => name.startsWith(`${lane}/`));
    const holders = own.map((name) => commits.get(refs.get(`${LANES}${name}`) ?? ""));
    return own.length === 0 || holders.some((held) => trailer(held, "Run") !== trailer(lease, "Run"));
  });
  return [
    ...(places.length > most ? [`lane ${lane} has ${places.length} places`] : []),
    ...(leases.length > most ? [`lane ${lane} has leases of ${leases.map(runIn).join(" ")}`] : []),
    ...strayed.map((one) => `run ${runIn(one)} has a lease in lane ${lane} without its place`),
  ];
}

/** The words of a trailer. */
const listOf = (commit: Commit | undefined, key: string): string[] => (trailer(commit, key) ?? "").split(" ");
const runIn = ({ lease }: { lease: Commit }) => trailer(lease, "Run") ?? lease.id;
const isRest = (lease: Commit | undefined) => trailer(lease, "Rest-Ms") !== undefined;

/** Refs that nobody needs once everything is answered and every runner has ended. */
export function findLeaked({ refs, commits }: History): Finding[] {
  return [...refs].flatMap(([ref, id]): Finding[] => {
    const commit = commits.get(id);
    const about = `${ref} ${id}: run ${trailer(commit, "Run")} on ${trailer(commit, "Branch")}`;
    if (ref.startsWith(LEASES))
      return [{ kind: "lease", what: `${about}${isRest(commit) ? ", resting" : ""}` }];
    if (ref.startsWith(LANES)) return [{ kind: "slot", what: about }];
    if (ref.startsWith(PARKED)) return [{ kind: "parked", what: about }];
    return [];
  });
}
