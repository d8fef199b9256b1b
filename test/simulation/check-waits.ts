/**
 * Checks waits, cancellation and holds, independently of the core.
 *
 * - JOIN: a wait for children is answered only when its rule held at some time since the poll that
 *   decided it, can no longer hold, or passed its deadline.
 * - HOLD: a poll that started during a hold starts no request.
 * - At the end, no waiting request could run, and no cancelled child is left.
 */
import { branchOf, refOf, type Branch, type RunId, type Sha } from "../../src/core/protocol/ids.ts";
import { HOLD } from "../../src/core/protocol/refs.ts";
import { parseRequest } from "../../src/core/protocol/request.ts";
import type { Head } from "../../src/core/scheduling/snapshot.ts";
import type { Join } from "../../src/core/workflow/wait.ts";
import { isTerminal } from "../../src/core/workflow/workflow.ts";
import type { ScriptCall } from "../../src/engine/ports.ts";
import { childBranch, parentageAt, requestAt } from "./parentage.ts";
import type { RunnerProcess } from "./simulated-machine.ts";
import type { LandedPush } from "./remote.ts";
import { short } from "./trace.ts";
import type { Checker, World } from "./world.ts";

type End = "done" | "lost" | "person" | "open";

/** The result of a child. */
function endOf({ objects }: World, branch: Branch, value: Sha | null): End {
  if (value === null) return "lost";
  const request = parseRequest(branch, objects.get(value));
  if (request.kind === "none" || request.state === "parked" || request.state === "stalled") return "person";
  if (request.state === "done") return "done";
  return isTerminal(request.state) ? "lost" : "open";
}

const joinOf = ({ scenario }: World, state: string): Join | undefined =>
  scenario.workflow.states[state]?.wait.flatMap((one) => (one.kind === "children" ? [one.join] : []))[0];

/** Whether a rule may hold, and whether it may be out of reach, if each child had one of several ends. */
function evaluateRule(
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

export class WaitChecker implements Partial<Checker> {
  readonly #world: World;
  readonly #fail: (what: string) => void;
  #heldSince: number | undefined;

  constructor(world: World, fail: (what: string) => void) {
    this.#world = world;
    this.#fail = fail;
    world.remote.watch((landed) => this.#record(landed));
  }

  onScriptLookup(proc: RunnerProcess, state: string, lookedAt: number): void {
    if (this.#heldSince === undefined || lookedAt <= this.#heldSince) return;
    this.#fail(`HOLD ${proc.name} starts ${state} after a poll during a hold`);
  }

  onScriptStart(proc: RunnerProcess, { run, request }: ScriptCall): void {
    this.#checkJoin(proc, run, request.branch, request.commit, undefined);
  }

  #record({ by, changes }: LandedPush): void {
    const { objects, scheduler } = this.#world;
    for (const { ref, after } of changes) {
      if (ref === HOLD) this.#heldSince = after ? scheduler.now : undefined;
      const branch = branchOf(ref);
      const answers = after && objects.trailer(after, "Answers");
      if (!by || !branch || !after || !answers) continue;
      const run = objects.trailer(after, "Run") as RunId;
      this.#checkJoin(by, run, branch, answers as Sha, objects.trailer(after, "State"));
    }
  }

  /** `next` is the state of the response; undefined: a script starts. */
  #checkJoin(by: RunnerProcess, run: RunId, branch: Branch, at: Sha, next: string | undefined): void {
    const { objects, scenario, runOwners: owners } = this.#world;
    const request = requestAt(objects, branch, at);
    const rule = request && joinOf(this.#world, request.state);
    if (!request || !rule) return;
    const { deadline = 0, otherwise, next: legal = [] } = scenario.workflow.states[request.state] ?? {};
    const { met, never } = evaluateRule(rule, this.#childEnds(run, branch, at));
    const proc = owners.get(run) ?? by;
    const isOver = proc.latestWall - objects.get(at).committed * 1000 > deadline;
    const what = `${branch} at ${short(at)} waits for ${JSON.stringify(rule)}`;
    const mayGoOn =
      next === undefined || (scenario.scriptless.includes(request.state) && legal.includes(next));
    if (mayGoOn && !met) this.#fail(`JOIN ${what}, and continues without it`);
    if (next === otherwise && !never && !isOver)
      this.#fail(`JOIN ${what}, and is given up although it may still hold`);
  }

  /** The ends of each awaited child since the poll that decided the run. */
  #childEnds(run: RunId, branch: Branch, at: Sha): ReadonlySet<End>[] {
    const { objects, remote, runPollStarts: since } = this.#world;
    const request = remote.history(refOf(branch)).find(({ value }) => value === at)?.time ?? 0;
    const from = Math.max(request, since.get(run) ?? 0);
    const { children, joined } = parentageAt(objects, at);
    return children
      .filter((key) => !joined.has(key))
      .map((key) => {
        const child = childBranch(branch, key);
        const entries = remote.history(refOf(child));
        const first = entries.findLastIndex(({ time }) => time <= from);
        const values = first < 0 ? [null] : [];
        const all = [...values, ...entries.slice(Math.max(0, first)).map(({ value }) => value)];
        return new Set(all.map((value) => endOf(this.#world, child, value)));
      });
  }
}

/** Why a waiting request could run; undefined if it could not. */
export function whyRunnable(world: World, { branch, commit }: Head): string | undefined {
  const { objects, remote } = world;
  const request = requestAt(objects, branch, commit);
  if (!request) return undefined;
  const rule = joinOf(world, request.state);
  const end = (one: Branch) => endOf(world, one, remote.value(refOf(one)));
  const { children, joined } = parentageAt(objects, commit);
  const open = children
    .filter((key) => !joined.has(key))
    .map((key) => new Set([end(childBranch(branch, key))]));
  const result = rule && evaluateRule(rule, open);
  if (result?.never) return "its children can no longer fulfil its rule";
  const ends = request.dependsOn.map((text) => end(text.replace(/^branch /, "") as Branch));
  if (ends.includes("lost")) return "a branch that it depends on is lost";
  const isReady = (result?.met ?? true) && ends.every((one) => one === "done");
  return isReady ? "all its conditions hold" : undefined;
}

/** Open children that were cancelled, or whose parent was. */
export function findCancelledChildren({ objects }: World, heads: readonly Head[]): string[] {
  const states = new Map(heads.map(({ branch, reading }) => [branch, reading]));
  return heads.flatMap(({ branch, reading, commit }) => {
    const parent = objects.trailer(commit, "Parent") as Branch | undefined;
    if (reading.kind === "none" || isTerminal(reading.state) || parent === undefined) return [];
    const above = states.get(parent);
    if (above?.kind !== "request") return [];
    const { cancels } = parentageAt(objects, above.commit);
    const isOff = above.state === "cancelled" || cancels.has(branch.slice(parent.length + 1));
    return isOff ? [`${branch} was cancelled, and is still at ${reading.state}`] : [];
  });
}

/** A deadline within this time is waited for. */
const SOON_MS = 900_000;

/** True when a deadline of a waiting request is near. */
export function hasDeadlineSoon({ objects, scenario, remote, machines }: World): boolean {
  if (!scenario.hasJoins) return false;
  const wall = machines[0]?.wall() ?? 0;
  return [...remote.refs].some(([ref, value]) => {
    const branch = branchOf(ref);
    const request = branch && requestAt(objects, branch, value);
    const { wait = [], deadline = 0 } = (request && scenario.workflow.states[request.state]) ?? {};
    const leftMs = objects.get(value).committed * 1000 + deadline - wall;
    return wait.length > 0 && leftMs > 0 && leftMs < SOON_MS;
  });
}
