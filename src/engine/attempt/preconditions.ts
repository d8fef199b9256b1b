/**
 * What stands against a request before anything is run for it.
 *
 * What must hold: asked of the commit that is claimed, not of what a look saw; each refusal is an
 * answer that parks the work, so that nobody waits for nothing.
 */
import type { Run } from "../../core/scheduling/decide.ts";
import { findEvidence, missingEvidence } from "../../core/policy/evidence.ts";
import type { CarriedState } from "../../core/workflow/carried-state.ts";
import { budgetProblem } from "../../core/policy/budget.ts";
import { agentProblem, findRequester, authorizationProblem } from "../../core/policy/authorization.ts";
import type { Commit } from "../../core/protocol/request.ts";
import { accountOf } from "../../core/policy/push-identity.ts";
import { refOf, type Branch, type Sha } from "../../core/protocol/ids.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { TrustedConfig, Ports } from "../ports.ts";
import { proveIdentity } from "../loop/identity-proof.ts";
import { PUSHER } from "../timing.ts";

/** A request, and what it is judged by. */
interface PreconditionInput {
  readonly ports: Ports;
  readonly trustedConfig: TrustedConfig;
  readonly workflow: Workflow;
  readonly claim: { readonly run: Pick<Run, "request" | "head"> };
  readonly carried: CarriedState;
  /** The history below it, itself included, newest first. */
  readonly trail: readonly Commit[];
  /** True when its plan is not the one that was frozen. */
  readonly isTampered: boolean;
}

/**
 * Why the request is parked in place of being run; undefined: it may run. Throws a Fault where the
 * server has not told yet who pushed it.
 */
export async function preconditionProblem(work: PreconditionInput): Promise<string | undefined> {
  const { workflow, carried, trail, claim } = work;
  const { request, head } = claim.run;
  const permit = await permitRefusal(work);
  if (permit !== undefined) return permit;
  if (work.isTampered) return MESSAGES.planTampered(carried.plan?.id ?? "");
  const tree = trail[0]?.tree ?? "";
  const missing = missingEvidence(workflow, request.state, findEvidence(trail, tree, workflow));
  if (missing.length > 0) return MESSAGES.noEvidence(request.state, missing);
  return budgetProblem(workflow, carried, head.branch);
}

async function permitRefusal({
  ports,
  trustedConfig,
  workflow,
  trail,
  claim,
}: PreconditionInput): Promise<string | undefined> {
  const { state, branch } = claim.run.request;
  if (workflow.states[state]?.by === undefined) return undefined;
  const asking = findRequester(trail, workflow);
  if (!asking) return undefined;
  const { commit: asker, isByScript: byScript } = asking;
  // Anybody can write what looks like an answer: where it is told who pushed it, that decides.
  if (byScript && workflow.proof !== "pusher") return agentProblem(workflow, state, asker);
  if (!byScript && (await isOfTrusted(ports, trustedConfig, branch, asker.commit)))
    return authorizationProblem(workflow, state, undefined);
  const isFresh = ports.clock.wall() - asker.committed * 1000 < PUSHER.newMs;
  const waits = workflow.proof === "pusher" && isFresh ? PUSHER.waitsMs : [];
  for (const ms of [...waits, undefined]) {
    const proven = await proveIdentity(ports.repository, trustedConfig, branch, trail, [asker]);
    if (!proven) return authorizationProblem(workflow, state, asker.author ?? "");
    const by = proven.get(asker.commit);
    if (byScript && isOnBehalf(workflow, by)) return agentProblem(workflow, state, asker);
    if (by !== undefined || waits.length === 0) return authorizationProblem(workflow, state, by);
    if (ms !== undefined) await ports.clock.sleep(ms);
  }
  throw new UserError(MESSAGES.pusherUnknown(asker.commit, branch));
}

/** True for an account whose own commits are believed to be a runner's. */
const isOnBehalf = (workflow: Workflow, address: string | undefined): boolean =>
  workflow["on-behalf"].includes(Number(accountOf(address ?? "")));

/** Who makes a branch from the trusted one asks for nothing that lay there already, in another's words. */
async function isOfTrusted(
  { repository }: Pick<Ports, "repository">,
  { workflow, target }: TrustedConfig,
  branch: Branch,
  asker: Sha,
): Promise<boolean> {
  if (workflow.proof !== "pusher" || branch === target) return false;
  const trusted = (await repository.read([refOf(target)])).get(refOf(target));
  return trusted ? repository.contains(trusted, asker) : false;
}
