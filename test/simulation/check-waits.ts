/**
 * The properties of waits, of what calls work off, and of the global stop.
 *
 * What must hold: JOIN a join is answered only when its rule held of the children at some moment
 * since the look that it was decided on, or could not hold any more, or its time was over; HOLD
 * nothing is begun by a look that began while everything was held; at the end nothing waits that
 * could go on, and nothing that was called off stands. Judged anew, not by what the core says.
 */
import { branchOf, refOf, type Branch, type RunId, type Sha } from "../../src/core/protocol/ids.ts";
import { HOLD } from "../../src/core/protocol/refs.ts";
import { parseRequest } from "../../src/core/protocol/request.ts";
import type { Head } from "../../src/core/scheduling/snapshot.ts";
import type { Join } from "../../src/core/workflow/wait.ts";
import { isTerminal } from "../../src/core/workflow/workflow.ts";
import type { ScriptCall } from "../../src/engine/ports.ts";
import { childOf, familyAt, requestAt } from "./parentage.ts";
import type { Proc } from "./simulated-machine.ts";
import type { Landed } from "./remote.ts";
import { short } from "./trace.ts";
import type { Checks, World } from "./world.ts";

type End = "done" | "lost" | "person" | "open";

/** What a branch that was handed out has come to. */
function endOf({ objects }: World, branch: Branch, value: Sha | null): End {
  if (value === null) return "lost";
  const asked = parseRequest(branch, objects.get(value));
  if (asked.kind === "none" || asked.state === "parked" || asked.state === "stalled") return "person";
  if (asked.state === "done") return "done";
  return isTerminal(asked.state) ? "lost" : "open";
}

const joinOf = ({ plan }: World, state: string): Join | undefined =>
  plan.workflow.states[state]?.wait.flatMap((one) => (one.kind === "children" ? [one.join] : []))[0];

/** Whether a rule may hold, and whether it may be out of reach, where each child came to one of some ends. */
function judge(
  rule: Join,
  ends: readonly ReadonlySet<End>[],
): { readonly met: boolean; readonly never: boolean } {
  const count = (...wanted: End[]) => ends.filter((all) => wanted.some((one) => all.has(one))).length;
  const total = ends.length;
  if (total === 0) return { met: true, never: false };
  const settled = count("done", "lost", "person");
  if (rule.rule === "any") return { met: settled > 0, never: false };
  if (rule.rule === "settled") return { met: settled === total, never: false };
  const n = rule.rule === "quorum" ? rule.n : total;
  return { met: count("done") >= n, never: total - count("lost") < n };
}

export class WaitCheck implements Partial<Checks> {
  readonly #world: World;
  readonly #fail: (what: string) => void;
  #heldSince: number | undefined;

