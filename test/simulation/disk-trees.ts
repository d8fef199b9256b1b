/**
 * Worktrees on the disk of a machine.
 *
 * What must hold: a tree outlives its process, and is removed only by its owner or by one sweeper at
 * a time, once its owner is gone; the script of a dead run is ended before its tree is read.
 */
import { composeMessage } from "../../src/core/protocol/compose.ts";
import type { RunId, Sha } from "../../src/core/protocol/ids.ts";
import { salvageRef } from "../../src/core/protocol/refs.ts";
import type { Request } from "../../src/core/protocol/request.ts";
import { UserError, MESSAGES } from "../../src/core/messages/messages.ts";
import { branchKey } from "../../src/git/swap-refs.ts";
import type { CollectedTree, AttemptTree, AttemptTrees } from "../../src/engine/ports.ts";
import type { Desk } from "./simulated-repository.ts";
import type { DiskTree, Proc } from "./simulated-machine.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

/** How long another sweeper is waited for. */
const PATIENCE_MS = 5000;
const POLL_MS = 200;

export class DiskTrees implements AttemptTrees {
  readonly #world: World;
  readonly #proc: Proc;
  readonly #desk: Desk;

  constructor(world: World, proc: Proc, desk: Desk) {
    this.#world = world;
    this.#proc = proc;
    this.#desk = desk;
  }

  async open(run: RunId, request: Request): Promise<AttemptTree> {
    return this.#desk.work(() => {
      const { branch, state, commit } = request;
      const place = { path: `/trees/${run}`, runDir: run, base: commit };
      const content = this.#world.objects.treeOf(commit);
      const tree: DiskTree = { ...place, owner: this.#proc, run, branch, state, head: commit, content };
      this.#proc.machine.trees.add(tree);
      return tree;
    });
  }

  async collect(tree: AttemptTree): Promise<CollectedTree | string> {
    return this.#desk.work(() => {
      const { head, content } = tree as DiskTree;
      const { objects } = this.#world;
      if (!objects.isAncestor(tree.base, head)) return "its commits do not descend from the request";
      return { head, tree: content, hasChanges: head !== tree.base || content !== objects.treeOf(tree.base) };
    });
  }

  async save(tree: AttemptTree, message: string): Promise<Sha | undefined> {
    return this.#desk.work(() => this.#save(tree as DiskTree, message));
  }

  async release(tree: AttemptTree): Promise<void> {
    // Scripts leave folders that nobody may write to.
    return this.#desk.work(() => this.#remove(tree as DiskTree), 5);
  }

  async sweep(): Promise<void> {
    const { machine } = this.#proc;
    await this.#desk.work(() => undefined);
    const dead = new Set([...machine.trees].map(({ owner }) => owner).filter(({ alive }) => !alive));
    for (const owner of dead) {
      if (machine.sweepers.get(owner)?.alive) continue;
      machine.sweepers.set(owner, this.#proc);
      machine.begun.set(owner, (machine.begun.get(owner) ?? new Set()).add(this.#proc));
      try {
        for (const tree of machine.trees) if (tree.owner === owner) await this.#sweepTree(tree);
      } finally {
        machine.sweepers.delete(owner);
      }
    }
    const isSwept = () => [...dead].some((owner) => machine.sweepers.get(owner)?.alive);
    for (let waited = 0; waited < PATIENCE_MS && isSwept(); waited += POLL_MS) {
      await this.#proc.sleep(POLL_MS);
    }
  }

  async #sweepTree(tree: DiskTree): Promise<void> {
    const script = this.#world.running.get(tree.run);
    if (script) script.ended = true;
    await this.#desk.work(() => undefined);
    if (!this.#isAnswered(tree)) {
      const value = await this.#desk.work(() => this.#save(tree, messageOf(tree)));
      if (value) await this.#keep(tree, value);
    }
    await this.#desk.work(() => this.#remove(tree));
  }

  async #keep({ branch, run }: DiskTree, value: Sha): Promise<void> {
    const ref = salvageRef(branch, run);
    const swap = await this.#desk.swap([{ ref, expected: null, next: value }], "salvage of a dead run");
    if (swap.kind === "blocked") await this.#desk.keepLocally(ref, value);
    else if (swap.kind !== "landed" && !(await this.#desk.read([ref])).get(ref)) {
      throw new UserError(MESSAGES.notSaved(ref));
    }
  }

  /** By what this machine knows of the remote: its answer is on the branch, or waits beside it. */
  #isAnswered({ branch, run, base }: DiskTree): boolean {
    const { objects } = this.#world;
    const { cache } = this.#proc.machine;
    const head = cache?.heads.find((one) => one.branch === branch)?.commit;
    const parked = cache?.parkedResponses.get(branchKey(branch))?.value;
    return [head, parked].some((from) => {
      for (const { commit } of objects.line(from)) {
        if (commit === base) return false;
        if (objects.value(commit, "Run") === run) return true;
      }
      return false;
    });
  }

  #save({ base, head, content }: DiskTree, message: string): Sha | undefined {
    const { objects } = this.#world;
    if (head === base && content === objects.treeOf(base)) return undefined;
    return objects.write(content, [head], message, Math.floor(this.#proc.wall() / 1000));
  }

  #remove(tree: DiskTree): void {
    const { machine } = this.#proc;
    if (!machine.trees.has(tree)) return;
    for (const check of this.#world.checks) check.removes?.(tree);
    this.#world.trace.add(this.#proc.name, () => `removes the tree of ${short(tree.run)}`);
    machine.trees.delete(tree);
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
