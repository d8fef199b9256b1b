/**
 * Computes from the branches what GitHub should show.
 *
 * Invariants:
 * - The same refs give the same desired state.
 * - An issue or pull request has one state label and one status comment, however many branches link to it.
 * - Only commits of people link a branch to an issue or to the comment of a command.
 */
import type { Branch } from "../../core/protocol/ids.ts";
import { parseMessage, valueOf } from "../../core/protocol/message.ts";
import { approvedCommit, type Commit, parseRequest } from "../../core/protocol/request.ts";
import { readHandOffs, type HandOff as Hand } from "../../core/protocol/hand-offs.ts";
import { isTerminal, type Workflow } from "../../core/workflow/workflow.ts";
import { checkSummary, type PageContext, pastSummary, statusBody } from "./status-comment.ts";
import { cleanLine, redact } from "../../core/util/redact.ts";
import { encodePath } from "../api/escape-markdown.ts";
import { mentionReason, mentionOf } from "./mention-comment.ts";
import type { Repo } from "../api/repo.ts";
import { labelOf, branchOf, numbersOf, ownIssue, parentOf } from "./issue-links.ts";
import { closingsOf, missingPull } from "./pull-request.ts";
import { buttonsOf, type BranchView, sentenceOf, checkStatusOf } from "./branch-status.ts";
import {
  type CommandSource,
  sourceKey,
  type Check,
  type Conclusion,
  type ReactionContent,
  KEY_PREFIX,
  type PullRequestRef,
  type Reaction,
  type ThreadState,
  type DesiredState,
} from "./desired-state.ts";
import { KEY } from "../../core/protocol/trailer-keys.ts";
import { SHOWN_AFTER_END_MS } from "../timing.ts";

export interface ProjectionInput {
  readonly views: readonly BranchView[];
  readonly workflow: Workflow;
  readonly pulls: readonly PullRequestRef[];
  /** `owner/name`. */
  readonly repo: string;
  /** The web page: `https://github.com/owner/name`. */
  readonly address: string;
  /** The trusted branch. */
  readonly target: Branch;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Limits the result to these branches. Their issues still list all other branches. */
  readonly only?: ReadonlySet<string>;
}

/** The desired state as a function of the open pull requests. `server` is the address of the web pages. */
export const projectBranches =
  (branches: Omit<ProjectionInput, "pulls" | "repo" | "address">, { owner, name }: Repo, server: string) =>
  (pulls: readonly PullRequestRef[]): DesiredState =>
    project({ ...branches, pulls, repo: `${owner}/${name}`, address: `${server}/${owner}/${name}` });

export function project({
  views,
  workflow,
  pulls,
  repo,
  address,
  target,
  now,
  only,
}: ProjectionInput): DesiredState {
  const page: PageContext = { workflow, address, target };
  const shown = views.filter((view) => checkStatusOf(view) !== undefined);
  const numbers = new Map(shown.map((view) => [view, numbersOf(view, pulls)]));
  const selected = shown.filter((view) => !only || only.has(branchOf(view)));
  const parents = new Set(selected.map(parentOf));
  const concerned = only
    ? shown.filter((view) => selected.includes(view) || parents.has(branchOf(view)))
    : shown;
  const wanted = new Set(concerned.flatMap((view) => numbers.get(view) ?? []));
  const recent = selected.filter((view) => isRecent(view, now));
  const linkedOrRecent = selected.filter(
    (view) => (numbers.get(view)?.length ?? 0) > 0 || recent.includes(view),
  );
  return {
    threads: threadsOf(shown, numbers, page).filter(({ number }) => wanted.has(number)),
    checks: uniqueChecks(linkedOrRecent.flatMap((view) => checksOf(view, page))),
    reactions: mergeReactions(
      linkedOrRecent.flatMap((view) => reactionsOf(view.decision.head.branch, view.trail, repo)),
    ),
    pulls: recent.flatMap((view) => missingPull(view, target, pulls, page) ?? []),
    mentions: recent.flatMap((view) => mentionOf(view, numbers, pulls, page) ?? []),
    closings: selected.flatMap((view) => closingsOf(view, recent.includes(view) ? pulls : [], page)),
  };
}

