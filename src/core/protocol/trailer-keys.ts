/**
 * Every trailer key that Trailhand reads or writes, one row each.
 *
 * Invariants:
 * - No other file under `src` spells out a key: `test/structure/tables.test.ts` checks it.
 * - A key without a row belongs to the user: anyone may write it, and each response copies it.
 */

type Writer = "person" | "person or runner" | "runner" | "script" | "lease" | "side ref" | "another tool";

type Trait =
  /** Carries the protocol: `--trailer` and scripts must not write it. */
  | "reserved"
  /** Limits what a script may do: people write it, scripts must not. */
  | "people only"
  /** Read from the head of every branch, to find out what the commit requests. */
  | "head"
  /** Two different values make the request invalid. Of any other key, the last value counts. */
  | "once"
  /** May be repeated, and every value counts. */
  | "list"
  /** Describes one commit only: the response does not copy it. */
  | "own"
  /** Describes the whole piece of work: the runner writes the current value on each response. */
  | "carried"
  /** Measured, so it differs between two runs of one request: a replay does not compare it. */
  | "measured"
  /** Kept when a comment on GitHub changes one trailer of a waiting request. */
  | "stays";

const row = <const Key extends string, const Traits extends readonly Trait[]>(
  key: Key,
  writer: Writer,
  traits: Traits,
  meaning: string,
) => ({ key, writer, traits, meaning });

const TABLE = {
  state: row("State", "person or runner", ["reserved", "head", "once"], "the requested state"),
  branch: row("Branch", "person or runner", ["reserved", "head"], "the only branch where the commit counts"),
  event: row("Event", "person or runner", ["reserved", "list"], "the external event behind the request"),
  hops: row("Hops", "person or runner", ["reserved", "head", "measured"], "hand-offs since a person"),
  priority: row("Priority", "person", ["head", "stays"], "a whole number; higher runs first"),
  notBefore: row("Not-Before", "person", ["head", "own", "stays"], "earliest start: a date or RFC 3339 time"),
  dependsOn: row("Depends-On", "person", ["head", "list", "own", "stays"], "what must come first"),
  assignedTo: row("Assigned-To", "person", ["own", "stays"], "the agents that may answer a prompt"),
  owns: row("Owns", "person", ["people only", "carried"], "globs of the paths that the work may change"),
  budget: row("Budget", "person", ["people only", "carried"], "what the work may spend"),
  approves: row("Approves", "person", ["people only", "own"], "the full id of the approved request"),
  refs: row("Refs", "person", ["list", "stays"], "the issues that the work is about"),
  forkedFrom: row("Forked-From", "person", [], "the commit where a fork began"),

  answers: row("Answers", "runner", ["reserved", "head"], "the full id of the answered request"),
  run: row("Run", "runner", ["reserved", "measured"], "the id of the run"),
  attempt: row("Attempt", "runner", ["reserved", "measured"], "the attempt, and how many there may be"),
  runner: row("Runner", "runner", ["reserved", "measured"], "the user and host that ran it"),
  took: row("Took", "runner", ["reserved", "measured"], "how long the attempt took"),
  workflow: row("Workflow", "runner", ["reserved", "measured"], "the blob id of the workflow file"),
  script: row("Script", "runner", ["reserved", "measured"], "the blob id of the script"),
  agent: row("Agent", "runner", ["reserved"], "the agent that answered a prompt"),
  evidence: row("Evidence", "runner", ["reserved", "list"], "a proven fact, and the tree that it is true of"),
  approvedBy: row("Approved-By", "runner", ["reserved", "list", "measured"], "an approver, and the approval"),
  cost: row("Cost", "runner", ["own", "measured"], "the money spent, as the script reported it"),
  tokens: row("Tokens", "runner", ["own", "measured"], "the tokens used, as the script reported them"),
  model: row("Model", "runner", ["own", "measured"], "the model used, as the script reported it"),
  turns: row("Turns", "script", ["measured"], "the turns that an agent took"),

  parent: row("Parent", "runner", ["reserved", "head", "carried"], "the branch that created this one"),
  children: row("Children", "runner", ["reserved", "carried"], "the keys of all children created so far"),
  joined: row("Joined", "runner", ["reserved", "carried"], "the children that a wait has seen finished"),
  cancels: row("Cancels", "runner", ["reserved", "head", "carried"], "the children that are cancelled"),
  spent: row("Spent", "runner", ["reserved", "carried", "measured"], "what all attempts have spent so far"),
  rounds: row("Rounds", "runner", ["reserved", "carried", "measured"], "visits to each limited state"),
  plan: row("Plan", "runner", ["reserved", "carried"], "the blob id of the frozen plan"),
  step: row("Step", "runner", ["reserved", "carried"], "the current step of the plan, and the last"),
  risk: row("Risk", "runner", ["reserved", "carried"], "the risk that the script assigned to the work"),

  landedFrom: row("Landed-From", "script", ["reserved"], "the branch that landed as this commit"),
  archive: row("Archive", "script", ["reserved"], "the response whose history was archived"),
  landed: row("Landed", "script", [], "the commit on the trusted branch that this work became"),

  request: row("Request", "lease", ["reserved"], "the full id of the claimed request"),
  nonce: row("Nonce", "lease", ["reserved"], "a random value, new at each renewal"),
  ttlMs: row("Ttl-Ms", "lease", ["reserved"], "how long the lease lasts without a renewal, in ms"),
  restMs: row("Rest-Ms", "lease", ["reserved"], "how long the next attempt waits, in ms"),
  lane: row("Lane", "lease", [], "the lanes that the run counts in"),
  slot: row("Slot", "lease", [], "the lane slots that the run holds"),
  process: row("Process", "lease", [], "boot id, process id and start time of the runner"),
  because: row("Because", "lease", [], "why the next attempt waits"),

  at: row("At", "side ref", [], "the attempted state, or the start of a run in ms since 1970"),
  until: row("Until", "side ref", [], "when a closed lane opens, in ms since 1970"),
  commit: row("Commit", "side ref", [], "the checked commit"),
  check: row("Check", "side ref", ["list"], "an external check and its result"),
  salvage: row("Salvage", "side ref", [], "the ref of the saved work"),
  wouldAnswer: row("Would-Answer", "side ref", [], "the state that a shadow run chose"),
  ended: row("Ended", "side ref", [], "how a shadow run ended"),

  dwpState: row("dwp-state", "another tool", ["reserved", "head"], "AYNIG: read as `State`"),
  aynigState: row("aynig-state", "another tool", ["reserved", "head"], "AYNIG: read as `State`"),
  aynig: row("aynig", "another tool", ["reserved", "head"], "AYNIG: read as `State`"),
  aynigRole: row("aynig-role", "another tool", ["head"], "AYNIG: the role whose command runs"),
  dwpRole: row("dwp-role", "another tool", ["head"], "AYNIG: the role whose command runs"),
  dwpLeaseSeconds: row("dwp-lease-seconds", "another tool", ["reserved"], "AYNIG: how long its lease lasts"),
  changeId: row("Change-Id", "another tool", ["own"], "Gerrit: the id of one change"),
};

