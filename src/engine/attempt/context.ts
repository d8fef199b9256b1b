/** What one attempt works with, in parts, so that each function takes only what it needs. */
import type { Approval } from "../../core/policy/approvals.ts";
import type { Child } from "../../core/scheduling/children.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { Lease } from "../../core/protocol/lease.ts";
import type { CarriedState } from "../../core/workflow/carried-state.ts";
import type { BatchMember } from "../../core/outcome/landing.ts";
import { chooseAgent, DEFAULT_AGENT } from "../../core/outcome/prompt.ts";
import type { ConditionContext } from "../../core/scheduling/conditions.ts";
import type { Run } from "../../core/scheduling/decide.ts";
import type { Plan } from "../../core/workflow/plan.ts";
import type { Commit } from "../../core/protocol/request.ts";
import type { RunFacts } from "../../core/outcome/response.ts";
import { attemptsOf, hopLimit } from "../../core/workflow/workflow.ts";
import type { BackgroundQueue } from "../background-queue.ts";
import type { Claim } from "./lease-holder.ts";
import type { StopSwitch } from "./stop-switch.ts";
import type { Ports, Script, TrustedConfig } from "../ports.ts";

/** The means of an attempt. */
export interface AttemptServices {
  readonly ports: Ports;
  readonly trustedConfig: TrustedConfig;
  readonly stop: StopSwitch;
  /** Runs tasks after the request is answered. */
  readonly background: Pick<BackgroundQueue, "add">;
}

/** The request and the history below it. */
export interface RequestWork {
  /** The head of the trusted branch in the snapshot. */
  readonly targetCommit: Sha;
  /** The history of the request, newest first, including the request itself. */
  readonly trail: readonly Commit[];
  readonly carried: CarriedState;
  readonly children: readonly Child[];
  /** The approvals that count for this request. */
  readonly approvals: readonly Approval[];
  /** The snapshot, to find out which requests would wait for each other. */
  readonly conditions: ConditionContext;
  readonly members: readonly BatchMember[];
  /** The frozen plan that the request is a step of. */
  readonly plan: Plan | undefined;
  /** True when the text of the plan is not the text that was frozen. */
  readonly isPlanTampered: boolean;
}

/** What identifies an attempt. A replay has all of it, and no claim. */
export interface AttemptIdentity {
  readonly run: Run;
  readonly lease: Lease;
  readonly script: Script | undefined;
}

export interface AttemptContext extends AttemptIdentity {
  /** On the monotonic clock. */
  readonly startedAt: number;
  readonly services: AttemptServices;
  readonly work: RequestWork;
}

/** An attempt whose lease this runner holds. Only such an attempt writes a response. */
export interface ClaimedAttempt extends AttemptContext {
  readonly claim: Claim;
}

/** What a response says about its run. */
export function runDetails(
  { run, lease, script, startedAt, services }: Omit<AttemptContext, "work">,
  secrets: readonly string[],
): RunFacts {
  const { ports, trustedConfig } = services;
  const { workflow, blob } = trustedConfig;
  const { request } = run;
  const agent = () => chooseAgent(workflow, request.state, request, script?.agent);
  return {
    run: lease.run,
    runner: lease.runner,
    attempt: lease.attempt,
    attempts: attemptsOf(run.state),
    tookMs: ports.clock.mono() - startedAt,
    hopLimit: hopLimit(workflow),
    workflow: blob,
    script: script?.blob,
    agent: script?.isPrompt ? (agent()?.name ?? DEFAULT_AGENT) : undefined,
    secrets,
  };
}
