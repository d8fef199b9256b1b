/**
 * Decides which pull requests to open, and which pull requests and issues to close.
 *
 * Invariants:
 * - A pull request is opened only for a branch with commits of its own whose state asks for it.
 * - An issue is closed only when the trusted branch has the work, or when a state asks for it.
 * - Text from strangers in a title cannot close an issue or mention a person.
 */
import type { Branch } from "../../core/protocol/ids.ts";
import { cleanLine, redact } from "../../core/util/redact.ts";
import { parseMessage } from "../../core/protocol/message.ts";
import type { TimelineStep } from "../../core/analysis/timeline.ts";
import { isTerminal, type Workflow } from "../../core/workflow/workflow.ts";
import { escapeCode, escapeLink, escapeProse } from "../api/escape-markdown.ts";
import { branchPath, type PageContext } from "./status-comment.ts";
import { branchOf, ownIssue, pullsOf } from "./issue-links.ts";
import { isMerged, type BranchView } from "./branch-status.ts";
import type { Closing, NewPull, PullRequestRef } from "./desired-state.ts";

const MAX_TITLE = 120;
const MAX_SUMMARY = 600;

/** The pull request to open for a branch; undefined when it needs none, or has one. */
export function missingPull(
  view: BranchView,
  target: Branch,
  pulls: readonly PullRequestRef[],
  page: PageContext,
): NewPull | undefined {
  const { branch, commit } = view.decision.head;
  const [round, isOver] = [currentRound(view), isTerminal(view.state ?? "")];
  const setting = pullSetting(round, page.workflow);
  if (setting === false || branch === target || view.merged !== undefined) return undefined;
  if (isOver && view.state !== "done") return undefined;
  if (pullsOf(branch, pulls).length > 0) return undefined;
  return {
    branch,
    commit,
    base: target,
    title: titleOf(round[0]?.subject ?? "") || branch,
    body: bodyOf(view, page),
    isDraft: setting === "draft",
    shouldReopen: !isOver,
  };
}

/** True when the display depends on whether the trusted branch has the commits. */
export const mayBeMerged = (view: BranchView, workflow: Workflow): boolean =>
  view.state === "done" || pullSetting(currentRound(view), workflow) !== false;

/** The steps since the last end of the work, oldest first. */
function currentRound({ timeline }: BranchView): readonly TimelineStep[] {
  const steps = timeline.filter(({ kind }) => kind !== "attempt");
  const end = steps.findLastIndex(({ state }, at) => at < steps.length - 1 && isTerminal(state));
  return steps.slice(end + 1);
}

/** The `pull` setting of the last state that has one. */
function pullSetting(round: readonly TimelineStep[], { states }: Workflow): boolean | "draft" {
  const settings = round.map(({ state }) => states[state]?.pull ?? false);
  return settings.findLast((setting) => setting !== false) ?? false;
}

/** A title can become a commit subject, in which GitHub interprets numbers, names and links. */
const titleOf = (subject: string): string =>
  cleanLine(redact(subject), MAX_TITLE)
    .replace(/#(?=\d)/g, "＃")
    .replace(/@(?=[A-Za-z0-9])/g, "＠")
    .replace(/:\/\//g, "：//")
    .replace(/\b(gh)-(?=\d)/gi, "$1‐");

function bodyOf(view: BranchView, { address }: PageContext): string {
  const { branch } = view.decision.head;
  const [newest] = view.trail;
  const message = parseMessage(newest?.message ?? "");
  const summary = escapeProse(message.body.slice(0, 4 * MAX_SUMMARY), MAX_SUMMARY);
  const own = ownIssue(branch);
  return [
    `Opened by Trailhand for the work on ${escapeLink(escapeCode(branch), `${address}/tree/${branchPath(branch)}`)}. The comment below shows its status.`,
    `${escapeProse(message.header)}${summary === "" ? "" : `\n\n${summary}`}`,
    escapeLink("All commits", `${address}/commits/${branchPath(branch)}`),
    ...(own === undefined ? [] : [`Closes #${own}`]),
  ].join("\n\n");
}

/** The issue and the pull requests to close. */
export function closingsOf(
  view: BranchView,
  pulls: readonly PullRequestRef[],
  { workflow }: PageContext,
): Closing[] {
  const own = ownIssue(branchOf(view));
  const reason = reasonOf(view, workflow);
  // GitHub itself closes a pull request when the trusted branch has its commits.
  const ours = view.merged === "landed" ? pullsOf(branchOf(view), pulls) : [];
  return [
    ...ours.map(({ number, authorId }): Closing => ({ kind: "pull", number, authorId })),
    ...(own === undefined || reason === undefined
      ? []
      : [{ kind: "issue", number: own, reason } satisfies Closing]),
  ];
}

function reasonOf(view: BranchView, { states }: Workflow): "completed" | "not_planned" | undefined {
  if (isMerged(view)) return "completed";
  const closes = states[view.state ?? ""]?.closes ?? false;
  if (closes === false) return undefined;
  return closes === "not-planned" ? "not_planned" : "completed";
}