type Table = typeof TABLE;
type Name = keyof Table;

/** The rows, for the documentation and for tests. */
export const TRAILER_KEYS: readonly {
  readonly key: string;
  readonly writer: Writer;
  readonly traits: readonly Trait[];
  readonly meaning: string;
}[] = Object.values(TABLE);

/** Each key as it is written, by its name in the table. */
export const KEY = Object.fromEntries(Object.entries(TABLE).map(([name, { key }]) => [name, key])) as {
  readonly [One in Name]: Table[One]["key"];
};

/** The names of the keys that are read from the head of every branch. */
export type HeadKey = { [One in Name]: "head" extends Table[One]["traits"][number] ? One : never }[Name];

/** Lower-case keys to the names of those that are read from the head of every branch. */
export const HEAD_KEYS: ReadonlyMap<string, HeadKey> = new Map(
  Object.entries(TABLE).flatMap(([name, { key, traits }]) =>
    (traits as readonly Trait[]).includes("head") ? [[key.toLowerCase(), name as HeadKey]] : [],
  ),
);

/** The keys of AYNIG that mean `State`, in the order in which they are tried. */
export const AYNIG_KEYS = [KEY.dwpState, KEY.aynigState, KEY.aynig] as const;

function keysWith(...wanted: readonly Trait[]): ReadonlySet<string> {
  const rows = TRAILER_KEYS.filter(({ traits }) => wanted.some((trait) => traits.includes(trait)));
  return new Set(rows.map(({ key }) => key.toLowerCase()));
}

const RESERVED = keysWith("reserved");
const NOT_FOR_SCRIPTS = keysWith("reserved", "people only");
const NOT_COPIED = keysWith("reserved", "own", "carried");
const STAYS = keysWith("stays");
const MEASURED = keysWith("measured");

/** git compares keys without regard to case. */
export const isSameKey = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** True for keys that neither a person's `--trailer` nor a script may write. */
export const isReserved = (key: string): boolean => RESERVED.has(key.toLowerCase());

/** True for keys that no script may write. */
export const isForbiddenToScripts = (key: string): boolean => NOT_FOR_SCRIPTS.has(key.toLowerCase());

/** True for keys that a response copies from its request. Keys such as `Reviewed-by` speak of one commit. */
export function isCopied(key: string): boolean {
  const lower = key.toLowerCase();
  return !NOT_COPIED.has(lower) && !lower.endsWith("-by");
}

/** True for keys that stay when one trailer of a waiting request is changed. */
export const isKeptOnChange = (key: string): boolean => STAYS.has(key.toLowerCase());

/** True for keys whose values differ between two runs of one request. */
export const isMeasured = (key: string): boolean => MEASURED.has(key.toLowerCase());
