/**
 * Runs the script or the prompt of a claimed request in a worktree.
 *
 * What must hold: whatever it did is on a ref before its worktree is given back; it never runs longer
 * than what is left of the time that the work may take.
 */
import { legalAnswers } from "../../core/outcome/transitions.ts";
import { budgetOf } from "../../core/policy/budget.ts";
import { chooseAgent } from "../../core/outcome/prompt.ts";
import { keep, type Claim } from "./lease-holder.ts";
import { finalize } from "./finalize.ts";
import { salvage } from "./commit-result.ts";
import type { Ports, Script, ScriptCall, ScriptEnd, AttemptTree } from "../ports.ts";
import { runShadow } from "./shadow-run.ts";
import { attemptsOf, type AttemptContext } from "./context.ts";
import { DEFAULTS } from "../../core/workflow/defaults.ts";

export async function execute(work: AttemptContext, script: Script): Promise<void> {
  const { ports, claim: held } = work;
  const { request } = held.run;
  const tree = await ports.trees.open(held.lease.run, request);
  let end: ScriptEnd;
  try {
    const call = await scriptCallOf(work, script, tree);
    end = await attend(work, call);
    await finalize(work, end, tree);
  } catch (error) {
    await saveAfterFault(ports, held, tree);
    throw error;
  }
  if (!held.run.state?.shadow || script.isPrompt) return;
  work.beside((stop) =>
    runShadow(work, async (one, at, run) => {
      const call = { ...(await scriptCallOf(work, one, at)), run };
      return { legal: call.next, end: await runSetupAndScript({ ...work, stop }, call) };
    }),
  );
}

/** The script, while the lease is kept. */
async function attend(work: AttemptContext, call: ScriptCall): Promise<ScriptEnd> {
  const running = runSetupAndScript(work, call);
  const [end] = await Promise.all([running, keep(work.ports, work.claim, work.stop, running)]);
  return end;
}

/** The hook that makes a worktree fit to work in, then the script. */
export async function runSetupAndScript(
  { ports, stop, trustedConfig }: AttemptContext,
  call: ScriptCall,
): Promise<ScriptEnd> {
  const setup = await trustedConfig.setup();
  if (setup) {
    const ready = await ports.scripts.run({ ...call, script: setup, agent: undefined }, stop.done);
    if (ready.exit.kind !== "exited" || ready.exit.code !== 0) return asSetup(ready);
  }
  return ports.scripts.run(call, stop.done);
}

/** That nothing could be run is said as such, and is no answer of the script. */
function asSetup(end: ScriptEnd): ScriptEnd {
  if (end.exit.kind !== "exited" || end.exit.code === 75) return end;
  const why = `its worktree could not be set up: states/hooks/setup ended with ${end.exit.code}`;
  return { ...end, exit: { kind: "not-started", why }, output: "" };
}

/** What a script is told. */
export async function scriptCallOf(
  work: AttemptContext,
  script: Script,
  tree: AttemptTree,
): Promise<ScriptCall> {
  const { ports, claim: held, workflow, carried } = work;
  const { request, head, state } = held.run;
  const previous = held.lease.attempt > 1 || held.run.previousLease !== undefined;
  const legal = script.isAynig && workflow.open ? "any" : legalAnswers(workflow, request.state, work.plan);
  const { time = Number.POSITIVE_INFINITY } = budgetOf(workflow, carried);
  return {
    target: work.target,
    targetCommit: work.targetCommit,
    script,
    tree,
    request,
    trail: work.trail,
    salvage: previous ? await ports.repository.salvageRefs(head.branch, request.commit) : [],
    previous: held.lease.attempt > 1 ? held.run.previousLease?.lease?.backoff?.why : undefined,
    run: held.lease.run,
    attempt: held.lease.attempt,
    attempts: attemptsOf(held),
    timeoutMs: Math.min(state?.timeout ?? DEFAULTS.timeoutMs, Math.max(1, time - carried.spent.time)),
    stallMs: state?.stall,
    env: state?.env ?? [],
    next: legal === "any" ? [] : legal,
    ...(state?.writes ? { writes: state.writes } : {}),
    forbid: state?.forbid ?? [],
    carried: carried,
    children: work.offspring,
    approvals: work.approvals,
    plan: work.plan,
    members: work.members.map(({ request: one }) => one),
    agent: chooseAgent(workflow, request.state, request, script.agent),
  };
}

/** When nothing can be saved, nothing is removed: the worktree stays, and the next sweep saves it. */
async function saveAfterFault(ports: Ports, held: Claim, tree: AttemptTree): Promise<void> {
  try {
    await salvage(ports, held, tree, "the runner could not go on");
  } catch {
    return;
  }
  await ports.trees.release(tree);
}
