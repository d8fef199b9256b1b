/**
 * Worktrees on the disk of a machine.
 *
 * Invariants:
 * - A tree outlives its process. Only its owner removes it or, after the owner's end, one sweeper at
 *   a time.
 * - The script of a dead run is ended before its tree is read.
 */
import { composeMessage } from "../../src/core/protocol/compose.ts";
import type { RunId, Sha } from "../../src/core/protocol/ids.ts";
import { salvageRef } from "../../src/core/protocol/refs.ts";
import type { Request } from "../../src/core/protocol/request.ts";
import { UserError, MESSAGES } from "../../src/core/messages/messages.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { CollectedTree, AttemptTree, AttemptTrees } from "../../src/engine/attempt-trees.ts";
import type { SimulatedRepository } from "./simulated-repository.ts";
import type { DiskTree, RunnerProcess, TreeFault } from "./simulated-machine.ts";
import { TTL_MS } from "./scenario.ts";
import { short } from "./trace.ts";
import { isHealed, type World } from "./world.ts";

/** How long a process waits for another sweeper. */
const FAULTS: readonly TreeFault[] = ["unusable", "unreadable", "private", "slow", "slow", "no-record"];
const PROBLEMS = {
  unusable: "its files could not be checked out",
  unreadable: "its files could not be read",
  private: "a file of it must not be published",
} as const;
const PATIENCE_MS = 5000;
const POLL_MS = 200;

export class DiskTrees implements AttemptTrees {
  readonly #world: World;
  readonly #proc: RunnerProcess;
  readonly #repository: SimulatedRepository;

  constructor(world: World, proc: RunnerProcess, repository: SimulatedRepository) {
    this.#world = world;
    this.#proc = proc;
    this.#repository = repository;
  }

