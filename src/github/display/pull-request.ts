/**
 * Pull requests and issues: which are to be opened, and which have come to their end.
 *
 * What must hold: (pure) a pull request is wanted of a branch with commits of its own whose state
 * says so; an issue is closed for work that the trusted branch has, or where a state says so, and
 * never before; what strangers wrote is data in a title, and closes or mentions nothing there.
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

const TITLE = 120;
const SUMMARY = 600;

/** The pull request that a branch should have; undefined: none, or it has one. */
export function missingPull(
  view: BranchView,
  target: Branch,
  pulls: readonly PullRequestRef[],
  page: PageContext,
): NewPull | undefined {
  const { branch, commit } = view.decision.head;
  const [round, isOver] = [currentRound(view), isTerminal(view.state ?? "")];
  const wish = pullSetting(round, page.workflow);
  if (wish === false || branch === target || view.merged !== undefined) return undefined;
  if (isOver && view.state !== "done") return undefined;
  if (pullsOf(branch, pulls).length > 0) return undefined;
  return {
    branch,
    commit,
    base: target,
    title: titleOf(round[0]?.subject ?? "") || branch,
    body: bodyOf(view, page),
    isDraft: wish === "draft",
    shouldReopen: !isOver,
  };
}

/** True where it may have to be known whether the trusted branch has the commits. */
export const mayBeMerged = (view: BranchView, workflow: Workflow): boolean =>
  view.state === "done" || pullSetting(currentRound(view), workflow) !== false;

/** The steps since the work last came to an end, oldest first. */
function currentRound({ timeline }: BranchView): readonly TimelineStep[] {
  const steps = timeline.filter(({ kind }) => kind !== "attempt");
  const end = steps.findLastIndex(({ state }, at) => at < steps.length - 1 && isTerminal(state));
  return steps.slice(end + 1);
}

/** What the last state says that says anything of a pull request. */
function pullSetting(round: readonly TimelineStep[], { states }: Workflow): boolean | "draft" {
  const wishes = round.map(({ state }) => states[state]?.pull ?? false);
  return wishes.findLast((wish) => wish !== false) ?? false;
}

/** Of a title GitHub reads keywords, numbers and names, when it becomes a commit. */
const titleOf = (subject: string): string =>
  cleanLine(redact(subject), TITLE)
    .replace(/#(?=\d)/g, "＃")
    .replace(/@(?=[A-Za-z0-9])/g, "＠")
    .replace(/:\/\//g, "：//")
    .replace(/\b(gh)-(?=\d)/gi, "$1‐");

function bodyOf(view: BranchView, { address }: PageContext): string {
  const { branch } = view.decision.head;
  const [newest] = view.trail;
  const message = parseMessage(newest?.message ?? "");
  const summary = escapeProse(message.body.slice(0, 4 * SUMMARY), SUMMARY);
  const own = ownIssue(branch);
  return [
    `Opened by Trailhand, for the work on ${escapeLink(escapeCode(branch), `${address}/tree/${branchPath(branch)}`)}. The comment below says where it stands.`,
    `${escapeProse(message.header)}${summary === "" ? "" : `\n\n${summary}`}`,
    escapeLink("All its commits", `${address}/commits/${branchPath(branch)}`),
    ...(own === undefined ? [] : [`Closes #${own}`]),
  ].join("\n\n");
}

/** What is to be closed now that the work is where it is. */
export function closingsOf(
  view: BranchView,
  pulls: readonly PullRequestRef[],
  { workflow }: PageContext,
): Closing[] {
  const own = ownIssue(branchOf(view));
  const reason = reasonOf(view, workflow);
  // GitHub closes a pull request itself when the trusted branch has its very commits.
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
