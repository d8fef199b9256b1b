/**
 * Makes the reply of a run: its message, the branches that it makes, what it moves beyond its own.
 *
 * What must hold: what the work carries goes on with every answer; a child that is there already, as
 * a child of this very work, is kept and not made again; an answer that is trouble moves its own
 * branch only.
 */
import { addAmounts, type Budget } from "../../core/util/amounts.ts";
import { draftChildren, type NewBranch } from "../../core/outcome/create-children.ts";
import { composeMessage } from "../../core/protocol/compose.ts";
import { formatEvidence } from "../../core/policy/evidence.ts";
import { refOf } from "../../core/protocol/ids.ts";
import {
  entering,
  formatCarriedState,
  readCarriedState,
  type CarriedState,
} from "../../core/workflow/carried-state.ts";
import { draftOtherAnswer } from "../../core/outcome/landing.ts";
import { nextStep } from "../../core/outcome/transitions.ts";
import { roundsProblem } from "../../core/policy/budget.ts";
import type { Output } from "../../core/outcome/output.ts";
import { formatPlan, planText } from "../../core/workflow/plan.ts";
import { draftResponse, type FinalState } from "../../core/outcome/response.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import type { LandingUpdates } from "./landing-updates.ts";
import type { PreparedResponse, Saved } from "./commit-result.ts";
import type { CollectedTree } from "../ports.ts";
import { runDetails, hopLimit, type AttemptContext } from "./context.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { DEPTH } from "../timing.ts";

export interface ScriptResult {
  readonly sealed: CollectedTree | undefined;
  readonly salvage: Saved | undefined;
  readonly secrets: readonly string[];
}

/** What an attempt used, as its script says and our clock. */
export function usedBy(work: AttemptContext, output: Output | undefined): Budget {
  const { cost = 0, tokens = 0, turns = 0 } = output ?? {};
  return { cost, tokens, turns, time: Math.round(work.ports.clock.mono() - work.startedAt) };
}

/** The whole reply. Throws a Fault on what no message can carry. */
export async function buildResponse(
  work: AttemptContext,
  verdict: FinalState,
  left: ScriptResult,
): Promise<PreparedResponse> {
  const { claim } = work;
  const { request } = claim.run;
  const output = verdict.trouble ? undefined : verdict.output;
  const hops = hopLimit(work);
  const drafted = draftChildren(request, output?.children ?? [], work.carried, hops, left.secrets);
  const births = await unborn(work, drafted);
  const frozen = await freeze(work, output);
  const item = carriedOn(work, verdict, frozen?.id);
  const facts = runDetails(work, left.secrets);
  const message = composeMessage(
    draftResponse(request, verdict, {
      ...facts,
      carried: [...formatCarriedState(item), ...proofs(output, left.sealed), ...approvers(work)],
      appendix: frozen?.text ?? stepText(work, verdict),
    }),
  );
  return { message, births, sealed: left.sealed, salvage: left.salvage, beyond: beyond(work, verdict, left) };
}

/** Children that are not there yet. Any other branch of that name is in the way, and the swap finds it. */
async function unborn(
  { ports, claim, carried }: AttemptContext,
  births: readonly NewBranch[],
): Promise<NewBranch[]> {
  const repeated = births.filter(({ key }) => carried.children.includes(key));
  if (repeated.length === 0) return [...births];
  const values = await ports.repository.read(repeated.map(({ branch }) => refOf(branch)));
  const kept = new Set<string>();
  for (const { key, branch } of repeated) {
    const head = values.get(refOf(branch));
    const parent = head ? readCarriedState(await ports.repository.trail(head, DEPTH.work)).parent : undefined;
    if (parent === claim.run.request.branch) kept.add(key);
  }
  return births.filter(({ key }) => !kept.has(key));
}

async function freeze({ ports }: AttemptContext, output: Output | undefined) {
  if (!output?.plan) return undefined;
  const id = await ports.repository.hashText(planText(output.plan));
  const [first] = output.plan;
  const head = first ? stepHead(first, 1, output.plan.length) : "";
  return { id, text: `${head}\n\n${formatPlan(id, output.plan)}` };
}

const stepHead = (
  step: { readonly subject: string; readonly prompt: string },
  at: number,
  of: number,
): string => [`Step ${at} of ${of}: ${step.subject}`, step.prompt].filter((part) => part !== "").join("\n\n");

