/**
 * The whole policy: (view, workflow, now) to one decision for each branch.
 *
 * What must hold: pure; one decision for each head; a person's words decide nothing but through the
 * trailer block; whatever is not run says why, in a code that `words` turns into a sentence.
 */
import picomatch from "picomatch/posix.js";
import { cleanLine } from "./clean.ts";
import type { Branch, Ref, Sha } from "./ids.ts";
import { parseMessage, valueOf } from "./message.ts";
import type { Asked, Request } from "./request.ts";
import type { Head, Now, Parked, SeenLease, View } from "./view.ts";
import { DEFAULT_HOPS, isTerminal, type State, type Workflow } from "./workflow.ts";

/** Why a branch is not run now. Each code has its sentence in reasons.ts. */
export type Why =
  | { readonly code: "target" | "not-listed" | "no-state" | "merge" | "person" }
  | {
      readonly code: "ended" | "parked" | "waiting" | "unknown-state" | "bound-elsewhere" | "taken-over";
      readonly detail: string;
    }
  | {
      readonly code: "two-states" | "bad-name" | "bad-value" | "doubt" | "depends-on" | "unwritable";
      readonly detail: string;
    }
  | { readonly code: "not-before"; readonly until: number }
  | { readonly code: "running" | "running-older"; readonly detail: string; readonly attempt: number }
  | { readonly code: "resting"; readonly detail: string; readonly leftMs: number }
  | { readonly code: "foreign"; readonly leftMs: number }
  | { readonly code: "lane-full"; readonly detail: string }
  | { readonly code: "no-room" }
  | { readonly code: "blocked"; readonly detail: string };

export interface Run {
  readonly kind: "run";
  readonly head: Head;
  readonly request: Request;
  readonly state: State | undefined;
  readonly attempt: number;
  /** The lease value that the claim replaces. */
  readonly over: SeenLease | undefined;
  /** The place in its lane, where that has a capacity; admission sets it. */
  readonly slot?: Slot;
  /** Set when no script is run, because a limit is reached: the answer says so. */
  readonly limit?: "hops" | "attempts" | "stalled";
}

/** A place in a lane, taken in the same swap as the lease. */
export interface Slot {
  readonly index: number;
  readonly ref: Ref;
  /** What it holds now: nothing, or the run that is taken over. */
  readonly expected: Sha | null;
}

/** A finished response waits beside its branch: put it there. */
export interface Land {
  readonly kind: "land";
  readonly head: Head;
  readonly parked: Parked;
}

/** Delete a lease that nobody needs. */
export interface Expire {
  readonly kind: "expire";
  readonly head: Head;
  readonly over: SeenLease;
}

export interface Idle {
  readonly kind: "wait" | "park" | "ignore";
  readonly head: Head;
  readonly why: Why;
}

export type Decision = Run | Land | Expire | Idle;

/** Longer than any name that git can store as a ref. */
const BRANCH_LIMIT = 8000;

/** An observer waits this many TTLs before it calls a lease expired. */
const PATIENCE = 1.5;

/** Decides for every head of the view, in the view's order. */
export function decide(view: View, workflow: Workflow, now: Now): Decision[] {
  const listed = branchFilter(workflow);
  const owners = findOwners(view, (branch) => branch !== view.target && listed(branch));
  return view.heads.map((head) => decideOne(view, workflow, now, head, listed, owners));
}

function decideOne(
  view: View,
  workflow: Workflow,
  now: Now,
  head: Head,
  listed: (branch: Branch) => boolean,
  owners: ReadonlyMap<Sha, Branch>,
): Decision {
  const idle = (kind: Idle["kind"], why: Why): Idle => ({ kind, head, why });
  const seen = view.leases.get(head.key);
  const stop = seen && isExpired(seen, now) ? { kind: "expire" as const, head, over: seen } : undefined;
  const isTarget = head.branch === view.target && workflow.target === "ignore";
  if (isTarget) return stop ?? idle("ignore", { code: "target" });
  if (!listed(head.branch)) return stop ?? idle("ignore", { code: "not-listed" });
  const parked = view.parked.get(head.key);
  if (parked?.answers === head.commit) return { kind: "land", head, parked };

  const asked = resumed(view, workflow, head);
  if (asked.kind === "none") {
    if (stop) return stop;
    const below = asked.reason === "no-state" ? view.takenOver.get(head.key) : undefined;
    if (below) return idle("park", { code: "taken-over", detail: below.state });
    if (asked.reason === "no-state" || asked.reason === "merge")
      return idle("ignore", { code: asked.reason });
    const why: Why = { code: asked.reason, detail: asked.detail };
    return idle(asked.reason === "bound-elsewhere" ? "ignore" : "park", why);
  }
  const owner = asked.bound ? undefined : owners.get(asked.commit);
  if (owner !== undefined && owner !== head.branch) {
    return stop ?? idle("ignore", { code: "bound-elsewhere", detail: owner });
  }
  const standing = decideState(workflow, now, head, asked);
  if (standing) return stop ?? standing;
  return decideLease(view, workflow, now, head, asked, seen);
}

/**
 * A request that names no branch counts on one only, or `git switch -c` in a script would ask for
 * it again on each new branch: on the one whose lease names it, else on the first by name.
 */
