/**
 * The properties of attempts and of what is said of them.
 *
 * What must hold: RUN a script starts only for a request that was still the head after its claim; LANE
 * with all of its places in all of its lanes; ATT
 * no request is tried more often than its limit; SAY what is told is so; S5 no tree is removed
 * before what it holds is on a ref.
 */
import { refOf, type Branch, type Ref, type RunId, type Sha } from "../../src/core/protocol/ids.ts";
import { type Lease } from "../../src/core/protocol/lease.ts";
import { refsOf } from "../../src/core/protocol/refs.ts";
import { SALVAGE } from "../../src/core/protocol/refs.ts";
import { PARKED } from "../../src/core/protocol/refs.ts";
import { LEASES } from "../../src/core/protocol/refs.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { RunnerEvent, ScriptCall } from "../../src/engine/ports.ts";
import type { DiskTree, Proc } from "./simulated-machine.ts";
import type { Landed } from "./remote.ts";
import { short } from "./trace.ts";
import type { Checks, World } from "./world.ts";

export class RunCheck implements Partial<Checks> {
  readonly #world: World;
  readonly #fail: (what: string) => void;
  readonly #claimed = new Map<RunId, number>();
  readonly #leases = new Map<RunId, Lease>();
  /** Trees whose content was reachable from a ref at some time. */
  readonly #saved = new Set<Sha>();
  readonly #walked = new Set<Sha>();
  /** Attempts on a request that count, since a person last moved its branch. */
  readonly #spent = new Map<Ref, { request: Sha; readonly runs: Set<RunId> }>();
  readonly #answers = new Map<RunId, { readonly ref: Ref; readonly commit: Sha }>();

  constructor(world: World, fail: (what: string) => void) {
    this.#world = world;
    this.#fail = fail;
    world.remote.watch((landed) => this.#note(landed));
  }

  #note({ by, changes }: Landed): void {
    const { objects, scheduler, stats } = this.#world;
    for (const { ref, before, after } of changes) {
      if (ref.startsWith(LEASES)) {
        const was = objects.lease(before);
        const is = objects.lease(after);
        if (is && is.run !== was?.run) {
          this.#claimed.set(is.run, scheduler.now);
          this.#leases.set(is.run, is);
        }
        if (is?.backoff && was && is.attempt < was.attempt) this.#unspend(is.run);
        // The branch moved: the run gives the lease back, and is no attempt that failed.
        const isAnswer = changes.some((one) => one.ref.startsWith("refs/heads/"));
        if (was && !is && by && this.#world.owners.get(was.run) === by && !isAnswer) this.#unspend(was.run);
        continue;
      }
      if (after) this.#walk(after);
      // A run that answered is no attempt that failed, wherever its answer waits.
      if (after && ref.startsWith(PARKED)) this.#unspend(objects.value(after, "Run") as RunId);
      if (ref.startsWith(SALVAGE)) stats.salvages++;
      if (!ref.startsWith("refs/heads/")) continue;
      if (!by) this.#spent.delete(ref);
      const run = by && after ? objects.value(after, "Run") : undefined;
      if (run && after) this.#answers.set(run as RunId, { ref, commit: after });
    }
  }

  #unspend(run: RunId): void {
    for (const { runs } of this.#spent.values()) runs.delete(run);
  }

  #walk(from: Sha): void {
    for (const { commit, tree } of this.#world.objects.line(from)) {
      if (this.#walked.has(commit)) return;
      this.#walked.add(commit);
      this.#saved.add(tree);
    }
  }

  starts(_proc: Proc, { run, request, attempt, attempts }: ScriptCall): void {
    const ref = refOf(request.branch);
    const claimedAt = this.#claimed.get(run);
    if (claimedAt === undefined) return this.#fail(`RUN the script of ${short(run)} starts without a claim`);
    const { remote, objects } = this.#world;
    const moments = remote.history(ref);
    const at = moments.findLastIndex(({ time }) => time <= claimedAt);
    const since = moments.slice(Math.max(0, at));
    if (!since.some(({ value }) => value === request.commit)) {
      this.#fail(`RUN ${request.branch}: the script of ${short(run)} starts for what was not asked any more`);
    }
    const waiting = remote.value(refsOf(branchKey(request.branch)).parked);
    if (
      waiting &&
      objects.value(waiting, "Answers") === request.commit &&
      this.#parkedAt(request.branch) < claimedAt
    ) {
      this.#fail(`RUN ${request.branch}: the script of ${short(run)} starts, and a finished answer waits`);
    }
    this.#judgePlaces(run, request.state);
    if (attempt > attempts) this.#fail(`ATT ${request.branch}: attempt ${attempt} of ${attempts}`);
    // A person's move begins a new count, and what was claimed before it is none of that.
    if (moments.some(({ by, time }) => !by && time >= claimedAt)) return;
    const before = this.#spent.get(ref);
    const spent =
      before?.request === request.commit ? before : { request: request.commit, runs: new Set<RunId>() };
    spent.runs.add(run);
    this.#spent.set(ref, spent);
    if (spent.runs.size > attempts) {
      this.#fail(
        `ATT ${request.branch}: ${spent.runs.size} attempts were begun, and ${attempts} are allowed`,
      );
    }
  }

