/**
 * Builds the response of a run: its message, the branches that it creates, and what else it moves.
 *
 * Invariants:
 * - Every response carries the state of the work on.
 * - An existing child of this work is kept and not created again.
 * - A response to a failure moves its own branch only.
 */
import { draftChildren, type NewBranch } from "../../core/outcome/create-children.ts";
import { composeMessage } from "../../core/protocol/compose.ts";
import { formatEvidence } from "../../core/policy/evidence.ts";
import { refOf } from "../../core/protocol/ids.ts";
import { formatCarriedState, readCarriedState } from "../../core/workflow/carried-state.ts";
import { draftOtherAnswer } from "../../core/outcome/landing.ts";
import { nextStep } from "../../core/outcome/transitions.ts";
import { roundsProblem } from "../../core/policy/budget.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import type { Output } from "../../core/outcome/output.ts";
import { formatPlan, planText } from "../../core/workflow/plan.ts";
import { draftResponse, type ResponseContent } from "../../core/outcome/response.ts";
import type { Trailer } from "../../core/protocol/trailer-block.ts";
import type { LandingUpdates } from "./landing-updates.ts";
import type { PreparedResponse } from "./commit-result.ts";
import type { SavedTree } from "./salvage.ts";
import type { CollectedTree } from "../attempt-trees.ts";
import type { ObjectWriter } from "../ports.ts";
import { DEPTH } from "../timing.ts";
import { carriedAfter } from "./carried-after.ts";
import { hopLimit } from "../../core/workflow/workflow.ts";
import { runDetails, type AttemptContext, type RequestWork } from "./context.ts";

export interface ScriptResult {
  readonly collected: CollectedTree | undefined;
  readonly saved: SavedTree | undefined;
  readonly secrets: readonly string[];
}

/** Throws a UserError on content that no message can carry. */
export async function buildResponse(
  attempt: AttemptContext,
  content: ResponseContent,
  { collected, saved, secrets }: ScriptResult,
): Promise<PreparedResponse> {
  const { services, work } = attempt;
  const { workflow } = services.trustedConfig;
  const { request } = attempt.run;
  const output = content.trouble ? undefined : content.output;
  const drafts = draftChildren(request, output?.children ?? [], work.carried, hopLimit(workflow), secrets);
  const newBranches = await missingBranches(attempt, drafts);
  const frozenPlan = await freezePlan(services.ports.repository, output);
  const carried = carriedAfter(attempt, content, frozenPlan?.id);
  const message = composeMessage(
    draftResponse(request, content, {
      ...runDetails(attempt, secrets),
      carried: [
        ...formatCarriedState(carried),
        ...evidenceTrailers(output, collected),
        ...approvalTrailers(work),
      ],
      appendix: frozenPlan?.text ?? nextStepText(work, content),
    }),
  );
  return { message, newBranches, collected, saved, landing: landingOf(attempt, content, secrets) };
}

/**
 * Leaves out the children of this work that exist. A branch of the same name that is not a child makes
 * the swap fail.
 */
async function missingBranches(
  { run, services, work }: AttemptContext,
  drafts: readonly NewBranch[],
): Promise<NewBranch[]> {
  const { repository } = services.ports;
  const repeated = drafts.filter(({ key }) => work.carried.children.includes(key));
  if (repeated.length === 0) return [...drafts];
  const values = await repository.read(repeated.map(({ branch }) => refOf(branch)));
  const existing = new Set<string>();
  for (const { key, branch } of repeated) {
    const head = values.get(refOf(branch));
    const parent = head ? readCarriedState(await repository.trail(head, DEPTH.work)).parent : undefined;
    if (parent === run.request.branch) existing.add(key);
  }
  return drafts.filter(({ key }) => !existing.has(key));
}

async function freezePlan(objects: Pick<ObjectWriter, "hashText">, output: Output | undefined) {
  if (!output?.plan) return undefined;
  const id = await objects.hashText(planText(output.plan));
  const [first] = output.plan;
  const head = first ? stepHead(first, 1, output.plan.length) : "";
  return { id, text: `${head}\n\n${formatPlan(id, output.plan)}` };
}

const stepHead = (
  { subject, prompt }: { readonly subject: string; readonly prompt: string },
  at: number,
  of: number,
): string => [`Step ${at} of ${of}: ${subject}`, prompt].filter((part) => part !== "").join("\n\n");

/** The task of the next plan step, for the script or person that answers it. */
function nextStepText({ plan }: RequestWork, { trouble }: ResponseContent): string | undefined {
  const next = nextStep(plan);
  return plan && next && !trouble ? stepHead(next, plan.step + 1, plan.of) : undefined;
}

function evidenceTrailers(output: Output | undefined, collected: CollectedTree | undefined): Trailer[] {
  return collected ? (output?.evidence ?? []).map((name) => formatEvidence(name, collected.tree)) : [];
}

const approvalTrailers = ({ approvals }: RequestWork): Trailer[] =>
  approvals.map(({ by, commit }) => ({ key: KEY.approvedBy, value: `${by} ${commit}` }));

function landingOf(
  { lease, services, work }: AttemptContext,
  { state, output, trouble }: ResponseContent,
  secrets: readonly string[],
): LandingUpdates | undefined {
  const { answers = [], land } = trouble ? {} : (output ?? {});
  if (land === undefined && answers.length === 0) return undefined;
  const { workflow, target } = services.trustedConfig;
  const { run, runner, branch } = lease;
  const facts = { run, runner, by: branch, hopLimit: hopLimit(workflow), secrets, workflow };
  const others = answers.flatMap((answer) => {
    const member = work.members.find(({ request }) => request.branch === answer.branch);
    if (!member) return [];
    // The limits of the other branch hold for every answer to it.
    const limit = roundsProblem(workflow, member.carriedState, answer.state);
    const limited = limit ? { ...answer, state: limit.state, summary: limit.why } : answer;
    return [
      { request: member.request, state: limited.state, message: draftOtherAnswer(limited, member, facts) },
    ];
  });
  const move = land && { ref: refOf(target), expected: work.targetCommit, next: land };
  return { target: move, state, others };
}