/** What the next step of a plan asks, for who answers it. */
function stepText({ plan }: AttemptContext, { trouble }: FinalState): string | undefined {
  const next = nextStep(plan);
  return plan && next && !trouble ? stepHead(next, plan.step + 1, plan.of) : undefined;
}

/** The work as the answer carries it. */
function carriedOn(
  work: AttemptContext,
  { state, output, trouble }: FinalState,
  frozen: string | undefined,
): CarriedState {
  const { carried: item, offspring, plan } = work;
  const given = trouble ? undefined : output;
  const joined = joins(work, state, trouble !== undefined)
    ? offspring.filter(({ result }) => result !== "going")
    : [];
  const add = (old: readonly string[], more: readonly string[]): string[] => [...new Set([...old, ...more])];
  const next: CarriedState = {
    ...item,
    // What children spent is the work's, once it has their results.
    spent: joined
      .filter(({ isNew }) => isNew)
      .reduce(addAmounts, addAmounts(item.spent, usedBy(work, output))),
    children: add(
      item.children,
      (given?.children ?? []).map(({ key }) => key),
    ),
    joined: add(
      item.joined,
      joined.map(({ key }) => key),
    ),
    cancels: add(item.cancels, given?.cancel ?? []),
    risk: given?.risk ?? item.risk,
    plan: frozen === undefined ? placeAfter(work) : { id: frozen, step: 1, of: given?.plan?.length ?? 0 },
  };
  const isOff = trouble || (plan && state !== nextStep(plan)?.state);
  const carried = isOff && frozen === undefined ? { ...next, plan: placeNow(work, state) } : next;
  return entering(carried, state, work.workflow);
}

/**
 * Whether this answer ends a wait for children. One that ended in vain hands them to a script as they
 * are; a person may mend them, and then they are waited for again.
 */
function joins({ claim, workflow }: AttemptContext, state: string, isTrouble: boolean): boolean {
  const waits = claim.run.state?.wait.some((one) => one.kind === "children" || one.kind === "either");
  const next = workflow.states[state];
  return (
    waits === true &&
    (!isTrouble || (claim.run.knownAnswer !== undefined && next !== undefined && !next.human))
  );
}

/** After the last step the plan is fulfilled, and binds nobody any more. */
function placeAfter({ plan, carried }: AttemptContext): CarriedState["plan"] {
  if (!plan) return carried.plan;
  return plan.step < plan.of ? { id: plan.id, step: plan.step + 1, of: plan.of } : undefined;
}

/** Where trouble leads aside, the step is still to be done. */
function placeNow({ plan, carried }: AttemptContext, state: string): CarriedState["plan"] {
  const isAside = ["failed", "parked"].includes(state) || plan === undefined || plan.step < plan.of;
  return isAside ? carried.plan : undefined;
}

function proofs(output: Output | undefined, sealed: CollectedTree | undefined): Trailer[] {
  return sealed ? (output?.evidence ?? []).map((name) => formatEvidence(name, sealed.tree)) : [];
}

const approvers = ({ approvals }: AttemptContext): Trailer[] =>
  approvals.map(({ by, commit }) => ({ key: KEY.approvedBy, value: `${by} ${commit}` }));

function beyond(
  work: AttemptContext,
  { state, output, trouble }: FinalState,
  { secrets }: ScriptResult,
): LandingUpdates | undefined {
  const { answers = [], land: landing } = trouble ? {} : (output ?? {});
  if (landing === undefined && answers.length === 0) return undefined;
  const { claim, workflow, target, targetCommit, members } = work;
  const { run, runner, branch } = claim.lease;
  const facts = { run, runner, by: branch, hopLimit: hopLimit(work), secrets, workflow: work.workflow };
  const others = answers.flatMap((answer) => {
    const member = members.find(({ request }) => request.branch === answer.branch);
    if (!member) return [];
    // Its own limits hold, whoever answers it.
    const most = roundsProblem(workflow, member.carriedState, answer.state);
    const given = most ? { ...answer, state: most.state, summary: most.why } : answer;
    return [{ request: member.request, state: given.state, message: draftOtherAnswer(given, member, facts) }];
  });
  const land = landing && { ref: refOf(target), expected: targetCommit, next: landing };
  return { land, state, others };
}
