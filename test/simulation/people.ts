/**
 * People who push at any time.
 *
 * Invariants:
 * - Each action is a single step at the remote.
 */
import { refOf, type Branch, type Ref, type Sha } from "../../src/core/protocol/ids.ts";
import { HOLD } from "../../src/core/protocol/refs.ts";
import { parseRequest } from "../../src/core/protocol/request.ts";
import { EMPTY_TREE } from "./object-store.ts";
import { short } from "./trace.ts";
import type { World } from "./world.ts";

const ACTION_WEIGHTS = {
  ask: 7,
  answer: 4,
  plain: 3,
  back: 2,
  amend: 1,
  delete: 1,
  recreate: 2,
  rename: 1,
  copy: 2,
  aside: 3,
};
/** Further actions in scenarios with joins. */
const JOIN_ACTION_WEIGHTS = { hold: 2, cancel: 3, depend: 3 };

export class People {
  readonly #world: World;
  /** Deleted branches with their last commit. */
  readonly #deleted: { readonly branch: Branch; readonly commit: Sha }[] = [];
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Creates the trusted branch, and a request on each other branch. */
  begin(): void {
    const { objects, scenario, target, random } = this.#world;
    const root = objects.write(EMPTY_TREE, [], "states\n", this.#date());
    this.#push(target, root);
    for (let at = 1; at <= scenario.branches; at++) {
      const branch = `b${at}` as Branch;
      const first = scenario.hasJoins ? random.pick(["build", "split", "split"]) : "build";
      const state = random.chance(0.8) ? first : "test";
      this.#push(branch, this.#commit(root, this.#requestMessage(branch, state)));
    }
  }

  /** One action of a person. */
  act(): void {
    const { random, target, remote, objects, scenario } = this.#world;
    const branches = [...remote.refs.keys()]
      .filter((ref) => ref.startsWith("refs/heads/") && ref !== refOf(target))
      .map((ref) => ref.slice("refs/heads/".length) as Branch);
    const action = random.weighted(
      scenario.hasJoins
        ? { ...ACTION_WEIGHTS, ...JOIN_ACTION_WEIGHTS }
        : { ...ACTION_WEIGHTS, hold: 0, cancel: 0, depend: 0 },
    );
    if (action === "hold") return this.#hold();
    if (action === "recreate" || branches.length === 0) return this.#recreate();
    const branch = random.pick(branches);
    const head = remote.value(refOf(branch));
    if (!head) return;
    const [parent] = objects.get(head).parents;
    switch (action) {
      case "ask":
        return this.#push(
          branch,
          this.#commit(
            head,
            this.#requestMessage(
              branch,
              random.pick(["build", "test", "ship", ...(scenario.hasJoins ? ["split", "join"] : [])]),
            ),
          ),
        );
      case "answer": {
        const reading = parseRequest(branch, objects.get(head));
        if (reading.kind !== "request" || !scenario.workflow.states[reading.state]?.human) return;
        return this.#push(
          branch,
          this.#commit(head, this.#requestMessage(branch, random.pick(["build", "done"]))),
        );
      }
      case "cancel":
        return this.#push(branch, this.#commit(head, `Call it off\n\nState: cancelled\nBranch: ${branch}\n`));
      case "depend": {
        const request = this.#requestMessage(branch, random.pick(["build", "test"]));
        return this.#push(
          branch,
          this.#commit(head, `${request}Depends-On: branch ${random.pick(branches)}\n`),
        );
      }
      case "plain":
        return this.#push(branch, this.#commit(head, "fix: by hand\n"));
      case "back":
        return this.#push(branch, random.pick([...objects.firstParents(head)].slice(0, 4)).commit);
      case "amend":
        return this.#push(branch, this.#commit(parent ?? head, objects.get(head).message));
      case "delete":
        return this.#delete(branch, head);
      case "aside":
        // The response is kept under another name, and the branch goes back.
        if (branches.length < scenario.branches + 2) this.#push(`a${++this.#count}` as Branch, head);
        return this.#push(branch, parent ?? head);
      case "rename":
        this.#delete(branch, head);
        return this.#push(`r${++this.#count}` as Branch, head);
      case "copy":
        if (branches.length < scenario.branches + 2) this.#push(`c${++this.#count}` as Branch, head);
    }
  }

  /** Holds everything for a while, or releases the hold. */
  #hold(): void {
    const { objects, remote, random, scheduler, healAt } = this.#world;
    if (remote.value(HOLD)) return this.#releaseHold();
    remote.push(
      [{ ref: HOLD, next: objects.write(EMPTY_TREE, [], "hold: a release\n", this.#date()) }],
      "hold",
    );
    scheduler.at(Math.min(scheduler.now + random.spread(1000, 30_000), healAt), () => this.#releaseHold());
  }

  #releaseHold(): void {
    this.#world.remote.push([{ ref: HOLD, next: null }], "hold is released");
  }

  #recreate(): void {
    const branchAt = this.#deleted.pop();
    if (!branchAt) return;
    const { remote, random } = this.#world;
    if (remote.value(refOf(branchAt.branch))) return;
    const again = random.chance(0.5);
    this.#push(
      branchAt.branch,
      again ? branchAt.commit : this.#commit(branchAt.commit, this.#requestMessage(branchAt.branch, "build")),
    );
  }

  #delete(branch: Branch, commit: Sha): void {
    this.#deleted.push({ branch, commit });
    this.#push(branch, null);
  }

  #requestMessage(branch: Branch, state: string): string {
    const { random, scenario } = this.#world;
    const bound = random.chance(scenario.boundShare) ? `Branch: ${branch}\n` : "";
    const priority = random.chance(0.2) ? `Priority: ${random.count(-1, 2)}\n` : "";
    return `feat: number ${++this.#count}\n\nPlease.\n\nState: ${state}\n${bound}${priority}`;
  }

  #commit(parent: Sha, message: string): Sha {
    const { objects, random } = this.#world;
    const tree = random.chance(0.5) ? parent : objects.addFile(parent, `by hand ${++this.#count}`);
    return objects.write(tree, [parent], message, this.#date());
  }

  #push(branch: Branch, next: Sha | null): void {
    const ref: Ref = refOf(branch);
    const { remote, trace } = this.#world;
    trace.add("person", () => `pushes ${branch} ${short(remote.value(ref))}>${short(next)}`);
    remote.push([{ ref, next }], "by hand");
  }

  /** The clocks of people differ. */
  #date(): number {
    const { random, scheduler } = this.#world;
    return Math.floor(Date.UTC(2026, 0, random.count(1, 3)) / 1000 + scheduler.now / 1000);
  }
}
