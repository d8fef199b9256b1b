/**
 * State scripts: how they change their tree, how long they take, and how they end.
 *
 * Invariants:
 * - A script sleeps with its machine, and ends soon after it is asked to stop.
 * - With `keepsOrphans`, the script of a dead runner continues until a sweep ends it.
 */
import { refOf, type Branch } from "../../src/core/protocol/ids.ts";
import type { Exit } from "../../src/core/outcome/outcome.ts";
import { successors } from "../../src/core/workflow/workflow.ts";
import type { ScriptCall, ScriptEnd, Scripts } from "../../src/engine/ports.ts";
import type { DiskTree, RunnerProcess } from "./simulated-machine.ts";
import { TTL_MS, type ScriptEnding } from "./scenario.ts";
import type { Random } from "./random.ts";
import { short } from "./trace.ts";
import { isHealed, type RunningScript, type World } from "./world.ts";

/** The longest time from a stop to the end of a script. */
const GRACE_MS = 1500;
/** How scripts end after the faults: some still fail, but none forever. */
const HEALED_WEIGHTS: Readonly<Record<ScriptEnding, number>> = {
  answer: 8,
  silent: 1,
  fail: 1,
  later: 0,
  garbage: 0.3,
  illegal: 0,
  hang: 0.3,
  rewrite: 0,
};

export class ScriptModel implements Scripts {
  readonly #world: World;
  readonly #proc: RunnerProcess;

  constructor(world: World, proc: RunnerProcess) {
    this.#world = world;
    this.#proc = proc;
  }

