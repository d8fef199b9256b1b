/**
 * Checks a claimed request before anything runs for it: permission, plan, evidence and budget.
 *
 * Invariants:
 * - The claimed commit is checked, not the snapshot.
 * - A failed check becomes a response that parks the work, so that no request waits forever.
 */
import type { Run } from "../../core/scheduling/decide.ts";
import { findEvidence, missingEvidence } from "../../core/policy/evidence.ts";
import { budgetProblem } from "../../core/policy/budget.ts";
import { agentProblem, findRequester, authorizationProblem } from "../../core/policy/authorization.ts";
import type { Commit } from "../../core/protocol/request.ts";
import { accountOf } from "../../core/policy/push-identity.ts";
import { refOf, type Branch, type Sha } from "../../core/protocol/ids.ts";
import { UserError, MESSAGES } from "../../core/messages/messages.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { Clock, PushIdentity, Repository, TrustedConfig } from "../ports.ts";
import { proveIdentity } from "../identity-proof.ts";
import { PUSHER } from "../timing.ts";
import type { RequestWork } from "./context.ts";

export interface PreconditionServices {
  readonly ports: {
    readonly repository: Pick<Repository, "contains" | "read"> & PushIdentity;
    readonly clock: Pick<Clock, "sleep" | "wall">;
  };
  readonly trustedConfig: Pick<TrustedConfig, "file" | "target" | "workflow">;
}

/**
 * Why the request is parked instead of run, or undefined. Throws a UserError while the server has not
 * reported the pusher.
 */
export async function preconditionProblem(
  services: PreconditionServices,
  { request, head }: Pick<Run, "request" | "head">,
  { carried, trail, isPlanTampered }: Pick<RequestWork, "carried" | "trail" | "isPlanTampered">,
): Promise<string | undefined> {
  const { workflow } = services.trustedConfig;
  const unauthorized = await permissionProblem(services, request, trail);
  if (unauthorized !== undefined) return unauthorized;
  if (isPlanTampered) return MESSAGES.planTampered(carried.plan?.id ?? "");
  const tree = trail[0]?.tree ?? "";
  const missing = missingEvidence(workflow, request.state, findEvidence(trail, tree, workflow));
  if (missing.length > 0) return MESSAGES.noEvidence(request.state, missing);
  return budgetProblem(workflow, carried, head.branch);
}

async function permissionProblem(
  services: PreconditionServices,
  { state, branch }: Run["request"],
  trail: readonly Commit[],
): Promise<string | undefined> {
  const { ports, trustedConfig } = services;
  const { workflow } = trustedConfig;
  if (workflow.states[state]?.by === undefined) return undefined;
  const requester = findRequester(trail, workflow);
  if (!requester) return undefined;
  const { commit, isByScript } = requester;
  // Anyone can write a commit that looks like a response. Where pushers are proven, the pusher decides.
  if (isByScript && workflow.proof !== "pusher") return agentProblem(workflow, state, commit);
  if (!isByScript && (await isOnTarget(services, branch, commit.commit)))
    return authorizationProblem(workflow, state, undefined);
  const isRecent = ports.clock.wall() - commit.committed * 1000 < PUSHER.newMs;
  const pauses = workflow.proof === "pusher" && isRecent ? PUSHER.waitsMs : [];
  for (const ms of [...pauses, undefined]) {
    const proven = await proveIdentity(ports.repository, trustedConfig, branch, trail, [commit]);
    if (!proven) return authorizationProblem(workflow, state, commit.author ?? "");
    const address = proven.get(commit.commit);
    if (isByScript && isRunnerAccount(workflow, address)) return agentProblem(workflow, state, commit);
    if (address !== undefined || pauses.length === 0) return authorizationProblem(workflow, state, address);
    if (ms !== undefined) await ports.clock.sleep(ms);
  }
  throw new UserError(MESSAGES.pusherUnknown(commit.commit, branch));
}

/** True for an account whose commits count as a runner's. */
const isRunnerAccount = (workflow: Workflow, address: string | undefined): boolean =>
  workflow["on-behalf"].includes(Number(accountOf(address ?? "")));

/** True for a request that the trusted branch contains: creating a branch there does not re-issue it. */
async function isOnTarget(
  { ports: { repository }, trustedConfig: { workflow, target } }: PreconditionServices,
  branch: Branch,
  request: Sha,
): Promise<boolean> {
  if (workflow.proof !== "pusher" || branch === target) return false;
  const targetRef = refOf(target);
  const targetCommit = (await repository.read([targetRef])).get(targetRef);
  return targetCommit ? repository.contains(targetCommit, request) : false;
}
