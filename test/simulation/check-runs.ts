/**
 * Checks attempts, and the reported events.
 *
 * - RUN: a script starts only for a request that was the head after its claim.
 * - LANE: a script starts only with all slots in all of its lanes.
 * - ATT: no request is tried more often than its limit.
 * - SAY: reported events are true.
 * - S5: a tree is removed only when a ref holds its content.
 * - TREE: no script starts in an unusable tree, and a tree with a problem is never a response.
 */
import { refOf, type Branch, type Ref, type RunId, type Sha } from "../../src/core/protocol/ids.ts";
import { type Lease } from "../../src/core/protocol/lease.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { SALVAGE } from "../../src/core/protocol/refs.ts";
import { PARKED } from "../../src/core/protocol/refs.ts";
import { LEASES } from "../../src/core/protocol/refs.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { RunnerEvent, ScriptCall } from "../../src/engine/ports.ts";
import type { DiskTree, RunnerProcess } from "./simulated-machine.ts";
import type { LandedPush } from "./remote.ts";
import { short } from "./trace.ts";
import type { Checker, World } from "./world.ts";

export class RunChecker implements Partial<Checker> {
  readonly #world: World;
  readonly #fail: (what: string) => void;
  readonly #claimTimes = new Map<RunId, number>();
  readonly #leases = new Map<RunId, Lease>();
  /** Trees that have been reachable from a ref. */
  readonly #savedTrees = new Set<Sha>();
  readonly #reached = new Set<Sha>();
  /** The counted attempts at a request since a person last moved its branch. */
  readonly #attempts = new Map<Ref, { request: Sha; readonly runs: Set<RunId> }>();
  /** What was wrong with the files of a process's last attempt on a branch. */
  readonly #problems = new Map<string, string>();
  readonly #answers = new Map<RunId, { readonly ref: Ref; readonly commit: Sha }>();

  constructor(world: World, fail: (what: string) => void) {
    this.#world = world;
    this.#fail = fail;
    world.remote.watch((landed) => this.#record(landed));
  }

  #record({ by, changes }: LandedPush): void {
    const { objects, scheduler, stats } = this.#world;
    for (const { ref, before, after } of changes) {
      if (ref.startsWith(LEASES)) {
        const oldLease = objects.lease(before);
        const newLease = objects.lease(after);
        if (newLease && newLease.run !== oldLease?.run) {
          this.#claimTimes.set(newLease.run, scheduler.now);
          this.#leases.set(newLease.run, newLease);
        }
        if (newLease?.backoff && oldLease && newLease.attempt < oldLease.attempt) this.#uncount(newLease.run);
        // The branch moved: the run gives its lease back, and is not a failed attempt.
        const isAnswer = changes.some((one) => one.ref.startsWith("refs/heads/"));
        if (oldLease && !newLease && by && this.#world.runOwners.get(oldLease.run) === by && !isAnswer)
          this.#uncount(oldLease.run);
        continue;
      }
      if (after) this.#recordReachable(after);
      // A run with a parked response is not a failed attempt.
      if (after && ref.startsWith(PARKED)) this.#uncount(objects.trailer(after, "Run") as RunId);
      if (ref.startsWith(SALVAGE)) stats.salvages++;
      if (!ref.startsWith("refs/heads/")) continue;
      if (!by) this.#attempts.delete(ref);
      const run = by && after ? objects.trailer(after, "Run") : undefined;
      if (run && after) this.#answers.set(run as RunId, { ref, commit: after });
    }
  }

  #uncount(run: RunId): void {
    for (const { runs } of this.#attempts.values()) runs.delete(run);
  }

  #recordReachable(from: Sha): void {
    for (const { commit, tree } of this.#world.objects.firstParents(from)) {
      if (this.#reached.has(commit)) return;
      this.#reached.add(commit);
      this.#savedTrees.add(tree);
    }
  }

  onCollect({ run, branch, owner }: DiskTree, problem: string | undefined): void {
    // Otherwise the end of the script itself is the reason.
    const isAnswer = this.#world.running.get(run)?.ending === "answer";
    if (problem !== undefined && isAnswer) this.#problems.set(`${owner.name} ${branch}`, problem);
  }

  /** The next event of an attempt whose files had a problem names it. */
  #checkProblem({ name }: RunnerProcess, event: RunnerEvent): void {
    if (event.kind !== "answered" && event.kind !== "resting") return;
    const { branch, why = "" } = event;
    const found = this.#problems.get(`${name} ${branch}`);
    this.#problems.delete(`${name} ${branch}`);
    if (found !== undefined && !why.includes(found))
      this.#fail(`TREE ${branch} ended with "${why}", not with: ${found}`);
  }