  constructor(world: World, fail: (what: string) => void) {
    this.#world = world;
    this.#fail = fail;
    world.remote.watch((landed) => this.#note(landed));
  }

  begins(proc: Proc, state: string, lookedAt: number): void {
    if (this.#heldSince === undefined || lookedAt <= this.#heldSince) return;
    this.#fail(`HOLD ${proc.name} begins ${state}, and everything was held before it looked`);
  }

  starts(proc: Proc, { run, request }: ScriptCall): void {
    this.#judgeJoin(proc, run, request.branch, request.commit, undefined);
  }

  #note({ by, changes }: Landed): void {
    const { objects, scheduler } = this.#world;
    for (const { ref, after } of changes) {
      if (ref === HOLD) this.#heldSince = after ? scheduler.now : undefined;
      const branch = branchOf(ref);
      const answers = after && objects.value(after, "Answers");
      if (!by || !branch || !after || !answers) continue;
      const run = objects.value(after, "Run") as RunId;
      this.#judgeJoin(by, run, branch, answers as Sha, objects.value(after, "State"));
    }
  }

  /** `next` is what was answered; undefined: a script runs. */
  #judgeJoin(by: Proc, run: RunId, branch: Branch, at: Sha, next: string | undefined): void {
    const { objects, plan, owners } = this.#world;
    const asked = requestAt(objects, branch, at);
    const rule = asked && joinOf(this.#world, asked.state);
    if (!asked || !rule) return;
    const { deadline = 0, otherwise, next: legal = [] } = plan.workflow.states[asked.state] ?? {};
    const { met, never } = judge(rule, this.#ends(run, branch, at));
    const proc = owners.get(run) ?? by;
    const isOver = proc.latestWall - objects.get(at).committed * 1000 > deadline;
    const what = `${branch} at ${short(at)} waits for ${JSON.stringify(rule)}`;
    const mayGoOn = next === undefined || (plan.scriptless.includes(asked.state) && legal.includes(next));
    if (mayGoOn && !met) this.#fail(`JOIN ${what}, and goes on without`);
    if (next === otherwise && !never && !isOver)
      this.#fail(`JOIN ${what}, and is given up while that may come`);
  }

  /** What each child that is waited for came to since the look that a run was decided on. */
  #ends(run: RunId, branch: Branch, at: Sha): ReadonlySet<End>[] {
    const { objects, remote, since } = this.#world;
    const asked = remote.history(refOf(branch)).find(({ value }) => value === at)?.time ?? 0;
    const from = Math.max(asked, since.get(run) ?? 0);
    const { children, joined } = familyAt(objects, at);
    return children
      .filter((key) => !joined.has(key))
      .map((key) => {
        const child = childOf(branch, key);
        const moments = remote.history(refOf(child));
        const first = moments.findLastIndex(({ time }) => time <= from);
        const values = first < 0 ? [null] : [];
        const all = [...values, ...moments.slice(Math.max(0, first)).map(({ value }) => value)];
        return new Set(all.map((value) => endOf(this.#world, child, value)));
      });
  }
}

/** Why a head that waits could go on; undefined: it could not. */
export function whyStuck(world: World, { branch, commit }: Head): string | undefined {
  const { objects, remote } = world;
  const asked = requestAt(objects, branch, commit);
  if (!asked) return undefined;
  const rule = joinOf(world, asked.state);
  const end = (one: Branch) => endOf(world, one, remote.value(refOf(one)));
  const { children, joined } = familyAt(objects, commit);
  const open = children.filter((key) => !joined.has(key)).map((key) => new Set([end(childOf(branch, key))]));
  const verdict = rule && judge(rule, open);
  if (verdict?.never) return "what it joins cannot come any more";
  const ends = asked.dependsOn.map((text) => end(text.replace(/^branch /, "") as Branch));
  if (ends.includes("lost")) return "what it depends on cannot come any more";
  const isReady = (verdict?.met ?? true) && ends.every((one) => one === "done");
  return isReady ? "all that it waits for has come" : undefined;
}

/** Children that were called off, or whose parent was, and that stand all the same. */
export function findCalledOff({ objects }: World, heads: readonly Head[]): string[] {
  const states = new Map(heads.map(({ branch, reading }) => [branch, reading]));
  return heads.flatMap(({ branch, reading, commit }) => {
    const parent = objects.value(commit, "Parent") as Branch | undefined;
    if (reading.kind === "none" || isTerminal(reading.state) || parent === undefined) return [];
    const above = states.get(parent);
    if (above?.kind !== "request") return [];
    const { cancels } = familyAt(objects, above.commit);
    const isOff = above.state === "cancelled" || cancels.has(branch.slice(parent.length + 1));
    return isOff ? [`${branch} was called off, and stands at ${reading.state}`] : [];
  });
}

/** How long it is watched whether something that waits is given up. */
const SOON_MS = 900_000;

/** True when the time of something that waits is over before long. */
export function isDue({ objects, plan, remote, machines }: World): boolean {
  if (!plan.joins) return false;
  const wall = machines[0]?.wall() ?? 0;
  return [...remote.refs].some(([ref, value]) => {
    const branch = branchOf(ref);
    const asked = branch && requestAt(objects, branch, value);
    const { wait = [], deadline = 0 } = (asked && plan.workflow.states[asked.state]) ?? {};
    const leftMs = objects.get(value).committed * 1000 + deadline - wall;
    return wait.length > 0 && leftMs > 0 && leftMs < SOON_MS;
  });
}