  /** A run has all of its places, or it does not run. */
  #judgePlaces(run: RunId, name: string): void {
    const { states, lanes } = this.#world.plan.workflow;
    const state = states[name];
    const slots = this.#leases.get(run)?.slots ?? [];
    const wanted = (state?.lane ?? []).map((lane) => {
      const capacity = lanes[lane]?.slots;
      return { lane, weight: capacity === undefined ? 0 : Math.min(state?.weight ?? 1, capacity) };
    });
    for (const { lane, weight } of wanted) {
      const held = slots.filter((slot) => slot.startsWith(`${lane}/`)).length;
      if (held !== weight)
        this.#fail(`LANE ${short(run)} runs ${name} with ${held} places in ${lane}, not ${weight}`);
    }
  }

  /** When what waits beside a branch was put there. */
  #parkedAt(branch: Branch): number {
    return this.#world.remote.history(refsOf(branchKey(branch)).parked).at(-1)?.time ?? 0;
  }

  told(_proc: Proc, event: RunnerEvent): void {
    const { remote, stats } = this.#world;
    if (event.kind === "answered") {
      const values = remote.history(refOf(event.branch)).map(({ value }) => value);
      if (!values.includes(event.commit))
        this.#fail(`SAY ${event.branch} was told to be answered, and is not`);
    }
    if (event.kind !== "stopped") return;
    if (event.why.includes("another runner")) stats.fenced++;
    const run = event.salvage?.slice(event.salvage.lastIndexOf("/") + 1) as RunId | undefined;
    const answer = run && this.#answers.get(run);
    if (!answer) return;
    const claimedAt = this.#claimed.get(run) ?? 0;
    const wasMoved = remote.history(answer.ref).some(({ by, time }) => !by && time >= claimedAt);
    if (!wasMoved) {
      this.#fail(`SAY ${event.branch} was told to be overtaken (${event.why}), and its answer is there`);
    }
  }

  keeps(value: Sha): void {
    this.#walk(value);
  }

  removes(tree: DiskTree): void {
    const { objects } = this.#world;
    const { content, base, branch, run, owner } = tree;
    if (content === objects.treeOf(base) || this.#saved.has(content)) return;
    this.#fail(
      `S5 the tree of ${short(run)} on ${branch} is removed by ${owner.name}, and its work is on no ref`,
    );
  }

  /** Whether what is in a tree is kept somewhere. */
  isSaved({ content, base }: DiskTree): boolean {
    return content === this.#world.objects.treeOf(base) || this.#saved.has(content);
  }
}
