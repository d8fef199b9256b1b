/**
 * Calls: the new comment, where only a person can go on.
 *
 * What must hold: (pure) one call for each commit that it is about; only people whom the workflow of
 * the trusted branch names are mentioned, by the login that GitHub put into their address.
 */
import { requestersOf } from "../../core/policy/approvals.ts";
import type { Sha } from "../../core/protocol/ids.ts";
import { isSamePerson } from "../../core/policy/people.ts";
import { loginOf } from "../../core/policy/push-identity.ts";
import { singles } from "../../core/workflow/wait.ts";
import type { Workflow } from "../../core/workflow/workflow.ts";
import { mentionText, type PageContext } from "./status-comment.ts";
import { branchOf, ownIssue, parentOf, pullsOf } from "./issue-links.ts";
import type { BranchView } from "./branch-status.ts";
import { STATUS_MARKER, KEY_PREFIX, type MentionComment, type PullRequestRef } from "./desired-state.ts";

/** More people are not mentioned at once. */
const MAX_MENTIONS = 20;
const MENTION_MARKER = new RegExp(`^<!-- ${KEY_PREFIX}:call ([0-9a-f]{40}|[0-9a-f]{64}) -->$`);
const mentionMarker = (commit: Sha): string => `<!-- ${KEY_PREFIX}:call ${commit} -->`;

/** The commit that a person is called for; undefined: it is nobody's turn, or only this machine's. */
export function mentionReason({ decision, reason, approvalTarget: approves }: BranchView): Sha | undefined {
  const why = "why" in decision ? decision.why.code : undefined;
  // What stands in the way of one machine, or of everything, is not about this work.
  if (reason.turn !== "person" || why === "held" || why === "blocked") return undefined;
  return approves ?? decision.head.commit;
}

/** Where a person is called, and how. `all` are the branches that are shown, with their numbers. */
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

/** The pull request first, then the branch's own issue, then others; without any, where its parent is shown. */
function mentionNumbers(
  view: BranchView,
  all: ReadonlyMap<BranchView, readonly number[]>,
  pulls: readonly PullRequestRef[],
): readonly number[] {
  const known = new Set<BranchView>();
  for (let one: BranchView | undefined = view; one && !known.has(one);) {
    const branch = branchOf(one);
    const [own, numbers] = [ownIssue(branch), all.get(one) ?? []];
    const first = [
      ...pullsOf(branch, pulls).map(({ number }) => number),
      ...(own === undefined ? [] : [own]),
    ];
    if (numbers.length > 0) return [...new Set([...first, ...numbers])];
    // What became of a child is its parent's to say.
    if (one.state === "failed") return [];
    known.add(one);
    const parent = parentOf(one);
    one = [...all.keys()].find((other) => branchOf(other) === parent);
  }
  return [];
}

/** Logins of those whose approval is waited for. */
function mentionsOf({ decision, state, trail }: BranchView, { states, people }: Workflow): string[] {
  if (!("why" in decision) || decision.why.code !== "waits") return [];
  const logins = (states[state ?? ""]?.wait ?? []).flatMap(singles).flatMap((one) => {
    if (one.kind !== "approvals") return [];
    const askers = one.own ? [] : requestersOf(trail);
    return one.by
      .flatMap((name) => (Object.hasOwn(people, name) ? (people[name] ?? []) : [name]))
      .filter((address) => !askers.some((asker) => isSamePerson(asker, address)))
      .flatMap((address) => loginOf(address) ?? []);
  });
  return [...new Set(logins)].slice(0, MAX_MENTIONS);
}

/** The commits that a comment of ours called people for. */
export const mentionsIn = (body: string): string[] =>
  markerLines(body).flatMap((line) => MENTION_MARKER.exec(line)?.[1] ?? []);

/** The marks of a body: its first lines, as far as they are comments of ours. */
function markerLines(body: string): string[] {
  const lines = body.replaceAll("\r\n", "\n").split("\n");
  const end = lines.findIndex((line) => !MENTION_MARKER.test(line) && !line.startsWith(STATUS_MARKER));
  return end < 0 ? lines : lines.slice(0, end);
}

/** A status comment that is a call too; it stays one when it is edited. */
export function withMentions(body: string, commits: readonly string[]): string {
  const [first = "", ...rest] = body.split("\n");
  return [first, ...commits.map((commit) => mentionMarker(commit as Sha)), ...rest].join("\n");
}