  async open(run: RunId, request: Request): Promise<AttemptTree> {
    return this.#repository.runLocally(() => {
      const { branch, state, commit } = request;
      const location = { path: `/trees/${run}`, runDir: run, sideDir: run, base: commit, objectStores: [] };
      const content = this.#world.objects.treeOf(commit);
      const fault = this.#drawFault();
      const tree: DiskTree = {
        ...location,
        ...(fault === "unusable" ? { problem: PROBLEMS.unusable } : {}),
        fault,
        isPartlySaved: false,
        owner: this.#proc,
        run,
        branch,
        state,
        head: commit,
        contentTree: content,
      };
      this.#proc.machine.trees.add(tree);
      return tree;
    });
  }

  #drawFault(): TreeFault | undefined {
    const { random, scenario } = this.#world;
    if (isHealed(this.#world) || !random.chance(scenario.treeFaultChance)) return undefined;
    return random.pick(FAULTS);
  }

  /** Reads files for a while, during which the lease has to be renewed. */
  async #read<T>(tree: DiskTree, read: () => T): Promise<T> {
    const script = this.#world.running.get(tree.run);
    if (script) script.isRead = true;
    try {
      const { random } = this.#world;
      if (tree.fault === "slow" && !isHealed(this.#world))
        await this.#proc.sleep(random.between(0.5, 2.5) * TTL_MS);
      return await this.#repository.runLocally(read);
    } finally {
      if (script) script.isRead = false;
    }
  }

  async collect(tree: AttemptTree): Promise<CollectedTree | string> {
    const disk = tree as DiskTree;
    return this.#read(disk, () => {
      const { head, contentTree, fault } = disk;
      const { objects } = this.#world;
      const problem = fault === "unreadable" || fault === "private" ? PROBLEMS[fault] : undefined;
      for (const check of this.#world.checks) check.onCollect?.(disk, problem);
      if (problem !== undefined) return problem;
      if (!objects.isAncestor(tree.base, head)) return "its commits do not descend from the request";
      return {
        head,
        tree: contentTree,
        hasChanges: head !== tree.base || contentTree !== objects.treeOf(tree.base),
      };
    });
  }

  /** Scripts share the objects of their world. */
  async take(): Promise<void> {
    return Promise.resolve();
  }

  async save(tree: AttemptTree, message: string): Promise<Sha | undefined> {
    const disk = tree as DiskTree;
    return this.#read(disk, () => this.#save(disk, message));
  }

  async release(tree: AttemptTree): Promise<void> {
    // Scripts may leave read-only folders, so this fails more often.
    return this.#repository.runLocally(() => this.#remove(tree as DiskTree), 5);
  }

  async sweep(): Promise<void> {
    const { machine } = this.#proc;
    await this.#repository.runLocally(() => undefined);
    const dead = new Set([...machine.trees].map(({ owner }) => owner).filter(({ isAlive }) => !isAlive));
    for (const owner of dead) {
      if (machine.sweepers.get(owner)?.isAlive) continue;
      machine.sweepers.set(owner, this.#proc);
      machine.sweepAttempts.set(owner, (machine.sweepAttempts.get(owner) ?? new Set()).add(this.#proc));
      try {
        for (const tree of machine.trees) if (tree.owner === owner) await this.#sweepTree(tree);
      } finally {
        machine.sweepers.delete(owner);
      }
    }
    const isSwept = () => [...dead].some((owner) => machine.sweepers.get(owner)?.isAlive);
    for (let waited = 0; waited < PATIENCE_MS && isSwept(); waited += POLL_MS) {
      await this.#proc.sleep(POLL_MS);
    }
  }

  async #sweepTree(tree: DiskTree): Promise<void> {
    const script = this.#world.running.get(tree.run);
    if (script) script.hasEnded = true;
    await this.#repository.runLocally(() => undefined);
    if (tree.fault === "no-record") return this.#repository.runLocally(() => this.#moveAside(tree));
    if (!this.#isAnswered(tree)) {
      const value = await this.#repository.runLocally(() => this.#save(tree, messageOf(tree)));
      if (value) await this.#keep(tree, value);
    }
    await this.#repository.runLocally(() => this.#remove(tree));
  }

  async #keep({ branch, run }: DiskTree, value: Sha): Promise<void> {
    const ref = salvageRef(branch, run);
    const swap = await this.#repository.swap([{ ref, expected: null, next: value }], "salvage of a dead run");
    if (swap.kind === "blocked") await this.#repository.keepLocally(ref, value);
    else if (swap.kind !== "landed" && !(await this.#repository.read([ref])).get(ref)) {
      throw new UserError(MESSAGES.notSaved(ref));
    }
  }

  /** True when, in the cache of this machine, the response is on the branch or parked. */
  #isAnswered({ branch, run, base }: DiskTree): boolean {
    const { objects } = this.#world;
    const { cache } = this.#proc.machine;
    const head = cache?.heads.find((one) => one.branch === branch)?.commit;
    const parked = cache?.parkedResponses.get(branchKey(branch))?.value;
    return [head, parked].some((from) => {
      for (const { commit } of objects.firstParents(from)) {
        if (commit === base) return false;
        if (objects.trailer(commit, "Run") === run) return true;
      }
      return false;
    });
  }

  #save(tree: DiskTree, message: string): Sha | undefined {
    const { base, head, contentTree, fault } = tree;
    const { objects } = this.#world;
    if (head === base && contentTree === objects.treeOf(base)) return undefined;
    if (fault === "private") {
      tree.isPartlySaved = true;
      return undefined;
    }
    return objects.write(contentTree, [head], message, Math.floor(this.#proc.wall() / 1000));
  }

  #remove(tree: DiskTree): void {
    const { machine } = this.#proc;
    if (!machine.trees.has(tree)) return;
    if (tree.isPartlySaved) return this.#moveAside(tree);
    for (const check of this.#world.checks) check.onTreeRemoval?.(tree);
    this.#world.trace.add(this.#proc.name, () => `removes the tree of ${short(tree.run)}`);
    machine.trees.delete(tree);
  }

  #moveAside(tree: DiskTree): void {
    const { machine } = this.#proc;
    if (machine.trees.delete(tree)) machine.quarantine.add(tree);
  }
}

function messageOf({ branch, run, base, state }: DiskTree): string {
  return composeMessage({
    header: `salvage: ${state} on ${branch}: its runner died`,
    trailers: [
      { key: "Branch", value: branch },
      { key: "Request", value: base },
      { key: "Run", value: run },
    ],
  });
}
