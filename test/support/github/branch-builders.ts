/** Builds branch views from commit messages. */
import { createHash } from "node:crypto";
import type { Decision, DecisionReason } from "../../../src/core/scheduling/decision.ts";
import type { Branch, Sha } from "../../../src/core/protocol/ids.ts";
import { reasonOf } from "../../../src/core/scheduling/reasons.ts";
import { parseRequest, type Commit } from "../../../src/core/protocol/request.ts";
import { readTimeline } from "../../../src/core/analysis/timeline.ts";
import type { Head } from "../../../src/core/scheduling/snapshot.ts";
import type { Workflow } from "../../../src/core/workflow/workflow.ts";
import { parseWorkflow } from "../../../src/core/workflow/workflow-file.ts";
import { ownTrail, type ProjectionInput } from "../../../src/github/display/project.ts";
import type { BranchView } from "../../../src/github/display/branch-status.ts";

export const NOW = 1_700_000_600_000;
const START = 1_700_000_000;

const hash = (text: string, length: number) =>
  createHash("sha256").update(text).digest("hex").slice(0, length);

export const WORKFLOW: Workflow = workflowOf(
  "states:\n  work: { description: Does the work, next: [review, done] }\n  review: { human: true, next: [done, work] }\n",
);

export function workflowOf(text: string): Workflow {
  const { workflow } = parseWorkflow(text);
  if (!workflow) throw new Error("no workflow");
  return workflow;
}

/** Commits with these messages, oldest first. `$1` in a message is the id of the first commit. */
export function trailOf(branch: string, ...messages: readonly string[]): Commit[] {
  const trail: Commit[] = [];
  for (const [at, text] of messages.entries()) {
    const message = text.replace(/\$(\d+)/g, (_, n: string) => trail[Number(n) - 1]?.commit ?? "");
    const parents = at === 0 ? [] : [trail[at - 1]?.commit as Sha];
    trail.push({
      commit: hash(`${branch} ${at} ${message}`, 40) as Sha,
      parents,
      committed: START + at,
      message,
    });
  }
  return trail.toReversed();
}

export const ask = (state: string, more = ""): string =>
  `feat: a thing\n\nPlease.\n\nState: ${state}\n${more}`;
export const answer = (of: number, state: string, more = ""): string =>
  `${state}: it\n\nState: ${state}\nAnswers: $${of}\nRunner: ann@desk\nTook: 5s\nAttempt: 1/3\n${more}`;

/** A branch with this history. Its decision follows from its head, unless `why` is given. */
export function seenOf(branch: string, messages: readonly string[], why?: DecisionReason): BranchView {
  const trail = ownTrail(branch as Branch, trailOf(branch, ...messages));
  const [commit] = trail;
  if (!commit) throw new Error("no commit");
  const asked = parseRequest(branch as Branch, commit);
  const head: Head = { ...commit, branch: branch as Branch, key: hash(branch, 40), reading: asked };
  const decision = decisionOf(head, why);
  const state = asked.kind === "request" ? asked.state : undefined;
  const timeline = readTimeline(branch as Branch, trail, []);
  return { decision, reason: reasonOf(decision, NOW), state, trail, timeline, approvalTarget: undefined };
}

function decisionOf(head: Head, why: DecisionReason | undefined): Decision {
  const { reading } = head;
  if (why) {
    const kind =
      why.code === "running" || why.code === "waits" || why.code === "not-before" ? "wait" : "park";
    return { kind, head, why };
  }
  if (reading.kind === "none") return { kind: "ignore", head, why: { code: "no-state" } };
  if (["done", "failed", "cancelled"].includes(reading.state))
    return { kind: "ignore", head, why: { code: "ended", detail: reading.state } };
  if (reading.state === "review") return { kind: "park", head, why: { code: "person" } };
  return { kind: "run", head, request: reading, state: undefined, attempt: 1, previousLease: undefined };
}

export const projected = (
  seen: readonly BranchView[],
  more: Partial<ProjectionInput> = {},
): ProjectionInput => ({
  views: seen,
  workflow: WORKFLOW,
  pulls: [],
  repo: "octo/shop",
  address: "https://github.com/octo/shop",
  target: "main" as Branch,
  now: NOW,
  ...more,
});
