/**
 * The whole policy: (view, workflow, now) to one decision for each branch.
 *
 * What must hold: pure; one decision for each head; a person's words decide nothing but through the
 * trailer block; whatever is not run says why, in a code that `words` turns into a sentence.
 */
import picomatch from "picomatch/posix.js";
import { cleanLine } from "../util/redact.ts";
import type { Decision, Idle, Run, DecisionReason } from "./decision.ts";
import type { Branch, Sha } from "../protocol/ids.ts";
import type { ConditionContext } from "./conditions.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import type { HeadReading, Request } from "../protocol/request.ts";
import type { Head, Now, ObservedLease, Snapshot } from "./snapshot.ts";
import { decideWait, conditionContext, cancelReason } from "./waits.ts";
import { isTerminal, type Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";
import { LEASE_LIMITS } from "../protocol/limits.ts";
import { DEFAULTS } from "../workflow/defaults.ts";

export type * from "./decision.ts";

/** Longer than any name that git can store as a ref. */
const BRANCH_LIMIT = 8000;

/** Decides for every head of the view, in the view's order. */
export function decide(view: Snapshot, workflow: Workflow, now: Now): Decision[] {
  const listed = branchFilter(workflow);
  const owners = findOwners(view, (branch) => branch !== view.target && listed(branch));
  const scene = conditionContext(view, workflow, now);
  return view.heads.map((head) => {
    const decision = decideOne(scene, head, listed, owners);
    const { hold } = view.sideRefs;
    if (hold === undefined || decision.kind !== "run") return decision;
    return { kind: "wait", head, why: { code: "held", detail: hold } };
  });
}

function decideOne(
  scene: ConditionContext,
  head: Head,
  listed: (branch: Branch) => boolean,
  owners: ReadonlyMap<Sha, Branch>,
): Decision {
  const { snapshot, workflow, now } = scene;
  const idle = (kind: Idle["kind"], why: DecisionReason): Idle => ({ kind, head, why });
  const seen = snapshot.leases.get(head.key);
  const stop =
    seen && isExpired(seen, now)
      ? { kind: "expire" as const, head, previousLease: seen, shouldKeepAttempts: false }
      : undefined;
  const isTarget = head.branch === snapshot.target && workflow.target === "ignore";
  if (isTarget) return stop ?? idle("ignore", { code: "target" });
  if (!listed(head.branch)) return stop ?? idle("ignore", { code: "not-listed" });
  const parked = snapshot.parkedResponses.get(head.key);
  if (parked?.answers === head.commit) return { kind: "land", head, response: parked };

  const asked = effectiveReading(snapshot, workflow, head);
  if (asked.kind === "none") {
    if (stop) return stop;
    const below = asked.reason === "no-state" ? snapshot.takeovers.get(head.key) : undefined;
    if (below) return idle("park", { code: "taken-over", detail: below.state });
    if (asked.reason === "no-state" || asked.reason === "merge")
      return idle("ignore", { code: asked.reason });
    if (asked.reason === "approves") return idle("park", { code: "void-approval", detail: asked.detail });
    const why: DecisionReason = { code: asked.reason, detail: asked.detail };
    return idle(asked.reason === "bound-elsewhere" ? "ignore" : "park", why);
  }
  const owner = asked.bound ? undefined : owners.get(asked.commit);
  if (owner !== undefined && owner !== head.branch) {
    return stop ?? idle("ignore", { code: "bound-elsewhere", detail: owner });
  }
  const standing = decideState(scene, head, asked);
  if (standing && "kind" in standing) {
    if (!stop || seen?.lease?.request !== asked.commit) return stop ?? standing;
    return seen.lease.backoff ? standing : { ...stop, shouldKeepAttempts: true };
  }
  return decideLease(scene, head, asked, seen, standing);
}

/**
 * A request that names no branch counts on one only, or `git switch -c` in a script would ask for
 * it again on each new branch: on the one whose lease names it, else on the first by name.
 */
function findOwners(view: Snapshot, works: (branch: Branch) => boolean): ReadonlyMap<Sha, Branch> {
  const owners = new Map<Sha, Branch>();
  const heads = new Map<Branch, Sha>();
  for (const { reading, branch } of view.heads) {
    if (reading.kind === "none" || reading.bound || !works(branch)) continue;
    const other = owners.get(reading.commit);
    if (other === undefined || branch < other) owners.set(reading.commit, branch);
    heads.set(branch, reading.commit);
  }
  // The lease of a branch that has moved on since speaks for nobody.
  for (const { lease } of view.leases.values()) {
    if (lease && heads.get(lease.branch) === lease.request) owners.set(lease.request, lease.branch);
  }
  return owners;
}

/** Where the workflow says so, a plain commit on top of a request asks for the same again. */
function effectiveReading(view: Snapshot, workflow: Workflow, head: Head): HeadReading {
  const approved = view.facts.approvalStates.get(head.key);
  if (approved) return approved.request;
  const below = view.takeovers.get(head.key);
  if (!below || workflow["on-plain-commit"] !== "continue") return head.reading;
  const { commit, committed } = head;
  return { ...below, commit, committed, hops: 0, message: parseMessage(head.message) };
}

/** Reasons in the request itself, or an answer that needs no script; undefined when it may run. */
function decideState(scene: ConditionContext, head: Head, request: Request): Idle | Run["knownAnswer"] {
  const { workflow, now } = scene;
  const idle = (kind: Idle["kind"], why: DecisionReason): Idle => ({ kind, head, why });
  const name = request.state;
  const detail = request.message.body.split("\n")[0] || request.message.header;
  if (isTerminal(name)) return idle("ignore", { code: "ended", detail: name });
  const calledOff = cancelReason(request, scene);
  if (calledOff !== undefined) return { state: "cancelled", why: calledOff };
  if (name === "parked" || name === "stalled") return idle("park", { code: "parked", detail });
  if (name === "waiting") return idle("wait", { code: "waiting", detail });
  if (isForeign(request)) return undefined;
  if (cleanLine(head.branch, BRANCH_LIMIT) !== head.branch) {
    return idle("park", { code: "unwritable", detail: head.branch });
  }
  const state = workflow.states[name];
  if (!state) return idle("park", { code: "unknown-state", detail: name });
  if (state.human) return idle("wait", { code: "person" });
  if (request.notBefore !== undefined && request.notBefore > now.wall) {
    return idle("wait", { code: "not-before", until: request.notBefore });
  }
  const waiting = decideWait(head, request, scene);
  if (!waiting || "state" in waiting) return waiting;
  return idle(waiting.code === "waits" ? "wait" : "park", waiting);
}

/** In an AYNIG repository the state `working` is another worker's lease. */
const isForeign = (request: Request): boolean => request.key !== KEY.state && request.state === "working";

function decideLease(
  { snapshot, workflow, now }: ConditionContext,
  head: Head,
  request: Request,
  seen: ObservedLease | undefined,
  known: Run["knownAnswer"],
): Decision {
  const wait = (why: DecisionReason): Idle => ({ kind: "wait", head, why });
  const lease = seen?.lease;
  const same = lease?.request === request.commit;
  if (seen && lease?.backoff && same && !known) {
    const leftMs = backoffLeftMs(seen, lease.backoff.ms, now);
    if (leftMs > 0) return wait({ code: "resting", detail: lease.backoff.why, leftMs });
  } else if (seen && !lease?.backoff && !isExpired(seen, now)) {
    const detail = lease?.runner ?? "";
    const attempt = lease?.attempt ?? 0;
    return wait({ code: same ? "running" : "running-older", detail, attempt });
  }
  const attempt = same ? lease.attempt + 1 : 1;
  const state = workflow.states[request.state];
  const run: Run = { kind: "run", head, request, state, attempt, previousLease: seen };
  if (known) return { ...run, knownAnswer: known };
  if (isForeign(request)) {
    const seconds = Number(
      valueOf(request.message.trailers, KEY.dwpLeaseSeconds) ?? LEASE_LIMITS.aynigSeconds,
    );
    const held = (Number.isFinite(seconds) ? seconds : LEASE_LIMITS.aynigSeconds) * 1000;
    const leftMs = held - (now.mono - (snapshot.firstSightings.get(head.commit) ?? now.mono));
    return leftMs > 0 ? wait({ code: "foreign", leftMs }) : { ...run, limit: "stalled" };
  }
  if (request.hops >= (workflow.limits.hops ?? DEFAULTS.hops)) return { ...run, limit: "hops" };
  if (attempt > (state?.retries ?? 0) + 1) return { ...run, limit: "attempts" };
  return run;
}

/**
 * What is left of a rest. It is over when this observer has watched it for so long; an observer that
 * comes and goes, as a timer starts it, never does, and may go by the date of the rest. A clock that
 * is wrong then makes an attempt early, and attempts are counted.
 */
function backoffLeftMs(seen: ObservedLease, ms: number, now: Now): number {
  // Dates are whole seconds; this one may be up to a second later than it says.
  const byDate = now.wall - (seen.committed + 1) * 1000;
  return ms - Math.max(now.mono - seen.firstSeen, byDate);
}

/** Dead at once on the holder's own machine; elsewhere after it was seen unchanged for 1.5 TTL. */
export function isExpired(seen: ObservedLease, now: Now): boolean {
  if (seen.lease?.backoff) return true;
  const ttl = seen.lease?.ttlMs ?? LEASE_LIMITS.unreadableMs;
  return seen.isHolderDead || now.mono - seen.firstSeen > LEASE_LIMITS.takeOverFactor * ttl;
}

function branchFilter(workflow: Workflow): (branch: Branch) => boolean {
  const wanted = workflow.branches.filter((glob) => !glob.startsWith("!"));
  const unwanted = workflow.branches.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1));
  const matches = picomatch(wanted.length > 0 ? wanted : ["**"], { dot: true });
  const excluded = unwanted.length > 0 ? picomatch(unwanted, { dot: true }) : () => false;
  return (branch) => matches(branch) && !excluded(branch);
}
