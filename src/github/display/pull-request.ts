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
import { pathOf, type Page } from "./status-comment.ts";
import { nameOf, ownIssue, pullsAt } from "./issue-links.ts";
import { isIn, type BranchView } from "./branch-status.ts";
import type { Closing, NewPull, PullRequestRef } from "./desired-state.ts";

const TITLE = 120;
const SUMMARY = 600;

/** The pull request that a branch should have; undefined: none, or it has one. */
export function pullOf(
  seen: BranchView,
  target: Branch,
  pulls: readonly PullRequestRef[],
  page: Page,
): NewPull | undefined {
  const { branch, commit } = seen.decision.head;
  const [round, isOver] = [roundOf(seen), isTerminal(seen.state ?? "")];
  const wish = wishOf(round, page.workflow);
  if (wish === false || branch === target || seen.arrived !== undefined) return undefined;
  if (isOver && seen.state !== "done") return undefined;
  if (pullsAt(branch, pulls).length > 0) return undefined;
  return {
    branch,
    commit,
    base: target,
    title: titleOf(round[0]?.subject ?? "") || branch,
    body: bodyOf(seen, page),
    isDraft: wish === "draft",
    again: !isOver,
  };
}

/** True where it may have to be known whether the trusted branch has the commits. */
export const mayArrive = (seen: BranchView, workflow: Workflow): boolean =>
  seen.state === "done" || wishOf(roundOf(seen), workflow) !== false;

/** The steps since the work last came to an end, oldest first. */
function roundOf({ timeline }: BranchView): readonly TimelineStep[] {
  const steps = timeline.filter(({ kind }) => kind !== "attempt");
  const end = steps.findLastIndex(({ state }, at) => at < steps.length - 1 && isTerminal(state));
  return steps.slice(end + 1);
}

/** What the last state says that says anything of a pull request. */
function wishOf(round: readonly TimelineStep[], { states }: Workflow): boolean | "draft" {
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

function bodyOf(seen: BranchView, { address }: Page): string {
  const { branch } = seen.decision.head;
  const [newest] = seen.trail;
  const message = parseMessage(newest?.message ?? "");
  const summary = escapeProse(message.body.slice(0, 4 * SUMMARY), SUMMARY);
  const own = ownIssue(branch);
  return [
    `Opened by Trailhand, for the work on ${escapeLink(escapeCode(branch), `${address}/tree/${pathOf(branch)}`)}. The comment below says where it stands.`,
    `${escapeProse(message.header)}${summary === "" ? "" : `\n\n${summary}`}`,
    escapeLink("All its commits", `${address}/commits/${pathOf(branch)}`),
    ...(own === undefined ? [] : [`Closes #${own}`]),
  ].join("\n\n");
}

/** What is to be closed now that the work is where it is. */
export function closingsOf(
  seen: BranchView,
  pulls: readonly PullRequestRef[],
  { workflow }: Page,
): Closing[] {
  const own = ownIssue(nameOf(seen));
  const reason = reasonOf(seen, workflow);
  // GitHub closes a pull request itself when the trusted branch has its very commits.
  const ours = seen.arrived === "landed" ? pullsAt(nameOf(seen), pulls) : [];
  return [
    ...ours.map(({ number, authorId }): Closing => ({ kind: "pull", number, authorId })),
    ...(own === undefined || reason === undefined
      ? []
      : [{ kind: "issue", number: own, reason } satisfies Closing]),
  ];
}

function reasonOf(seen: BranchView, { states }: Workflow): "completed" | "not_planned" | undefined {
  if (isIn(seen)) return "completed";
  const closes = states[seen.state ?? ""]?.closes ?? false;
  if (closes === false) return undefined;
  return closes === "not-planned" ? "not_planned" : "completed";
}