  run(call: ScriptCall, stop: Promise<string>): Promise<ScriptEnd> {
    const { random, scenario, trace, stats, running, checks } = this.#world;
    const proc = this.#proc;
    stats.scripts++;
    trace.add(proc.name, () => `script of ${short(call.run)} starts, attempt ${call.attempt}`);
    for (const check of checks) check.onScriptStart?.(proc, call);
    const tree = call.tree as DiskTree;
    const ending = random.weighted(isHealed(this.#world) ? HEALED_WEIGHTS : scenario.endingWeights);
    const script: RunningScript = {
      proc,
      call,
      tree,
      ending,
      declared: undefined,
      isStopped: false,
      hasEnded: false,
      isRead: false,
    };
    running.set(call.run, script);
    const isOver = () => script.hasEnded || (!proc.isAlive && !scenario.keepsOrphans);
    return new Promise((resolve) => {
      const end = (exit: Exit, output = "") => {
        if (isOver()) return;
        script.hasEnded = true;
        trace.add(proc.name, () => `script of ${short(call.run)} ends: ${exit.kind} ${output.trim()}`);
        proc.deliver(() => resolve({ exit, outputFile: output, log: "a line\n", stdout: "", secrets: [] }));
      };
      const durationMs = this.#duration();
      const lastMs = Math.min(durationMs, call.timeoutMs);
      for (let writes = random.below(3); writes > 0; writes--) {
        proc.later(random.next() * lastMs, () => {
          if (!isOver()) this.#write(tree, random);
        });
      }
      if (random.chance(scenario.ownPushChance) && !isHealed(this.#world))
        proc.later(random.next() * lastMs, () => void (isOver() || this.#pushOwnBranch(tree)));
      if (ending === "rewrite")
        proc.later(random.next() * lastMs, () => void (isOver() || this.#rewrite(tree)));
      if (ending === "hang" || durationMs > call.timeoutMs) {
        proc.later(call.timeoutMs, () => end({ kind: "timed-out", afterMs: call.timeoutMs }));
      } else {
        proc.later(durationMs, () => end(...this.#ending(ending, script, random)));
      }
      void stop.then((why) => {
        script.isStopped = true;
        script.stopReason = why;
        proc.later(random.spread(20, GRACE_MS), () => end({ kind: "stopped", why }));
      });
    });
  }

  #duration(): number {
    const { random, scenario } = this.#world;
    if (isHealed(this.#world)) return random.spread(100, 4000);
    return random.chance(scenario.longShare) ? random.between(1, 2.5) * TTL_MS : random.spread(100, TTL_MS);
  }

  #write(tree: DiskTree, random: Random): void {
    const { objects } = this.#world;
    tree.contentTree = objects.addFile(tree.contentTree, random.hex(16));
    if (random.chance(this.#world.scenario.secretChance)) objects.secrets.add(tree.contentTree);
    if (random.chance(0.3)) {
      const own = objects.write(tree.contentTree, [tree.head], "wip\n", Math.floor(this.#proc.wall() / 1000));
      const { workflow, signedShare } = this.#world.scenario;
      tree.head = workflow.sign && random.chance(signedShare) ? objects.sign(own, random.hex(8)) : own;
    }
  }

  /** With a token of its own, a script moves its branch at the remote, as a person does. */
  #pushOwnBranch({ branch, contentTree }: DiskTree): void {
    const { objects, remote, random } = this.#world;
    const head = remote.value(refOf(branch));
    const message = random.chance(0.5) ? "pushed by a script\n" : `Again\n\nState: test\nBranch: ${branch}\n`;
    const next = head && objects.write(contentTree, [head], message, Math.floor(this.#proc.wall() / 1000));
    if (next) remote.push([{ ref: refOf(branch), next }], "a script pushes");
  }

  /** Commits that do not descend from the request. */
  #rewrite(tree: DiskTree): void {
    const { objects } = this.#world;
    const [parent] = objects.get(tree.base).parents;
    if (parent) tree.head = objects.write(tree.contentTree, [parent], "rewritten\n", 0);
  }

  #ending(ending: ScriptEnding, script: RunningScript, random: Random): [Exit, string] {
    const { request } = script.call;
    const legal = successors(this.#world.scenario.workflow, request.state);
    const exited = (code: number): Exit => ({ kind: "exited", code });
    switch (ending) {
      case "answer":
        return [exited(0), this.#declare(script, random.chance(0.95) ? legal : ["failed", "parked"])];
      case "fail":
        return random.chance(0.7)
          ? [exited(1), ""]
          : [{ kind: "signalled", signal: "SIGKILL" }, "state=done\n"];
      case "later":
        return [exited(random.pick([0, 75])), `retry-after=${random.count(1, 8)}\n`];
      case "garbage":
        return [
          exited(0),
          random.pick(["\u0000\u001b[31m]{", "{]", "statee=done\n", "state=done\nstate=test\n"]),
        ];
      case "illegal":
        return [exited(0), `state=${random.pick(["nowhere", "build", "No Name"])}\n`];
      case "silent":
      case "hang":
      case "rewrite":
        return [exited(0), ""];
    }
  }

  /** Declares a next state and, at times, children. */
  #declare(script: RunningScript, states: readonly string[]): string {
    const { random, scenario, remote } = this.#world;
    const { request, children: existing } = script.call;
    const { branch } = request;
    const state = random.pick(states);
    const heads = [...remote.refs.keys()].filter((ref) => ref.startsWith("refs/heads/")).length;
    const splits = request.state === "split";
    const isRoomy =
      heads < scenario.branches + (splits ? 8 : 4) &&
      !/\..*\./.test(branch) &&
      !["review", "failed", "parked"].includes(state);
    const cancelled =
      scenario.hasJoins && existing.length > 0 && random.chance(0.2) ? random.pick(existing).key : undefined;
    const plain = `state=${state}\n${cancelled === undefined ? "" : `cancel=${cancelled}\n`}`;
    if (!isRoomy || !random.chance(splits ? 0.9 : scenario.childrenChance)) return plain;
    const keys = random.pick(
      splits ? [["a", "b"], ["b", "c"], ["a", "b", "c"], ["d"]] : [["a"], ["b"], ["a", "b"]],
    );
    const children = keys.map((key, at) => ({
      key,
      state: random.pick(splits ? ["test", "test", "ship", "build"] : ["build", "test", "done"]),
      ...(scenario.hasJoins && at > 0 && random.chance(0.4) ? { after: keys.slice(0, at) } : {}),
    }));
    script.declared = { state, children: keys.map((key) => `${branch}.${key}` as Branch) };
    return `${plain}children<<END\n${JSON.stringify(children)}\nEND\n`;
  }
}