function findOwners(view: View, works: (branch: Branch) => boolean): ReadonlyMap<Sha, Branch> {
  const owners = new Map<Sha, Branch>();
  const heads = new Map<Branch, Sha>();
  for (const { asked, branch } of view.heads) {
    if (asked.kind === "none" || asked.bound || !works(branch)) continue;
    const other = owners.get(asked.commit);
    if (other === undefined || branch < other) owners.set(asked.commit, branch);
    heads.set(branch, asked.commit);
  }
  // The lease of a branch that has moved on since speaks for nobody.
  for (const { lease } of view.leases.values()) {
    if (lease && heads.get(lease.branch) === lease.request) owners.set(lease.request, lease.branch);
  }
  return owners;
}

/** Where the workflow says so, a plain commit on top of a request asks for the same again. */
function resumed(view: View, workflow: Workflow, head: Head): Asked {
  const below = view.takenOver.get(head.key);
  if (!below || workflow["on-plain-commit"] !== "continue") return head.asked;
  const { commit, committed } = head;
  return { ...below, commit, committed, hops: 0, message: parseMessage(head.message) };
}

/** Reasons in the request itself; undefined when it may run. */
function decideState(workflow: Workflow, now: Now, head: Head, request: Request): Idle | undefined {
  const idle = (kind: Idle["kind"], why: Why): Idle => ({ kind, head, why });
  const name = request.state;
  const detail = request.message.body.split("\n")[0] || request.message.header;
  if (isTerminal(name)) return idle("ignore", { code: "ended", detail: name });
  if (name === "parked" || name === "stalled") return idle("park", { code: "parked", detail });
  if (name === "waiting") return idle("wait", { code: "waiting", detail });
  if (isForeign(request)) return undefined;
  if (cleanLine(head.branch, BRANCH_LIMIT) !== head.branch) {
    return idle("park", { code: "unwritable", detail: head.branch });
  }
  const state = workflow.states[name];
  if (!state) return idle("park", { code: "unknown-state", detail: name });
  if (state.human) return idle("wait", { code: "person" });
  const [first] = request.dependsOn;
  if (first !== undefined) return idle("park", { code: "depends-on", detail: first });
  if (request.notBefore !== undefined && request.notBefore > now.wall) {
    return idle("wait", { code: "not-before", until: request.notBefore });
  }
  return undefined;
}

/** In an AYNIG repository the state `working` is another worker's lease. */
const isForeign = (request: Request): boolean => request.key !== "State" && request.state === "working";

function decideLease(
  view: View,
  workflow: Workflow,
  now: Now,
  head: Head,
  request: Request,
  seen: SeenLease | undefined,
): Decision {
  const wait = (why: Why): Idle => ({ kind: "wait", head, why });
  const lease = seen?.lease;
  const same = lease?.request === request.commit;
  if (seen && lease?.rest && same) {
    const leftMs = restLeftMs(seen, lease.rest.ms, now);
    if (leftMs > 0) return wait({ code: "resting", detail: lease.rest.why, leftMs });
  } else if (seen && !lease?.rest && !isExpired(seen, now)) {
    const detail = lease?.runner ?? "";
    const attempt = lease?.attempt ?? 0;
    return wait({ code: same ? "running" : "running-older", detail, attempt });
  }
  const attempt = same ? lease.attempt + 1 : 1;
  const state = workflow.states[request.state];
  const run: Run = { kind: "run", head, request, state, attempt, over: seen };
  if (isForeign(request)) {
    const seconds = Number(valueOf(request.message.trailers, "dwp-lease-seconds") ?? "300");
    const held = (Number.isFinite(seconds) ? seconds : 300) * 1000;
    const leftMs = held - (now.mono - (view.sightings.get(head.commit) ?? now.mono));
    return leftMs > 0 ? wait({ code: "foreign", leftMs }) : { ...run, limit: "stalled" };
  }
  if (request.hops >= (workflow.limits.hops ?? DEFAULT_HOPS)) return { ...run, limit: "hops" };
  if (attempt > (state?.retries ?? 0) + 1) return { ...run, limit: "attempts" };
  return run;
}

/**
 * What is left of a rest. It is over when this observer has watched it for so long; an observer that
 * comes and goes, as a timer starts it, never does, and may go by the date of the rest. A clock that
 * is wrong then makes an attempt early, and attempts are counted.
 */
function restLeftMs(seen: SeenLease, ms: number, now: Now): number {
  // Dates are whole seconds; this one may be up to a second later than it says.
  const byDate = now.wall - (seen.committed + 1) * 1000;
  return ms - Math.max(now.mono - seen.firstSeen, byDate);
}

/** Dead at once on the holder's own machine; elsewhere after it was seen unchanged for 1.5 TTL. */
export function isExpired(seen: SeenLease, now: Now): boolean {
  if (seen.lease?.rest) return true;
  const ttl = seen.lease?.ttlMs ?? 60_000;
  return seen.dead || now.mono - seen.firstSeen > PATIENCE * ttl;
}

function branchFilter(workflow: Workflow): (branch: Branch) => boolean {
  const wanted = workflow.branches.filter((glob) => !glob.startsWith("!"));
  const unwanted = workflow.branches.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1));
  const matches = picomatch(wanted.length > 0 ? wanted : ["**"], { dot: true });
  const excluded = unwanted.length > 0 ? picomatch(unwanted, { dot: true }) : () => false;
  return (branch) => matches(branch) && !excluded(branch);
}