  onScriptStart(proc: RunnerProcess, { run, request, attempt, attempts, tree }: ScriptCall): void {
    if (tree.problem !== undefined) this.#fail(`TREE the script of ${short(run)} starts without its files`);
    this.#problems.delete(`${proc.name} ${request.branch}`);
    const ref = refOf(request.branch);
    const claimedAt = this.#claimTimes.get(run);
    if (claimedAt === undefined) return this.#fail(`RUN the script of ${short(run)} starts without a claim`);
    const { remote, objects } = this.#world;
    const entries = remote.history(ref);
    const at = entries.findLastIndex(({ time }) => time <= claimedAt);
    const since = entries.slice(Math.max(0, at));
    if (!since.some(({ value }) => value === request.commit)) {
      this.#fail(`RUN ${request.branch}: the script of ${short(run)} starts for an outdated request`);
    }
    const parked = remote.value(refsOf(branchKey(request.branch)).parked);
    if (
      parked &&
      objects.trailer(parked, "Answers") === request.commit &&
      this.#parkedAt(request.branch) < claimedAt
    ) {
      this.#fail(`RUN ${request.branch}: the script of ${short(run)} starts although a response is parked`);
    }
    this.#checkSlots(run, request.state);
    if (attempt > attempts) this.#fail(`ATT ${request.branch}: attempt ${attempt} of ${attempts}`);
    // A person's push starts a new count, which leaves out earlier claims.
    if (entries.some(({ by, time }) => !by && time >= claimedAt)) return;
    const before = this.#attempts.get(ref);
    const counted =
      before?.request === request.commit ? before : { request: request.commit, runs: new Set<RunId>() };
    counted.runs.add(run);
    this.#attempts.set(ref, counted);
    if (counted.runs.size > attempts) {
      this.#fail(
        `ATT ${request.branch}: ${counted.runs.size} attempts were started, and ${attempts} are allowed`,
      );
    }
  }

  /** A run must hold all of its lane slots. */
  #checkSlots(run: RunId, name: string): void {
    const { states, lanes } = this.#world.scenario.workflow;
    const state = states[name];
    const slots = this.#leases.get(run)?.slots ?? [];
    const lanesOfState = (state?.lane ?? []).map((lane) => {
      const capacity = lanes[lane]?.slots;
      return { lane, weight: capacity === undefined ? 0 : Math.min(state?.weight ?? 1, capacity) };
    });
    for (const { lane, weight } of lanesOfState) {
      const held = slots.filter((slot) => slot.startsWith(`${lane}/`)).length;
      if (held !== weight)
        this.#fail(`LANE ${short(run)} runs ${name} with ${held} slots in ${lane}, not ${weight}`);
    }
  }

  /** When the response of a branch was parked. */
  #parkedAt(branch: Branch): number {
    return this.#world.remote.history(refsOf(branchKey(branch)).parked).at(-1)?.time ?? 0;
  }

  onEvent(proc: RunnerProcess, event: RunnerEvent): void {
    const { remote, stats } = this.#world;
    this.#checkProblem(proc, event);
    if (event.kind === "answered") {
      const values = remote.history(refOf(event.branch)).map(({ value }) => value);
      if (!values.includes(event.commit))
        this.#fail(`SAY ${event.branch} was reported as answered, and is not`);
    }
    if (event.kind !== "stopped") return;
    if (event.why.includes("another runner")) stats.fenced++;
    const run = event.salvage?.slice(event.salvage.lastIndexOf("/") + 1) as RunId | undefined;
    const answer = run && this.#answers.get(run);
    if (!answer) return;
    const claimedAt = this.#claimTimes.get(run) ?? 0;
    const wasMoved = remote.history(answer.ref).some(({ by, time }) => !by && time >= claimedAt);
    if (!wasMoved) {
      this.#fail(`SAY ${event.branch} was reported as overtaken (${event.why}), and its response is there`);
    }
  }

  onKeptLocally(value: Sha): void {
    this.#recordReachable(value);
  }

  onTreeRemoval(tree: DiskTree): void {
    const { objects } = this.#world;
    const { contentTree, base, branch, run, owner } = tree;
    if (contentTree === objects.treeOf(base) || this.#savedTrees.has(contentTree)) return;
    this.#fail(
      `S5 the tree of ${short(run)} on ${branch} is removed by ${owner.name}, and no ref holds its changes`,
    );
  }

  /** True when a ref has held the content of a tree. */
  isSaved({ contentTree, base }: DiskTree): boolean {
    return contentTree === this.#world.objects.treeOf(base) || this.#savedTrees.has(contentTree);
  }
}
