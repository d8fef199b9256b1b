/**
 * State scripts: what they do to their tree, how long they take, how they end.
 *
 * What must hold: one sleeps when its machine does; one that is asked to stop ends soon after; one whose runner died goes on, where the
 * plan says so, until somebody ends it.
 */
import type { Branch } from "../../src/core/protocol/ids.ts";
import type { Exit } from "../../src/core/outcome/outcome.ts";
import { successors } from "../../src/core/workflow/workflow.ts";
import type { ScriptCall, ScriptEnd, Scripts } from "../../src/engine/ports.ts";
import type { DiskTree, Proc } from "./simulated-machine.ts";
import { TTL_MS, type ScriptEnding } from "./scenario.ts";
import type { Random } from "./random.ts";
import { short } from "./trace.ts";
import { isHealed, type Running, type World } from "./world.ts";

/** Between the wish that a script ends and its end. */
const GRACE_MS = 1500;
/** How scripts end once the faults are over: some still fail, but none for ever. */
const CALM: Readonly<Record<ScriptEnding, number>> = {
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
  readonly #proc: Proc;

  constructor(world: World, proc: Proc) {
    this.#world = world;
    this.#proc = proc;
  }

  run(call: ScriptCall, stop: Promise<string>): Promise<ScriptEnd> {
    const { random, plan, trace, stats, running, checks } = this.#world;
    const proc = this.#proc;
    stats.scripts++;
    trace.add(proc.name, () => `script of ${short(call.run)} starts, attempt ${call.attempt}`);
    for (const check of checks) check.starts?.(proc, call);
    const tree = call.tree as DiskTree;
    const script: Running = { proc, call, tree, declared: undefined, stopped: false, ended: false };
    running.set(call.run, script);
    const isOver = () => script.ended || (!proc.alive && !plan.orphans);
    return new Promise((resolve) => {
      const end = (exit: Exit, output = "") => {
        if (isOver()) return;
        script.ended = true;
        trace.add(proc.name, () => `script of ${short(call.run)} ends: ${exit.kind} ${output.trim()}`);
        proc.deliver(() => resolve({ exit, output, log: "a line\n", stdout: "", secrets: [] }));
      };
      const ending = random.weighted(isHealed(this.#world) ? CALM : plan.ends);
      const durationMs = this.#duration();
      const lastMs = Math.min(durationMs, call.timeoutMs);
      for (let writes = random.below(3); writes > 0; writes--) {
        proc.later(random.next() * lastMs, () => {
          if (!isOver()) this.#write(tree, random);
        });
      }
      if (ending === "rewrite")
        proc.later(random.next() * lastMs, () => void (isOver() || this.#rewrite(tree)));
      if (ending === "hang" || durationMs > call.timeoutMs) {
        proc.later(call.timeoutMs, () => end({ kind: "timed-out", afterMs: call.timeoutMs }));
      } else {
        proc.later(durationMs, () => end(...this.#ending(ending, script, random)));
      }
      void stop.then((why) => {
        script.stopped = true;
        proc.later(random.spread(20, GRACE_MS), () => end({ kind: "stopped", why }));
      });
    });
  }

  #duration(): number {
    const { random, plan } = this.#world;
    if (isHealed(this.#world)) return random.spread(100, 4000);
    return random.chance(plan.long) ? random.between(1, 2.5) * TTL_MS : random.spread(100, TTL_MS);
  }

  #write(tree: DiskTree, random: Random): void {
    const { objects } = this.#world;
    tree.content = objects.changed(tree.content, random.hex(16));
    if (random.chance(this.#world.plan.secret)) objects.secrets.add(tree.content);
    if (random.chance(0.3)) {
      tree.head = objects.write(tree.content, [tree.head], "wip\n", Math.floor(this.#proc.wall() / 1000));
    }
  }

  /** History that leaves the request out. */
  #rewrite(tree: DiskTree): void {
    const { objects } = this.#world;
    const [parent] = objects.get(tree.base).parents;
    if (parent) tree.head = objects.write(tree.content, [parent], "rewritten\n", 0);
  }

  #ending(ending: ScriptEnding, script: Running, random: Random): [Exit, string] {
    const { request } = script.call;
    const legal = successors(this.#world.plan.workflow, request.state);
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

  /** The next state, and now and then work for branches that are made together with the answer. */
  #declare(script: Running, states: readonly string[]): string {
    const { random, plan, remote } = this.#world;
    const { request, children: known } = script.call;
    const { branch } = request;
    const state = random.pick(states);
    const heads = [...remote.refs.keys()].filter((ref) => ref.startsWith("refs/heads/")).length;
    const splits = request.state === "split";
    const isRoomy =
      heads < plan.branches + (splits ? 8 : 4) &&
      !/\..*\./.test(branch) &&
      !["review", "failed", "parked"].includes(state);
    const off = plan.joins && known.length > 0 && random.chance(0.2) ? random.pick(known).key : undefined;
    const plain = `state=${state}\n${off === undefined ? "" : `cancel=${off}\n`}`;
    if (!isRoomy || !random.chance(splits ? 0.9 : plan.children)) return plain;
    const keys = random.pick(
      splits ? [["a", "b"], ["b", "c"], ["a", "b", "c"], ["d"]] : [["a"], ["b"], ["a", "b"]],
    );
    const children = keys.map((key, at) => ({
      key,
      state: random.pick(splits ? ["test", "test", "ship", "build"] : ["build", "test", "done"]),
      ...(plan.joins && at > 0 && random.chance(0.4) ? { after: keys.slice(0, at) } : {}),
    }));
    script.declared = { state, children: keys.map((key) => `${branch}.${key}` as Branch) };
    return `${plain}children<<END\n${JSON.stringify(children)}\nEND\n`;
  }
}
