/**
 * A branch as GitHub is told of it: whose turn it is, in words that do not change with the clock.
 *
 * What must hold: (pure) the same refs give the same words at any time, or every look would write.
 */
import type { Decision, DecisionReason } from "../../core/scheduling/decision.ts";
import type { Commit } from "../../core/protocol/request.ts";
import type { Reason } from "../../core/scheduling/reasons.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { TimelineStep } from "../../core/analysis/timeline.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { Button, Conclusion } from "./desired-state.ts";

/** What was seen of one branch. */
export interface BranchView {
  readonly decision: Decision;
  readonly reason: Reason;
  /** Its request's, or that of the request below its head. */
  readonly state: string | undefined;
  /** First-parent history, newest first, as far as it is the branch's own. */
  readonly trail: readonly Commit[];
  /** Oldest first. */
  readonly timeline: readonly TimelineStep[];
  /** The request that approvals above it have not yet let go on. */
  readonly approvalTarget: Sha | undefined;
  /**
   * How the trusted branch has its work: its very head, or what it landed as; `nothing`: its head is
   * there, and no commit of it was ever this branch's. Undefined: it has not, or that decides nothing.
   */
  readonly merged?: "head" | "landed" | "nothing" | undefined;
}

/** True for finished work that the trusted branch has. */
export const isMerged = ({ state, merged }: BranchView): boolean =>
  state === "done" && (merged === "head" || merged === "landed");

/** How a check run stands. */
export interface CheckStatus {
  readonly status: "queued" | "in_progress" | "completed";
  readonly conclusion: Conclusion | undefined;
}

const ENDS: Readonly<Record<string, Conclusion>> = {
  done: "success",
  failed: "failure",
  cancelled: "neutral",
};

const whyOf = (decision: Decision): DecisionReason | undefined =>
  "why" in decision ? decision.why : undefined;

/** Undefined: nothing is shown of the branch. */
export function checkStatusOf({ decision, reason, state }: BranchView): CheckStatus | undefined {
  const at = (status: CheckStatus["status"], conclusion?: Conclusion): CheckStatus => ({
    status,
    conclusion,
  });
  const why = whyOf(decision);
  if (state === undefined) return undefined;
  if (!why) return at(decision.kind === "land" ? "in_progress" : "queued");
  if (why.code === "ended") return at("completed", ENDS[why.detail] ?? "neutral");
  if (decision.kind === "ignore") return undefined;
  if (why.code === "running" || why.code === "running-older" || why.code === "foreign")
    return at("in_progress");
  // A stop of everything is over soon, and is nothing that this branch could be blamed for.
  if (why.code === "held" || reason.turn !== "person") return at("queued");
  return at("completed", "action_required");
}

const DURATION = /\b(?:in|for) \d+(?:ms|s|m|h|d)(?: \d+(?:ms|s|m|h))*(?: more)?/g;
const isoTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The sentence of `status`, with moments in place of durations. */
export function sentenceOf({ decision, reason }: BranchView): string {
  const why = whyOf(decision);
  switch (why?.code) {
    case "not-before":
      return `waits for its time, ${isoTime(why.until)}`;
    case "lane-closed":
      return `the lane ${why.detail} is closed until ${isoTime(why.until)}`;
    case "resting":
      return `${why.detail}; the next attempt comes by itself`;
    case "foreign":
      return "another worker has it";
    case "waits":
      return why.detail.replace(DURATION, "for its time");
    default:
      return reason.sentence;
  }
}

/** What a person writes in a comment to send the work on; undefined: nothing has to be written. */
export function nextCommand(view: BranchView, { states }: Pick<Workflow, "states">): string | undefined {
  const { decision, reason, state } = view;
  const why = whyOf(decision);
  if (!why || reason.turn !== "person") return undefined;
  switch (why.code) {
    case "ended":
      return "/retry";
    case "parked":
    case "taken-over":
    case "void-approval":
      return "/resume";
    case "waits":
      return `/approve ${view.approvalTarget ?? decision.head.commit}`;
    case "held":
      return "/hold off";
    case "blocked":
    case "unwritable":
      return undefined;
    default:
      return `/request ${states[state ?? ""]?.next[0] ?? "<state>"}`;
  }
}

const BUTTONS = {
  approve: { identifier: "approve", label: "Approve", description: "Approve exactly this commit" },
  retry: { identifier: "retry", label: "Retry", description: "Request the failed state again" },
  resume: { identifier: "resume", label: "Resume", description: "Continue this work" },
  cancel: { identifier: "cancel", label: "Cancel", description: "End this work and its children" },
} as const satisfies Record<string, Button>;

/** What can be pressed at the check run; GitHub takes three at the most. */
export function buttonsOf({ decision, reason }: BranchView): readonly Button[] {
  const why = whyOf(decision);
  if (why?.code === "ended") return why.detail === "failed" ? [BUTTONS.retry] : [];
  // What is pressed approves the commit that bears the button: that must be the request itself.
  const isRequest = decision.head.reading.kind === "request";
  if (why?.code === "waits" && reason.turn === "person" && isRequest)
    return [BUTTONS.approve, BUTTONS.cancel];
  if (why?.code === "parked" || why?.code === "taken-over") return [BUTTONS.resume, BUTTONS.cancel];
  if (why?.code === "resting") return [BUTTONS.retry, BUTTONS.cancel];
  return decision.kind === "ignore" ? [] : [BUTTONS.cancel];
}
