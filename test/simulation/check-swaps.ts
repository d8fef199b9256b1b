/**
 * The properties that hold at each landed push.
 *
 * What must hold: they are judged by what the refs were and became, never by what a runner meant.
 * S1 one answer for each request; S2 nothing is written without the lease; S3 people's commits stay;
 * S4 no halves; CAP lanes hold no more than they may; ATT attempts are counted; EXP a lease is taken
 * over only when its time is up; LIVE never from one that is well.
 */
import { branchOf, refOf, type Branch, type Ref, type RunId, type Sha } from "../../src/core/protocol/ids.ts";
import { type Lease } from "../../src/core/protocol/lease.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { SALVAGE } from "../../src/core/protocol/refs.ts";
import { PARKED } from "../../src/core/protocol/refs.ts";
import { LANES } from "../../src/core/protocol/refs.ts";
import { LEASES } from "../../src/core/protocol/refs.ts";
import { childOf, familyAt, wasChild } from "./parentage.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { Proc } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import type { Change, Landed } from "./remote.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

/** How long an observer waits, less what its clock may be wrong by. */
const EXPIRED_MS = 1.5 * TTL_MS * 0.98;
/** A runner that slept or had trouble less than this long ago may be too late with everything. */
const RECENT_MS = 2 * TTL_MS;

const placeOf = (name: string): Ref => `${LANES}${name}` as Ref;

export class SwapCheck {
  readonly #world: World;
  readonly #fail: (what: string) => void;
  /** Finished answers that wait beside their branch. */
  readonly #parked = new Set<Sha>();

  constructor(world: World, fail: (what: string) => void) {
    this.#world = world;
    this.#fail = fail;
  }

  /** Judges every swap from now on. */
  begin(): void {
    this.#world.remote.watch((landed) => this.#judge(landed));
  }

