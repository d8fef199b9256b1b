/**
 * The side refs that Trailhand keeps beside the branches, one row for each kind.
 *
 * Invariants:
 * - No other file under `src` spells out such a ref: `test/structure/tables.test.ts` checks it.
 * - `<key>` is a hash of the branch: branch names clash as directories, and on disks that fold case.
 */
import { HEADS, type Branch, type Ref, type RunId, type Sha } from "./ids.ts";

/** The namespace of all side refs, without a slash at its end. A remote may use another one. */
export const DEFAULT_PREFIX = "refs/trailhand";
export const NAMESPACE = `${DEFAULT_PREFIX}/`;

type Trait =
  /** Decides what runs, so every scan reads it. */
  | "decides"
  /** A note: one small commit that says everything in its message. */
  | "note"
  /** Exists in the local repository only, and every scan there reads it. */
  | "local"
  /** `trailhand gc` removes it, once it is old or its reason is gone. */
  | "collected";

const row = (
  name: string,
  writer: string,
  traits: readonly Trait[],
  text: { readonly holds: string; readonly until: string },
) => ({ name, prefix: `${NAMESPACE}${name.split("<")[0]}`, writer, traits, ...text });

const TABLE = {
  leases: row("leases/<key>", "runner", ["decides"], {
    holds: "who runs the request of a branch, or how long its next attempt waits",
    until: "the response is written",
  }),
  lanes: row("lanes/<lane>/<n>", "runner", ["decides"], {
    holds: "a taken slot of a lane with a capacity: the lease as it was claimed",
    until: "the lease ends",
  }),
  parked: row("parked/<key>", "runner", ["decides"], {
    holds: "a finished response that could not be written to its branch yet",
    until: "it is on its branch, or the branch has moved",
  }),
  used: row("used/<lane>/<n>", "runner", ["decides", "note", "collected"], {
    holds: "a run that counts in the quota of a lane",
    until: "the lane's window is over",
  }),
  closed: row("closed/<lane>", "runner", ["decides", "note", "collected"], {
    holds: "until when a lane is closed",
    until: "the lane is open again",
  }),
  checks: row("checks/<key>", "person or CI", ["decides", "note", "collected"], {
    holds: "the results of external checks for one head of a branch",
    until: "the head has moved",
  }),
  hold: row("hold", "person", ["decides", "note"], {
    holds: "that nothing may run, and why",
    until: "a person releases the hold",
  }),
  follow: row("follow/<key>", "runner", ["local"], {
    holds: "that a branch has moved, and its checkout still has to follow",
    until: "the checkout has followed",
  }),
  running: row("running/<run>", "runner", [], {
    holds:
      "the request of a running attempt, so that `git gc` keeps its objects; in one repository, never at a remote",
    until: "the attempt has ended",
  }),
  salvage: row("salvage/<branch>/<run>", "runner", ["collected"], {
    holds: "what an attempt without a response had changed",
    until: "its request is answered or gone, and `gc --keep-days` are over",
  }),
  journal: row("journal/<key>", "runner", ["collected"], {
    holds: "the failed attempts of a request, with the end of each log",
    until: "its request is answered or gone, and `gc --keep-days` are over",
  }),
  shadow: row("shadow/<branch>/<run>", "runner", ["collected"], {
    holds: "what a prompt would have answered in place of a script",
    until: "its request is answered or gone, and `gc --keep-days` are over",
  }),
  unsigned: row("unsigned/<id>", "runner", ["collected"], {
    holds: "a commit that a server is [to recreate and sign](github-app.md#signed-responses)",
    until: "the signed commit has replaced it",
  }),
  archive: row("archive/<branch>/<id>", "runner", [], {
    holds: "the history of a branch that landed",
    until: "kept",
  }),
  probe: row("probe/<id>/<name>", "runner", [], {
    holds: "nothing: a trial of what a remote supports",
    until: "the trial is over",
  }),
};

/** The rows, for the documentation and for tests. */
export const SIDE_REFS = Object.values(TABLE);

const prefixesWith = (trait: Trait): readonly string[] =>
  SIDE_REFS.filter(({ traits }) => traits.includes(trait)).map(({ prefix }) => prefix);

/** The side refs that decide what runs, wherever the repository is. */
export const DECIDING_REFS = prefixesWith("decides");
/** Everything that a scan of a local repository reads. */
export const SCANNED_REFS = [HEADS, ...DECIDING_REFS, ...prefixesWith("local")];
/** The side refs that are notes. */
export const NOTE_REFS = prefixesWith("note");
/** The side refs that `trailhand gc` goes through. */
export const COLLECTED_REFS = prefixesWith("collected");

export const LEASES = TABLE.leases.prefix;
export const LANES = TABLE.lanes.prefix;
export const PARKED = TABLE.parked.prefix;
export const USED = TABLE.used.prefix;
export const CLOSED = TABLE.closed.prefix;
export const CHECKS = TABLE.checks.prefix;
export const HOLD = TABLE.hold.prefix as Ref;
export const FOLLOW = TABLE.follow.prefix;
export const SALVAGE = TABLE.salvage.prefix;
export const JOURNAL = TABLE.journal.prefix;
export const SHADOW = TABLE.shadow.prefix;
export const UNSIGNED = TABLE.unsigned.prefix;
export const ARCHIVE = TABLE.archive.prefix;

/** The refs that belong to a branch. `key` is 40 hexadecimal digits of the SHA-256 of its full ref. */
export function refsOf(key: string): { lease: Ref; parked: Ref; follow: Ref; journal: Ref; checks: Ref } {
  return {
    lease: `${LEASES}${key}` as Ref,
    parked: `${PARKED}${key}` as Ref,
    follow: `${FOLLOW}${key}` as Ref,
    journal: `${JOURNAL}${key}` as Ref,
    checks: `${CHECKS}${key}` as Ref,
  };
}

export const runningRef = (run: RunId): Ref => `${TABLE.running.prefix}${run}` as Ref;

export function salvageRef(branch: Branch, run: RunId): Ref {
  return `${SALVAGE}${branch}/${run}` as Ref;
}

export function shadowRef(branch: Branch, run: RunId): Ref {
  return `${SHADOW}${branch}/${run}` as Ref;
}

export function unsignedRef(commit: Sha): Ref {
  return `${UNSIGNED}${commit}` as Ref;
}

/** Named for the response too, because a branch name may be used, and land, more than once. */
export function archiveRef(branch: Branch, response: Sha): Ref {
  return `${ARCHIVE}${branch}/${response.slice(0, 12)}` as Ref;
}

/** One slot of a lane. A run creates it in the swap that claims its lease. */
export function slotRef(lane: string, slot: number): Ref {
  return `${LANES}${lane}/${slot}` as Ref;
}

/** One counted run of a lane's quota. */
export function usedRef(lane: string, index: number): Ref {
  return `${USED}${lane}/${index}` as Ref;
}

export function closedRef(lane: string): Ref {
  return `${CLOSED}${lane}` as Ref;
}

/** A throw-away ref of one trial of a remote. */
export function probeRef(trial: string, name: string): Ref {
  return `${TABLE.probe.prefix}${trial}/${name}` as Ref;
}