/** The branch's own part of the history: down to the first commit that names another branch. */
export function ownTrail(branch: Branch, trail: readonly Commit[]): Commit[] {
  const at = trail.findIndex((commit) => {
    const reading = parseRequest(branch, commit);
    return reading.kind === "none" && reading.reason === "bound-elsewhere";
  });
  return at < 0 ? [...trail] : trail.slice(0, at);
}

const isRecent = ({ state, decision }: BranchView, now: number): boolean =>
  !isTerminal(state ?? "") || now - decision.head.committed * 1000 < SHOWN_AFTER_END_MS;

function threadsOf(
  shown: readonly BranchView[],
  numbers: ReadonlyMap<BranchView, readonly number[]>,
  page: PageContext,
): ThreadState[] {
  const all = [...new Set([...numbers.values()].flat())].toSorted((a, b) => a - b);
  return all.flatMap((number) => {
    const here = shown.filter((view) => numbers.get(view)?.includes(number)).toSorted(byRelevance(number));
    const [first, ...others] = here;
    if (!first) return [];
    const children = shown.filter(
      (view) => !here.includes(view) && parentOf(view) === first.decision.head.branch,
    );
    const related = [...others, ...children.toSorted((a, b) => compare(branchOf(a), branchOf(b)))];
    return [
      {
        number,
        label: labelOf(first.state ?? "", page.workflow),
        body: statusBody(first, related, page),
        mentionCommit: mentionReason(first),
      },
    ];
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The branch named for the issue comes first, then unfinished work, then the newest. */
function byRelevance(number: number): (a: BranchView, b: BranchView) => number {
  const rank = (view: BranchView): number =>
    ownIssue(branchOf(view)) === number ? 0 : isTerminal(view.state ?? "") ? 2 : 1;
  return (a, b) =>
    rank(a) - rank(b) ||
    b.decision.head.committed - a.decision.head.committed ||
    compare(branchOf(a), branchOf(b));
}

/** Several branches can have the same head; the first of them gets the check run. */
function uniqueChecks(checks: readonly Check[]): Check[] {
  const byKey = new Map<string, Check>();
  const sorted = checks.toSorted(
    (a, b) => Number(a.isPast) - Number(b.isPast) || compare(a.externalId, b.externalId),
  );
  for (const check of sorted) {
    const key = `${check.commit} ${check.name}`;
    if (!byKey.has(key)) byKey.set(key, check);
  }
  return [...byKey.values()];
}

/** Earlier requests whose check run may still be shown as running. */
const MAX_PAST_CHECKS = 3;
const MAX_TITLE = 120;

function checksOf(view: BranchView, page: PageContext): Check[] {
  const status = checkStatusOf(view);
  const { head } = view.decision;
  if (!status || view.state === undefined) return [];
  const details = `${page.address}/commits/${head.branch.split("/").map(encodePath).join("/")}`;
  const buttons = buttonsOf(view);
  const now: Check = {
    ...status,
    commit: head.commit,
    name: checkName(view.state),
    externalId: externalId(head.key, buttons.map(({ identifier }) => identifier).join("+")),
    title: cleanLine(redact(sentenceOf(view)), MAX_TITLE),
    summary: checkSummary(view, page),
    details,
    buttons,
    isPast: false,
  };
  return [now, ...pastChecks(view, page, details)];
}

const checkName = (state: string): string => `${KEY_PREFIX} / ${state}`;
const externalId = (key: string, more: string): string => `${KEY_PREFIX}:${key}:${more}`;

function pastChecks(
  { decision: { head }, trail, timeline }: BranchView,
  page: PageContext,
  details: string,
): Check[] {
  const answers = timeline.filter(({ kind }) => kind === "answer").slice(-MAX_PAST_CHECKS);
  const answered = new Map(readHandOffs(trail).map(({ commit, answers }) => [commit.commit, answers]));
  return answers.flatMap((answer): Check[] => {
    // A response written by hand can name any commit. Only commits of the branch are used.
    const commit = trail.find((candidate) => candidate.commit === answered.get(answer.commit))?.commit;
    if (commit === undefined || answer.from === undefined || commit === head.commit) return [];
    return [
      {
        status: "completed",
        conclusion: pastConclusion(answer.state),
        commit,
        name: checkName(answer.from),
        externalId: externalId(head.key, ""),
        title: `${answer.from} → ${answer.state}`,
        summary: pastSummary(answer, page),
        details,
        buttons: [],
        isPast: true,
      },
    ];
  });
}

function pastConclusion(next: string): Conclusion {
  if (next === "failed") return "failure";
  return next === "parked" || next === "stalled" || next === "cancelled" ? "neutral" : "success";
}

/** Commands of a branch whose reactions are updated. */
const MAX_SOURCES = 3;
const EVENT = /^github:([^:\s]+):(?:(comment|review-comment):(\d{1,15})|(?:issue|pull):(\d{1,9}):opened)$/;

function reactionsOf(branch: Branch, trail: readonly Commit[], repo: string): Reaction[] {
  const handOffs = withApprovals(trail);
  const reactions = handOffs.flatMap((handOff, at): Reaction[] => {
    const source = handOff.isByPerson ? sourceOf(handOff, repo) : undefined;
    if (!source) return [];
    // The work of a command lasts until the next person's commit, or until now.
    const next = handOffs.findLastIndex(
      (other, index) => index < at && other.isByPerson && !isApproval(other.commit),
    );
    const end = handOffs[next + 1];
    return [{ source, contents: reactionsFor(end && stateOf(branch, end.commit), end === handOff) }];
  });
  return reactions.slice(0, MAX_SOURCES);
}

const isApproval = ({ message }: Commit): boolean => approvedCommit(message) !== undefined;

/** The hand-offs and the approvals between a request and its response. Newest first. */
function withApprovals(trail: readonly Commit[]): Hand[] {
  return readHandOffs(trail).flatMap((step) => {
    const request =
      step.answers === undefined ? -1 : trail.findIndex(({ commit }) => commit === step.answers);
    const approvals: Hand[] = [];
    for (let at = request - 1; at >= 0; at--) {
      const commit = trail[at];
      if (!commit || !isApproval(commit)) break;
      approvals.unshift({
        commit,
        message: parseMessage(commit.message),
        answers: undefined,
        isByPerson: true,
      });
    }
    return [step, ...approvals];
  });
}

function sourceOf({ message }: Hand, repo: string): CommandSource | undefined {
  const [, name = "", kind, id, number] = EVENT.exec(valueOf(message.trailers, KEY.event) ?? "") ?? [];
  if (name.toLowerCase() !== repo.toLowerCase()) return undefined;
  if (number !== undefined) return { kind: "issue", id: Number(number) };
  return { kind: kind === "comment" ? "comment" : "review-comment", id: Number(id) };
}

function stateOf(branch: Branch, commit: Commit): string | undefined {
  const reading = parseRequest(branch, commit);
  return reading.kind === "request" ? reading.state : undefined;
}

/** A command that ends the work itself, such as a cancel, has succeeded. */
function reactionsFor(state: string | undefined, isOwnResult: boolean): readonly ReactionContent[] {
  if (state === undefined || !isTerminal(state)) return ["eyes"];
  return ["eyes", state === "done" || isOwnResult ? "rocket" : "confused"];
}

/** One comment can hold commands for several branches. A failure on any of them is shown. */
function mergeReactions(reactions: readonly Reaction[]): Reaction[] {
  const all = new Map<string, { source: CommandSource; contents: Set<ReactionContent> }>();
  for (const { source, contents } of reactions) {
    const merged = all.get(sourceKey(source)) ?? { source, contents: new Set() };
    for (const content of contents) merged.contents.add(content);
    all.set(sourceKey(source), merged);
  }
  return [...all.values()].map(({ source, contents }) => {
    if (contents.has("confused")) contents.delete("rocket");
    return { source, contents: [...contents] };
  });
}
