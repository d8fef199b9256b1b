/**
 * Decides what happens on each branch, from a snapshot, the workflow and the time.
 *
 * Invariants:
 * - Each head has exactly one decision.
 * - What people write affects a decision only through trailers.
 * - A request that does not run has a reason, and `reasons.ts` has the sentence for it.
 */
import picomatch from "picomatch/posix.js";
import { cleanLine } from "../util/redact.ts";
import type { Decision, Expire, Idle, Run, DecisionReason } from "./decision.ts";
import type { Branch, Sha } from "../protocol/ids.ts";
import type { ConditionContext } from "./conditions.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import type { HeadReading, NotARequest, Request } from "../protocol/request.ts";
import type { Head, Now, ObservedLease, Snapshot } from "./snapshot.ts";
import { decideWait, conditionContext, cancelReason } from "./waits.ts";
import { attemptsOf, hopLimit, isTerminal, type Workflow } from "../workflow/workflow.ts";
import { KEY } from "../protocol/trailer-keys.ts";
import { LEASE_LIMITS } from "../protocol/limits.ts";

export type * from "./decision.ts";

/** Longer than any name that git can store as a ref. */
const MAX_BRANCH_LENGTH = 8000;

/** The decisions, in the order of the snapshot's heads. */
export function decide(snapshot: Snapshot, workflow: Workflow, now: Now): Decision[] {
  const isListed = branchFilter(workflow);
  const homes = homeBranches(snapshot, (branch) => branch !== snapshot.target && isListed(branch));
  const context = conditionContext(snapshot, workflow, now);
  return snapshot.heads.map((head) => {
    const decision = decideHead(context, head, isListed, homes);
    const { hold } = snapshot.sideRefs;
    if (hold === undefined || decision.kind !== "run") return decision;
    return { kind: "wait", head, why: { code: "held", detail: hold } };
  });
}

function decideHead(
  context: ConditionContext,
  head: Head,
  isListed: (branch: Branch) => boolean,
  homes: ReadonlyMap<Sha, Branch>,
): Decision {
  const { snapshot, workflow, now } = context;
  const idle = (kind: Idle["kind"], why: DecisionReason): Idle => ({ kind, head, why });
  const observed = snapshot.leases.get(head.key);
  const expire: Expire | undefined =
    observed && isReplaceable(observed, now)
      ? { kind: "expire", head, previousLease: observed, shouldKeepAttempts: false }
      : undefined;
  const isIgnoredTarget = head.branch === snapshot.target && workflow.target === "ignore";
  if (isIgnoredTarget) return expire ?? idle("ignore", { code: "target" });
  if (!isListed(head.branch)) return expire ?? idle("ignore", { code: "not-listed" });
  const response = snapshot.parkedResponses.get(head.key);
  if (response?.answers === head.commit) return { kind: "land", head, response };

  const request = effectiveRequest(snapshot, workflow, head);
  if (request.kind === "none") return expire ?? decideWithoutRequest(snapshot, head, request);
  const home = request.bound ? undefined : homes.get(request.commit);
  if (home !== undefined && home !== head.branch) {
    return expire ?? idle("ignore", { code: "bound-elsewhere", detail: home });
  }
  const decided = decideBeforeLease(context, head, request);
  if (decided && "kind" in decided) {
    if (!expire) return decided;
    if (observed?.lease?.request !== request.commit) return expire;
    // An expired lease of the request itself becomes a back-off, so that its attempts still count.
    return observed.lease.backoff ? decided : { ...expire, shouldKeepAttempts: true };
  }
  return decideStart(context, head, request, observed, decided);
}

function decideWithoutRequest({ takeovers }: Snapshot, head: Head, reading: NotARequest): Idle {
  const idle = (kind: Idle["kind"], why: DecisionReason): Idle => ({ kind, head, why });
  const { reason } = reading;
  const replaced = reason === "no-state" ? takeovers.get(head.key) : undefined;
  if (replaced) return idle("park", { code: "taken-over", detail: replaced.state });
  if (reason === "no-state" || reason === "merge") return idle("ignore", { code: reason });
  const { detail } = reading;
  if (reason === "approves") return idle("park", { code: "void-approval", detail });
  return idle(reason === "bound-elsewhere" ? "ignore" : "park", { code: reason, detail });
}

/**
 * The branch on which each unbound request counts: the branch whose lease names the request, else the
 * first by name. Without this, a `git switch -c` in a script would run the request a second time, on
 * the new branch.
 */
function homeBranches(snapshot: Snapshot, isEligible: (branch: Branch) => boolean): ReadonlyMap<Sha, Branch> {
  const homes = new Map<Sha, Branch>();
  const requests = new Map<Branch, Sha>();
  for (const { reading, branch } of snapshot.heads) {
    if (reading.kind === "none" || reading.bound || !isEligible(branch)) continue;
    const other = homes.get(reading.commit);
    if (other === undefined || branch < other) homes.set(reading.commit, branch);
    requests.set(branch, reading.commit);
  }
  // A lease whose branch has moved on since is ignored.
  for (const { lease } of snapshot.leases.values()) {
    if (lease && requests.get(lease.branch) === lease.request) homes.set(lease.request, lease.branch);
  }
  return homes;
}

/**
 * The request that the head stands for: the approved one, or, with `on-plain-commit: continue`, the one
 * that a plain commit repeats.
 */
