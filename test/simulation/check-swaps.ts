/**
 * Checks every landed push.
 *
 * It compares the refs before and after, and never asks what a runner intended:
 * - S1: a request has one response. S2: nothing is written without the lease. S3: commits of people
 *   stay. S4: no push is half done. S5: salvage is never overwritten.
 * - CAP: lanes keep their capacity. ATT: attempts are counted.
 * - SIGN: with `sign`, every commit that a runner puts on a branch is signed, and is its own.
 * - EXP: a lease is taken over only after it expired. LIVE: never from a healthy runner.
 */
import { branchOf, refOf, type Branch, type Ref, type RunId, type Sha } from "../../src/core/protocol/ids.ts";
import { type Lease } from "../../src/core/protocol/lease.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { SALVAGE } from "../../src/core/protocol/refs.ts";
import { PARKED } from "../../src/core/protocol/refs.ts";
import { LANES } from "../../src/core/protocol/refs.ts";
import { LEASES } from "../../src/core/protocol/refs.ts";
import { childBranch, parentageAt, wasChild } from "./parentage.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { RunnerProcess } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import type { Change, LandedPush } from "./remote.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

/** The shortest time after which a lease expires, with the largest clock error. */
const EXPIRED_MS = 1.5 * TTL_MS * 0.98;
/** A runner that slept or had trouble more recently than this may be late with everything. */
const RECENT_MS = 2 * TTL_MS;

const slotRefOf = (name: string): Ref => `${LANES}${name}` as Ref;

export class SwapChecker {
  readonly #world: World;
  readonly #fail: (what: string) => void;
  /** Parked responses. */
  readonly #parked = new Set<Sha>();

  constructor(world: World, fail: (what: string) => void) {
    this.#world = world;
    this.#fail = fail;
  }

  begin(): void {
    this.#world.remote.watch((landed) => this.#check(landed));
  }

