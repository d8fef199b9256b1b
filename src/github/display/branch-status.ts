/**
 * The status of a branch as GitHub displays it.
 *
 * Invariants:
 * - The texts depend on the refs only and not on the clock; otherwise every run would write.
 */
import type { Decision, DecisionReason } from "../../core/scheduling/decision.ts";
import type { Commit } from "../../core/protocol/request.ts";
import type { Reason } from "../../core/scheduling/reasons.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import type { TimelineStep } from "../../core/analysis/timeline.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import type { Button, Conclusion } from "./desired-state.ts";

/** Everything that the display needs to know about a branch. */
export interface BranchView {
  readonly decision: Decision;
  readonly reason: Reason;
  /** The state of its request, which can be below the head. */
  readonly state: string | undefined;
  /** The branch's own first-parent history, newest first. */
  readonly trail: readonly Commit[];
  /** Oldest first. */
  readonly timeline: readonly TimelineStep[];
  /** The request below the approvals, while more approvals are required. */
  readonly approvalTarget: Sha | undefined;
  /**
   * How the trusted branch contains the work: the head itself, or the commits it landed as. `nothing`
   * means that the branch never had a commit of its own. Undefined: not contained, or not relevant.
   */
  readonly merged?: "head" | "landed" | "nothing" | undefined;
}

/** True for finished work that the trusted branch contains. */
export const isMerged = ({ state, merged }: BranchView): boolean =>
  state === "done" && (merged === "head" || merged === "landed");

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

/** Undefined when the branch is not displayed. */
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
  // A hold of the repository ends soon, and this branch is not its cause.
  if (why.code === "held" || reason.turn !== "person") return at("queued");
  return at("completed", "action_required");
}

const FOR_MORE = /\bfor \d+(?:ms|s|m|h|d)(?: \d+(?:ms|s|m|h))* more/g;
const IN_TIME = /, in \d+(?:ms|s|m|h|d)(?: \d+(?:ms|s|m|h))*/g;
/** A page that shows the time left would have to be edited all the time. */
const withoutTimeLeft = (text: string): string =>
  text.replace(FOR_MORE, "for a set time").replace(IN_TIME, "");
const isoTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** The sentence of `trailhand status`, with points in time instead of durations. */
export function sentenceOf({ decision, reason }: BranchView): string {
  const why = whyOf(decision);
  switch (why?.code) {
    case "not-before":
      return `starts at ${isoTime(why.until)}`;
    case "lane-closed":
      return `the lane ${why.detail} is closed until ${isoTime(why.until)}`;
    case "resting":
      return `${why.detail}; the next attempt starts by itself`;
    case "foreign":
      return "another worker is working on it";
    case "waits":
      return withoutTimeLeft(why.detail);
    default:
      return reason.sentence;
  }
}

/** The command with which a person continues the work; undefined when none is needed. */
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

/** The buttons of the check run. GitHub allows three at most. */
export function buttonsOf({ decision, reason }: BranchView): readonly Button[] {
  const why = whyOf(decision);
  if (why?.code === "ended") return why.detail === "failed" ? [BUTTONS.retry] : [];
  // The button approves the commit of its check run, so that commit must be the request itself.
  const isRequest = decision.head.reading.kind === "request";
  if (why?.code === "waits" && reason.turn === "person" && isRequest)
    return [BUTTONS.approve, BUTTONS.cancel];
  if (why?.code === "parked" || why?.code === "taken-over") return [BUTTONS.resume, BUTTONS.cancel];
  if (why?.code === "resting") return [BUTTONS.retry, BUTTONS.cancel];
  return decision.kind === "ignore" ? [] : [BUTTONS.cancel];
}
