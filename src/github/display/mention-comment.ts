/**
 * The comment that asks a person to act.
 *
 * Invariants:
 * - There is one such comment for each commit.
 * - Only people named in the workflow of the trusted branch are mentioned, by the login in the noreply
 *   address that GitHub gave them.
 */
import { latestApprovers, requestersOf } from "../../core/policy/approvals.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import { isSamePerson } from "../../core/policy/people.ts";
import { loginOf } from "../../core/policy/push-identity.ts";
import { singles } from "../../core/workflow/wait.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { mentionText, type PageContext } from "./status-comment.ts";
import { branchOf, ownIssue, parentOf, pullsOf } from "./issue-links.ts";
import type { BranchView } from "./branch-status.ts";
import { STATUS_MARKER, KEY_PREFIX, type MentionComment, type PullRequestRef } from "./desired-state.ts";

/** People mentioned in one comment. */
const MAX_MENTIONS = 20;
const MENTION_MARKER = new RegExp(`^<!-- ${KEY_PREFIX}:call ([0-9a-f]{40}|[0-9a-f]{64}) -->$`);
const mentionMarker = (commit: Sha): string => `<!-- ${KEY_PREFIX}:call ${commit} -->`;

/** The commit for which a person must act; undefined when no person must. */
export function mentionReason({ decision, reason, approvalTarget }: BranchView): Sha | undefined {
  const why = "why" in decision ? decision.why.code : undefined;
  // A hold, or a problem of one machine, is not about this work.
  if (reason.turn !== "person" || why === "held" || why === "blocked") return undefined;
  return approvalTarget ?? decision.head.commit;
}

/** `all` are the displayed branches with the numbers of their issues and pull requests. */
export function mentionOf(
  view: BranchView,
  all: ReadonlyMap<BranchView, readonly number[]>,
  pulls: readonly PullRequestRef[],
  page: PageContext,
): MentionComment | undefined {
  const commit = mentionReason(view);
  const numbers = commit === undefined ? [] : mentionNumbers(view, all, pulls);
  if (commit === undefined || numbers.length === 0) return undefined;
  const mentions = mentionsOf(view, page.workflow).map((login) => `@${login}`);
  const body = [
    mentionMarker(commit),
    ...mentionText(view, commit, page),
    ...(mentions.length > 0 ? [mentions.join(" ")] : []),
  ].join("\n\n");
  return { commit, numbers, body, hasMentions: mentions.length > 0 };
}

/** The pull request first, then the issue of the branch, then others. Without any: those of the parent. */
function mentionNumbers(
  view: BranchView,
  all: ReadonlyMap<BranchView, readonly number[]>,
  pulls: readonly PullRequestRef[],
): readonly number[] {
  const visited = new Set<BranchView>();
  for (let current: BranchView | undefined = view; current && !visited.has(current);) {
    const branch = branchOf(current);
    const [own, numbers] = [ownIssue(branch), all.get(current) ?? []];
    const first = [
      ...pullsOf(branch, pulls).map(({ number }) => number),
      ...(own === undefined ? [] : [own]),
    ];
    if (numbers.length > 0) return [...new Set([...first, ...numbers])];
    // The parent reacts to a failed child itself.
    if (current.state === "failed") return [];
    visited.add(current);
    const parent = parentOf(current);
    current = [...all.keys()].find((other) => branchOf(other) === parent);
  }
  return [];
}

/** The logins of the people who may give the required approvals. */
function mentionsOf({ decision, state, trail }: BranchView, { states, people }: Workflow): string[] {
  if (!("why" in decision) || decision.why.code !== "waits") return [];
  const logins = (states[state ?? ""]?.wait ?? []).flatMap(singles).flatMap((condition) => {
    if (condition.kind !== "approvals") return [];
    const excluded = [...(condition.own ? [] : requestersOf(trail)), ...latestApprovers(trail)];
    return condition.by
      .flatMap((name) => (Object.hasOwn(people, name) ? (people[name] ?? []) : [name]))
      .filter((address) => !excluded.some((one) => isSamePerson(one, address)))
      .flatMap((address) => loginOf(address) ?? []);
  });
  return [...new Set(logins)].slice(0, MAX_MENTIONS);
}

/** The commits for which a comment of Trailhand asks a person to act. */
export const mentionsIn = (body: string): string[] =>
  markerLines(body).flatMap((line) => MENTION_MARKER.exec(line)?.[1] ?? []);

/** The markers of a comment: its first lines, up to the first that is not a marker. */
function markerLines(body: string): string[] {
  const lines = body.replaceAll("\r\n", "\n").split("\n");
  const end = lines.findIndex((line) => !MENTION_MARKER.test(line) && !line.startsWith(STATUS_MARKER));
  return end < 0 ? lines : lines.slice(0, end);
}

/** Adds the markers of these commits to a status comment, so that an edit keeps them. */
export function withMentions(body: string, commits: readonly string[]): string {
  const [first = "", ...rest] = body.split("\n");
  return [first, ...commits.map((commit) => mentionMarker(commit as Sha)), ...rest].join("\n");
}