  #judge({ by, changes, why }: Landed): void {
    if (!by) return;
    // Whoever tidies up takes one ref at a time.
    const tidies = why === "expired" || why === "left over" || why === "laid down";
    for (const change of changes) {
      const { ref } = change;
      if (branchOf(ref)) this.#judgeBranch(change, changes);
      else if (ref.startsWith(LEASES)) this.#judgeLease(change, changes, by, tidies);
      else if (ref.startsWith(LANES)) this.#judgeSlot(change, changes);
      else if (ref.startsWith(PARKED)) this.#judgeParked(change, changes);
      else if (ref.startsWith(SALVAGE) && (change.before || !change.after)) {
        this.#fail(`S5 the salvage ${ref} was overwritten or removed`);
      }
    }
    this.#judgeLanes();
  }

  #judgeBranch({ ref, before, after }: Change, changes: readonly Change[]): void {
    const { objects } = this.#world;
    const branch = branchOf(ref);
    if (!branch) return;
    if (!before) return this.#judgeBirth(branch, after, changes);
    if (!after) return this.#fail(`S3 ${branch} was deleted by a runner`);
    if (!objects.isAncestor(before, after)) this.#fail(`S3 ${branch} was moved to no descendant`);
    this.#judgeAnswers(ref, after);
    const run = objects.value(after, "Run");
    this.#judgeChildren(branch, before, after, changes);
    const { lease: leaseRef, parked } = refsOf(branchKey(branch));
    if (this.#parked.has(after)) {
      if (changes.some((one) => one.ref === parked && one.after === null)) return;
      return this.#fail(`S4 the answer ${short(after)} landed and waits as well`);
    }
    const lease = changes.find((one) => one.ref === leaseRef);
    const held = objects.lease(lease?.before);
    if (!held || held.backoff || held.run !== run) {
      return this.#fail(`S2 ${branch} was moved by the run ${short(run)}, which does not hold its lease`);
    }
    if (lease?.after) this.#fail(`S4 ${branch} was answered, and its lease stands`);
    this.#world.stats.answers++;
  }

  /** A branch that an answer hands work to: it begins at that answer, and comes with it. */
  #judgeBirth(branch: Branch, after: Sha | null, changes: readonly Change[]): void {
    const { objects } = this.#world;
    const [answer] = after ? objects.get(after).parents : [];
    const from = changes.find((one) => one.before && one.after === answer && branchOf(one.ref));
    const parent = from && branchOf(from.ref);
    if (!answer || !parent) return this.#fail(`S3 ${branch} was created by a runner, and by no answer`);
    const listed = familyAt(objects, answer).children.map((key) => childOf(parent, key));
    if (!listed.includes(branch)) this.#fail(`S4 ${branch} was handed out, and its answer does not list it`);
  }

  /** All that it declared are made with it, but for those that it had handed out before. */
  #judgeChildren(branch: Branch, before: Sha, answer: Sha, changes: readonly Change[]): void {
    const { objects, running } = this.#world;
    const run = objects.value(answer, "Run") as RunId | undefined;
    const known = new Set(familyAt(objects, before).children.map((key) => childOf(branch, key)));
    const declared = run && running.get(run)?.declared;
    if (!declared || objects.value(answer, "State") !== declared.state) return;
    const missing = declared.children.find(
      (child) =>
        !changes.some((one) => one.ref === refOf(child) && !one.before && one.after) &&
        !(known.has(child) && wasChild(this.#world, branch, child)),
    );
    if (missing) this.#fail(`S4 ${branch} was answered, and its child ${missing} was not made with it`);
  }

  #judgeAnswers(ref: Ref, head: Sha): void {
    const { objects } = this.#world;
    const seen = new Set<string>();
    for (const { commit } of objects.line(head)) {
      const answers = objects.value(commit, "Answers");
      if (answers === undefined) continue;
      if (seen.has(answers)) this.#fail(`S1 ${ref} has two responses to ${short(answers)}`);
      seen.add(answers);
    }
  }

  #judgeLease({ ref, before, after }: Change, changes: readonly Change[], by: Proc, tidies: boolean): void {
    const { objects } = this.#world;
    const was = objects.lease(before);
    const is = objects.lease(after);
    if (after && !is) return this.#fail(`S2 ${ref} holds no lease`);
    const isOwn = was !== undefined && !tidies && this.#ownerOf(was.run) === by;
    if (was && is && tidies) {
      const counts = is.backoff && is.attempt === was.attempt && is.run !== was.run;
      if (!counts) this.#fail(`ATT ${is.branch} was laid down by ${by.name} as what it is not`);
    } else if (is && is.run !== was?.run) {
      this.#judgeClaim(is, changes, by);
      const counted = was && was.request === is.request ? was.attempt + 1 : 1;
      if (is.attempt !== counted) {
        this.#fail(`ATT ${is.branch}: attempt ${is.attempt} follows ${counted - 1}`);
      }
    } else if (!isOwn && is) {
      return this.#fail(`S2 ${ref} was renewed by ${by.name}, which does not hold it`);
    }
    if (was && !was.backoff && is?.run !== was.run && !isOwn) this.#judgeTakeover(ref, was, by, is);
    if (was?.backoff && is && is.run === was.run)
      this.#fail(`S2 the run ${short(was.run)} went on after its end`);
    if (was && isOwn && (!is || is.backoff) && this.#holdsPlace(was)) {
      this.#fail(
        `S4 the run ${short(was.run)} ended, and one of its places (${was.slots.join(", ")}) stands`,
      );
    }
  }

  #judgeClaim(lease: Lease, changes: readonly Change[], by: Proc): void {
    const { stats } = this.#world;
    stats.claims++;
    if (this.#ownerOf(lease.run) !== by) this.#fail(`S2 ${by.name} claims for another's run`);
    if (lease.backoff) this.#fail(`S2 ${lease.branch} was claimed by a lease that rests`);
    for (const name of lease.slots) {
      const taken = changes.find(({ ref }) => ref === placeOf(name));
      if (this.#world.objects.lease(taken?.after)?.run !== lease.run) {
        this.#fail(`S4 ${lease.branch} was claimed without its place ${name}`);
      }
    }
  }

  /** A lease that did not rest ended by another's hand. */
  #judgeTakeover(ref: Ref, was: Lease, by: Proc, is: Lease | undefined): void {
    const { scheduler, remote, running, stats } = this.#world;
    const owner = this.#ownerOf(was.run);
    if (is && !is.backoff) stats.takeovers++;
    const moments = remote.history(ref);
    const since = moments.at(-2)?.time ?? 0;
    const isDead = owner?.alive === false && owner.machine === by.machine;
    if (!isDead && scheduler.now - since < EXPIRED_MS) {
      this.#fail(`EXP the lease of ${was.branch} ended after ${Math.round(scheduler.now - since)} ms`);
    }
    const script = running.get(was.run);
    if (!script || script.ended || script.stopped || !owner) return;
    // Another sweeper is waited for, and not for ever; it may die, or fail.
    const isSwept = [...(owner.machine.begun.get(owner) ?? [])].some((sweeper) => sweeper !== by);
    // A lease that is only removed is followed by no attempt, which would have to be told.
    if (isDead && !isSwept && is)
      return this.#fail(`S5 the dead run ${short(was.run)} was taken over before it was swept`);
    if (!owner.alive || owner.asleep || scheduler.now - owner.sleptUntil < RECENT_MS) return;
    const isWell = scheduler.now - owner.troubledUntil > RECENT_MS;
    this.#fail(
      `LIVE ${was.branch} was taken over while its script ran${isWell ? ", and its line was good" : ""}`,
    );
  }

  #judgeSlot({ ref, before, after }: Change, changes: readonly Change[]): void {
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

  #judgeParked({ after }: Change, changes: readonly Change[]): void {
    const { objects } = this.#world;
    if (!after) return;
    const run = objects.value(after, "Run");
    const mine = changes.some(
      ({ ref, before }) => ref.startsWith(LEASES) && objects.lease(before)?.run === run,
    );
    if (!mine) this.#fail(`S2 the run ${short(run)} parked an answer without the lease`);
    this.#parked.add(after);
  }

  #holdsPlace(lease: Lease): boolean {
    const { objects, remote } = this.#world;
    return lease.slots.some((name) => objects.lease(remote.value(placeOf(name)))?.run === lease.run);
  }

  #judgeLanes(): void {
    const { objects, remote, plan } = this.#world;
    const held = [...remote.refs].flatMap(([ref, value]) => {
      const lease = ref.startsWith(LEASES) ? objects.lease(value) : undefined;
      return lease && !lease.backoff ? lease.slots : [];
    });
    for (const [lane, { slots: capacity = Number.POSITIVE_INFINITY }] of Object.entries(
      plan.workflow.lanes,
    )) {
      const inLane = held.filter((name) => name.startsWith(`${lane}/`));
      if (inLane.length > capacity) this.#fail(`CAP ${inLane.length} in the lane ${lane}`);
      if (new Set(inLane).size < inLane.length) this.#fail(`CAP two have one place: ${inLane.join(", ")}`);
    }
  }

  #ownerOf(run: RunId): Proc | undefined {
    return this.#world.owners.get(run);
  }
}
