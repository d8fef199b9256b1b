/**
 * Runs the script or prompt of a claimed request in a worktree.
 *
 * Invariants:
 * - A ref holds the changes before the worktree is released.
 * - The script gets no more time than the budget of the work has left.
 */
import { attemptNeeds } from "./attempt-needs.ts";
import { legalAnswers } from "../../core/outcome/transitions.ts";
import { budgetOf } from "../../core/policy/budget.ts";
import { DEFAULTS } from "../../core/workflow/defaults.ts";
import { chooseAgent } from "../../core/outcome/prompt.ts";
import { examine, finalize } from "./finalize.ts";
import { keepCommit, saveTree } from "./salvage.ts";
import { renewWhile } from "./renew-lease.ts";
import type { AttemptTree } from "../attempt-trees.ts";
import type { Script, ScriptCall, ScriptEnd } from "../ports.ts";
import { runShadow } from "./shadow-run.ts";
import { sandboxRule } from "../../core/workflow/sandbox-rule.ts";
import { attemptsOf } from "../../core/workflow/workflow.ts";
import type { AttemptContext, AttemptServices, ClaimedAttempt } from "./context.ts";

export async function execute(attempt: ClaimedAttempt, script: Script): Promise<void> {
  const { claim, run, lease, services } = attempt;
  const { ports } = services;
  const tree = await ports.trees.open(
    lease.run,
    run.request,
    attemptNeeds(services.trustedConfig, run.request.state),
  );
  try {
    const call = await scriptCallOf(attempt, script, tree);
    const result = runSetupAndScript(services, call).then((end) => examine(attempt, end, tree));
    await finalize(attempt, await renewWhile(ports, claim, services.stop, result));
  } catch (error) {
    await saveAfterFault(attempt, tree);
    throw error;
  }
  if (!run.state?.shadow || script.isPrompt) return;
  services.background.add((stop) =>
    runShadow(attempt, async (prompt, shadowTree, shadowRun) => {
      const call = { ...(await scriptCallOf(attempt, prompt, shadowTree)), run: shadowRun };
      return { legal: call.next, end: await runSetupAndScript({ ...services, stop }, call) };
    }),
  );
}

/** Runs the setup hook, which prepares the worktree, then the script. */
export async function runSetupAndScript(
  { ports, stop, trustedConfig }: Pick<AttemptServices, "ports" | "stop" | "trustedConfig">,
  call: ScriptCall,
): Promise<ScriptEnd> {
  if (call.tree.problem !== undefined) return notStarted(call.tree.problem);
  const setup = await trustedConfig.setup();
  if (setup) {
    const end = await ports.scripts.run({ ...call, script: setup, agent: undefined }, stop.done);
    if (end.exit.kind !== "exited" || end.exit.code !== 0) return asSetupFailure(end);
  }
  return ports.scripts.run(call, stop.done);
}

const notStarted = (why: string): ScriptEnd => ({
  exit: { kind: "not-started", why },
  outputFile: "",
  log: "",
  stdout: "",
  secrets: [],
});

/** A failed setup means that the script was not started. Exit code 75 still means: try later. */
function asSetupFailure(end: ScriptEnd): ScriptEnd {
  if (end.exit.kind !== "exited" || end.exit.code === 75) return end;
  const why = `its worktree could not be set up: states/hooks/setup ended with ${end.exit.code}`;
  return { ...end, exit: { kind: "not-started", why }, outputFile: "" };
}

export async function scriptCallOf(
  { run, lease, services, work }: AttemptContext,
  script: Script,
  tree: AttemptTree,
): Promise<ScriptCall> {
  const { ports, trustedConfig } = services;
  const { workflow, target } = trustedConfig;
  const { request, head, state, previousLease } = run;
  const { carried, plan, members, targetCommit, trail, children, approvals } = work;
  const hasPrevious = lease.attempt > 1 || previousLease !== undefined;
  const legal = script.isAynig && workflow.open ? "any" : legalAnswers(workflow, request.state, plan);
  const { time = Number.POSITIVE_INFINITY } = budgetOf(workflow, carried);
  return {
    target,
    targetCommit,
    script,
    tree,
    request,
    trail,
    salvage: hasPrevious ? await ports.repository.salvageRefs(head.branch, request.commit) : [],
    previous: lease.attempt > 1 ? previousLease?.lease?.backoff?.why : undefined,
    run: lease.run,
    attempt: lease.attempt,
    attempts: attemptsOf(run.state),
    timeoutMs: Math.min(state?.timeout ?? DEFAULTS.timeoutMs, Math.max(1, time - carried.spent.time)),
    stallMs: state?.stall,
    env: state?.env ?? [],
    sandbox: sandboxRule(workflow, state),
    next: legal === "any" ? [] : legal,
    ...(state?.writes ? { writes: state.writes } : {}),
    forbid: state?.forbid ?? [],
    carried,
    children,
    approvals,
    plan,
    members: members.map((member) => member.request),
    agent: chooseAgent(workflow, request.state, request, script.agent),
  };
}

/** If nothing can be saved, the worktree stays and the next sweep saves it. */
async function saveAfterFault({ claim, services }: ClaimedAttempt, tree: AttemptTree): Promise<void> {
  const { ports, stop } = services;
  try {
    const saved = saveTree(ports, claim, tree, "the runner could not go on");
    const { value } = (await renewWhile(ports, claim, stop, saved)) ?? {};
    if (value) await keepCommit(ports, claim, value);
  } catch {
    return;
  }
  await ports.trees.release(tree);
}