export function effectiveRequest(snapshot: Snapshot, workflow: Workflow, head: Head): HeadReading {
  const approvalState = snapshot.facts.approvalStates.get(head.key);
  if (approvalState) return approvalState.request;
  const replaced = snapshot.takeovers.get(head.key);
  if (!replaced || workflow["on-plain-commit"] !== "continue") return head.reading;
  const { commit, committed } = head;
  return { ...replaced, commit, committed, hops: 0, message: parseMessage(head.message) };
}

/** Why the request does not run, or its answer without a script. Undefined if it may run. */
function decideBeforeLease(
  context: ConditionContext,
  head: Head,
  request: Request,
): Idle | Run["knownAnswer"] {
  const { workflow, now } = context;
  const idle = (kind: Idle["kind"], why: DecisionReason): Idle => ({ kind, head, why });
  const name = request.state;
  const detail = request.message.body.split("\n")[0] || request.message.header;
  if (isTerminal(name)) return idle("ignore", { code: "ended", detail: name });
  const cancelled = cancelReason(request, context);
  if (cancelled !== undefined) return { state: "cancelled", why: cancelled };
  if (name === "parked" || name === "stalled") return idle("park", { code: "parked", detail });
  if (name === "waiting") return idle("wait", { code: "waiting", detail });
  if (isForeign(request)) return undefined;
  if (cleanLine(head.branch, MAX_BRANCH_LENGTH) !== head.branch) {
    return idle("park", { code: "unwritable", detail: head.branch });
  }
  const state = workflow.states[name];
  if (!state) return idle("park", { code: "unknown-state", detail: name });
  if (state.human) return idle("wait", { code: "person" });
  if (request.notBefore !== undefined && request.notBefore > now.wall) {
    return idle("wait", { code: "not-before", until: request.notBefore });
  }
  const wait = decideWait(head, request, context);
  if (!wait || "state" in wait) return wait;
  return idle(wait.code === "waits" ? "wait" : "park", wait);
}

/** In an AYNIG repository the state `working` is the lease of another worker. */
const isForeign = (request: Request): boolean => request.key !== KEY.state && request.state === "working";

/** Whether the run starts, or what it waits for: a back-off, a running attempt, or a lease of another program. */
function decideStart(
  { snapshot, workflow, now }: ConditionContext,
  head: Head,
  request: Request,
  observed: ObservedLease | undefined,
  knownAnswer: Run["knownAnswer"],
): Decision {
  const wait = (why: DecisionReason): Idle => ({ kind: "wait", head, why });
  const lease = observed?.lease;
  const isSameRequest = lease?.request === request.commit;
  if (observed && lease?.backoff && isSameRequest && !knownAnswer) {
    const leftMs = backoffLeftMs(observed, lease.backoff.ms, now);
    if (leftMs > 0) return wait({ code: "resting", detail: lease.backoff.why, leftMs });
  } else if (observed && !lease?.backoff && !isReplaceable(observed, now)) {
    const detail = lease?.runner ?? "";
    const attempt = lease?.attempt ?? 0;
    return wait({ code: isSameRequest ? "running" : "running-older", detail, attempt });
  }
  const attempt = isSameRequest ? lease.attempt + 1 : 1;
  const state = workflow.states[request.state];
  const run: Run = { kind: "run", head, request, state, attempt, previousLease: observed };
  if (knownAnswer) return { ...run, knownAnswer };
  if (isForeign(request)) {
    const leftMs =
      foreignLeaseMs(request) - (now.mono - (snapshot.firstSightings.get(head.commit) ?? now.mono));
    return leftMs > 0 ? wait({ code: "foreign", leftMs }) : { ...run, limit: "stalled" };
  }
  if (request.hops >= hopLimit(workflow)) return { ...run, limit: "hops" };
  if (attempt > attemptsOf(state)) return { ...run, limit: "attempts" };
  return run;
}

/** The duration of another worker's lease, which the request carries. */
function foreignLeaseMs({ message }: Request): number {
  const seconds = Number(valueOf(message.trailers, KEY.dwpLeaseSeconds) ?? LEASE_LIMITS.aynigSeconds);
  return (Number.isFinite(seconds) ? seconds : LEASE_LIMITS.aynigSeconds) * 1000;
}

/**
 * The rest of a back-off. It ends when this runner has watched it for its whole duration, or by the
 * committer date: a runner that a timer starts never watches long enough. A wrong clock can only
 * start an attempt early, and attempts are counted.
 */
function backoffLeftMs(observed: ObservedLease, ms: number, now: Now): number {
  // Dates are whole seconds, so the real time may be up to a second later.
  const elapsedByDate = now.wall - (observed.committed + 1) * 1000;
  return ms - Math.max(now.mono - observed.firstSeen, elapsedByDate);
}

/**
 * True if another run may replace the lease: it only records a back-off, its holder died on this
 * machine, or it was seen unchanged for one and a half lease times.
 */
export function isReplaceable(observed: ObservedLease, now: Now): boolean {
  if (observed.lease?.backoff) return true;
  const ttl = observed.lease?.ttlMs ?? LEASE_LIMITS.unreadableMs;
  return observed.isHolderDead || now.mono - observed.firstSeen > LEASE_LIMITS.takeOverFactor * ttl;
}

function branchFilter(workflow: Workflow): (branch: Branch) => boolean {
  const included = workflow.branches.filter((glob) => !glob.startsWith("!"));
  const excluded = workflow.branches.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1));
  const isIncluded = picomatch(included.length > 0 ? included : ["**"], { dot: true });
  const isExcluded = excluded.length > 0 ? picomatch(excluded, { dot: true }) : () => false;
  return (branch) => isIncluded(branch) && !isExcluded(branch);
}