  #check({ by, changes, why }: LandedPush): void {
    if (!by) return;
    // A clean-up moves one lease at a time.
    const isCleanup = why === "expired" || why === "orphaned" || why === "lost run released";
    for (const change of changes) {
      const { ref } = change;
      if (branchOf(ref)) this.#checkBranch(change, changes);
      else if (ref.startsWith(LEASES)) this.#checkLease(change, changes, by, isCleanup);
      else if (ref.startsWith(LANES)) this.#checkSlot(change, changes);
      else if (ref.startsWith(PARKED)) this.#checkParked(change, changes);
      else if (ref.startsWith(SALVAGE) && (change.before || !change.after)) {
        this.#fail(`S5 the salvage ${ref} was overwritten or removed`);
      }
    }
    this.#checkLanes();
  }

  #checkBranch({ ref, before, after }: Change, changes: readonly Change[]): void {
    const { objects } = this.#world;
    const branch = branchOf(ref);
    if (!branch) return;
    this.#checkSignatures(branch, before, after);
    if (!before) return this.#checkNewBranch(branch, after, changes);
    if (!after) return this.#fail(`S3 ${branch} was deleted by a runner`);
    if (!objects.isAncestor(before, after))
      this.#fail(`S3 ${branch} was moved to a commit that is not a descendant`);
    this.#checkAnswers(ref, after);
    const run = objects.trailer(after, "Run");
    this.#checkChildren(branch, before, after, changes);
    const { lease: leaseRef, parked } = refsOf(branchKey(branch));
    // Signing gives a parked response another id.
    const { signs = after } = objects.get(after);
    if (this.#parked.has(after) || this.#parked.has(signs)) {
      if (changes.some((one) => one.ref === parked && one.after === null)) return;
      return this.#fail(`S4 the response ${short(after)} landed and is still parked`);
    }
    const lease = changes.find((one) => one.ref === leaseRef);
    const held = objects.lease(lease?.before);
    if (!held || held.backoff || held.run !== run) {
      return this.#fail(`S2 ${branch} was moved by the run ${short(run)}, which does not hold its lease`);
    }
    if (lease?.after) this.#fail(`S4 ${branch} was answered, and its lease still exists`);
    this.#world.stats.answers++;
  }

  #checkSignatures(branch: Branch, before: Sha | null, after: Sha | null): void {
    const { objects, scenario } = this.#world;
    if (!scenario.workflow.sign || !after) return;
    for (const { commit, signs } of objects.firstParents(after)) {
      if (commit === before) return;
      if (!signs) return this.#fail(`SIGN ${branch} got ${short(commit)} without a signature`);
      if (!before) return;
    }
  }

  /** A child must start at a response and be created with it. */
  #checkNewBranch(branch: Branch, after: Sha | null, changes: readonly Change[]): void {
    const { objects } = this.#world;
    const [answer] = after ? objects.get(after).parents : [];
    const from = changes.find((one) => one.before && one.after === answer && branchOf(one.ref));
    const parent = from && branchOf(from.ref);
    if (!answer || !parent) return this.#fail(`S3 ${branch} was created by a runner without a response`);
    const listed = parentageAt(objects, answer).children.map((key) => childBranch(parent, key));
    if (!listed.includes(branch)) this.#fail(`S4 ${branch} was created, and its response does not list it`);
  }

  /** All declared children must be created with the response, except existing ones. */
  #checkChildren(branch: Branch, before: Sha, answer: Sha, changes: readonly Change[]): void {
    const { objects, running } = this.#world;
    const run = objects.trailer(answer, "Run") as RunId | undefined;
    const earlierChildren = new Set(
      parentageAt(objects, before).children.map((key) => childBranch(branch, key)),
    );
    const declared = run && running.get(run)?.declared;
    if (!declared || objects.trailer(answer, "State") !== declared.state) return;
    const missing = declared.children.find(
      (child) =>
        !changes.some((one) => one.ref === refOf(child) && !one.before && one.after) &&
        !(earlierChildren.has(child) && wasChild(this.#world, branch, child)),
    );
    if (missing) this.#fail(`S4 ${branch} was answered, and its child ${missing} was not created with it`);
  }

  #checkAnswers(ref: Ref, head: Sha): void {
    const { objects } = this.#world;
    const seen = new Set<string>();
    for (const { commit } of objects.firstParents(head)) {
      const answers = objects.trailer(commit, "Answers");
      if (answers === undefined) continue;
      if (seen.has(answers)) this.#fail(`S1 ${ref} has two responses to ${short(answers)}`);
      seen.add(answers);
    }
  }

  #checkLease(
    { ref, before, after }: Change,
    changes: readonly Change[],
    by: RunnerProcess,
    isCleanup: boolean,
  ): void {
    const { objects } = this.#world;
    const oldLease = objects.lease(before);
    const newLease = objects.lease(after);
    if (after && !newLease) return this.#fail(`S2 ${ref} is not a lease`);
    const isOwn = oldLease !== undefined && !isCleanup && this.#ownerOf(oldLease.run) === by;
    if (oldLease && newLease && isCleanup) {
      const counts =
        newLease.backoff && newLease.attempt === oldLease.attempt && newLease.run !== oldLease.run;
      if (!counts)
        this.#fail(`ATT ${newLease.branch} was put into back-off by ${by.name} with a wrong attempt or run`);
    } else if (newLease && newLease.run !== oldLease?.run) {
      this.#checkClaim(newLease, changes, by);
      const expectedAttempt = oldLease && oldLease.request === newLease.request ? oldLease.attempt + 1 : 1;
      if (newLease.attempt !== expectedAttempt) {
        this.#fail(`ATT ${newLease.branch}: attempt ${newLease.attempt} follows ${expectedAttempt - 1}`);
      }
    } else if (!isOwn && newLease) {
      return this.#fail(`S2 ${ref} was renewed by ${by.name}, which does not hold it`);
    }
    if (oldLease && !oldLease.backoff && newLease?.run !== oldLease.run && !isOwn)
      this.#checkTakeover(ref, oldLease, by, newLease);
    if (oldLease?.backoff && newLease && newLease.run === oldLease.run)
      this.#fail(`S2 the run ${short(oldLease.run)} continued after its end`);
    if (oldLease && isOwn && (!newLease || newLease.backoff) && this.#holdsSlot(oldLease)) {
      this.#fail(
        `S4 the run ${short(oldLease.run)} ended, and one of its lane slots (${oldLease.slots.join(", ")}) still exists`,
      );
    }
  }

  #checkClaim(lease: Lease, changes: readonly Change[], by: RunnerProcess): void {
    const { stats } = this.#world;
    stats.claims++;
    if (this.#ownerOf(lease.run) !== by) this.#fail(`S2 ${by.name} claims with the run of another process`);
    if (lease.backoff) this.#fail(`S2 ${lease.branch} was claimed with a lease in back-off`);
    for (const name of lease.slots) {
      const taken = changes.find(({ ref }) => ref === slotRefOf(name));
      if (this.#world.objects.lease(taken?.after)?.run !== lease.run) {
        this.#fail(`S4 ${lease.branch} was claimed without its lane slot ${name}`);
      }
    }
  }

  /** Another process ended a lease that was not in back-off. */
  #checkTakeover(ref: Ref, oldLease: Lease, by: RunnerProcess, newLease: Lease | undefined): void {
    const { scheduler, remote, running, stats } = this.#world;
    const owner = this.#ownerOf(oldLease.run);
    if (newLease && !newLease.backoff) stats.takeovers++;
    const entries = remote.history(ref);
    const since = entries.at(-2)?.time ?? 0;
    const isDead = owner?.isAlive === false && owner.machine === by.machine;
    if (!isDead && scheduler.now - since < EXPIRED_MS) {
      this.#fail(`EXP the lease of ${oldLease.branch} ended after ${Math.round(scheduler.now - since)} ms`);
    }
    const script = running.get(oldLease.run);
    if (!script || !owner) return;
    const isWell = scheduler.now - owner.troubledUntil > RECENT_MS;
    // Files are read with the lease, unless it was lost. The first reason of two is the one that is known.
    const reason = script.stopReason;
    const isLost = reason !== undefined && (!isWell || ["fenced", "moved", "lease-lost"].includes(reason));
    const isBusy = script.isRead && owner.isAlive ? !isLost : !script.hasEnded && !script.isStopped;
    if (!isBusy) return;
    // A process waits for another sweeper only for a while: it may die or fail.
    const isSwept = [...(owner.machine.sweepAttempts.get(owner) ?? [])].some((sweeper) => sweeper !== by);
    // A deleted lease is not followed by an attempt that would need the saved tree.
    if (isDead && !isSwept && newLease)
      return this.#fail(`S5 the dead run ${short(oldLease.run)} was taken over before it was swept`);
    if (!owner.isAlive || owner.isAsleep || scheduler.now - owner.wokeAt < RECENT_MS) return;
    this.#fail(
      `LIVE ${oldLease.branch} was taken over while its script ran${isWell ? " with a good connection" : ""}`,
    );
  }

  #checkSlot({ ref, before, after }: Change, changes: readonly Change[]): void {
    const { objects, remote } = this.#world;
    const leases = changes.filter((one) => one.ref.startsWith(LEASES));
    if (after) {
      if (!leases.some((one) => one.after === after)) this.#fail(`S4 ${ref} was taken without a lease`);
      return;
    }
    const run = objects.lease(before)?.run;
    for (const [other, value] of remote.refs) {
      if (!other.startsWith(LEASES)) continue;
      const lease = objects.lease(value);
      if (lease && !lease.backoff && lease.run === run)
        this.#fail(`S2 ${ref} was freed while ${short(run)} holds it`);
    }
  }

  #checkParked({ after }: Change, changes: readonly Change[]): void {
    const { objects } = this.#world;
    if (!after) return;
    const run = objects.trailer(after, "Run");
    const isHeld = changes.some(
      ({ ref, before }) => ref.startsWith(LEASES) && objects.lease(before)?.run === run,
    );
    if (!isHeld) this.#fail(`S2 the run ${short(run)} parked a response without the lease`);
    this.#parked.add(after);
  }

  #holdsSlot(lease: Lease): boolean {
    const { objects, remote } = this.#world;
    return lease.slots.some((name) => objects.lease(remote.value(slotRefOf(name)))?.run === lease.run);
  }

  #checkLanes(): void {
    const { objects, remote, scenario } = this.#world;
    const held = [...remote.refs].flatMap(([ref, value]) => {
      const lease = ref.startsWith(LEASES) ? objects.lease(value) : undefined;
      return lease && !lease.backoff ? lease.slots : [];
    });
    for (const [lane, { slots: capacity = Number.POSITIVE_INFINITY }] of Object.entries(
      scenario.workflow.lanes,
    )) {
      const inLane = held.filter((name) => name.startsWith(`${lane}/`));
      if (inLane.length > capacity) this.#fail(`CAP ${inLane.length} in the lane ${lane}`);
      if (new Set(inLane).size < inLane.length)
        this.#fail(`CAP two runs have one slot: ${inLane.join(", ")}`);
    }
  }

  #ownerOf(run: RunId): RunnerProcess | undefined {
    return this.#world.runOwners.get(run);
  }
}
