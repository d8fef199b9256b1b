/**
 * From the work to what GitHub should show of it.
 *
 * What must hold: (pure) the same refs give the same picture; an issue or pull request bears one
 * label of a state and one status comment, however many branches name it; only what people wrote
 * says to which issue a branch belongs, and which comment carried a command.
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
  /** Where people look at it: `https://github.com/owner/name`. */
  readonly address: string;
  /** The trusted branch. */
  readonly target: Branch;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Only what concerns these branches is wanted; what belongs to it is seen all the same. */
  readonly only?: ReadonlySet<string>;
}

/** The picture of a repository, by the pull requests that are open; `server` is where its pages are. */
export const projectBranches =
  (branches: Omit<ProjectionInput, "pulls" | "repo" | "address">, { owner, name }: Repo, server: string) =>
  (pulls: readonly PullRequestRef[]): DesiredState =>
    project({ ...branches, pulls, repo: `${owner}/${name}`, address: `${server}/${owner}/${name}` });

/** The picture, or the part of it that is asked for. */
export function project({
  views: view,
  workflow,
  pulls,
  repo,
  address,
  target,
  now,
  only,
}: ProjectionInput): DesiredState {
  const page: PageContext = { workflow, address, target };
  const shown = view.filter((one) => checkStatusOf(one) !== undefined);
  const numbers = new Map(shown.map((one) => [one, numbersOf(one, pulls)]));
  const asked = shown.filter((one) => !only || only.has(branchOf(one)));
  const parents = new Set(asked.map(parentOf));
  const concerned = only ? shown.filter((one) => asked.includes(one) || parents.has(branchOf(one))) : shown;
  const wanted = new Set(concerned.flatMap((one) => numbers.get(one) ?? []));
  const recent = asked.filter((one) => isFresh(one, now));
  const fresh = asked.filter((one) => (numbers.get(one)?.length ?? 0) > 0 || recent.includes(one));
  return {
    threads: threadsOf(shown, numbers, page).filter(({ number }) => wanted.has(number)),
    checks: uniqueChecks(fresh.flatMap((one) => checksOf(one, page))),
    reactions: mergeReactions(fresh.flatMap((one) => reactionsOf(one.decision.head.branch, one.trail, repo))),
    pulls: recent.flatMap((one) => missingPull(one, target, pulls, page) ?? []),
    mentions: recent.flatMap((one) => mentionOf(one, numbers, pulls, page) ?? []),
    closings: asked.flatMap((one) => closingsOf(one, recent.includes(one) ? pulls : [], page)),
  };
}

/** The part of a branch's history that is its own: up to a commit that speaks for another branch. */
export function ownTrail(branch: Branch, trail: readonly Commit[]): Commit[] {
  const at = trail.findIndex((commit) => {
    const asked = parseRequest(branch, commit);
    return asked.kind === "none" && asked.reason === "bound-elsewhere";
  });
  return at < 0 ? [...trail] : trail.slice(0, at);
}

const isFresh = ({ state, decision }: BranchView, now: number): boolean =>
  !isTerminal(state ?? "") || now - decision.head.committed * 1000 < SHOWN_AFTER_END_MS;

function threadsOf(
  shown: readonly BranchView[],
  numbers: ReadonlyMap<BranchView, readonly number[]>,
  page: PageContext,
): ThreadState[] {
  const all = [...new Set([...numbers.values()].flat())].toSorted((a, b) => a - b);
  return all.flatMap((number) => {
    const here = shown.filter((one) => numbers.get(one)?.includes(number)).toSorted(byRelevance(number));
    const [first, ...others] = here;
    if (!first) return [];
    const children = shown.filter(
      (one) => !here.includes(one) && parentOf(one) === first.decision.head.branch,
    );
    const beside = [...others, ...children.toSorted((a, b) => compare(branchOf(a), branchOf(b)))];
    return [
      {
        number,
        label: labelOf(first.state ?? "", page.workflow),
        body: statusBody(first, beside, page),
        mentionCommit: mentionReason(first),
      },
    ];
  });
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The branch that an issue is named for comes first, then what goes on still, then the newest. */
function byRelevance(number: number): (a: BranchView, b: BranchView) => number {
  const rank = (one: BranchView): number =>
    ownIssue(branchOf(one)) === number ? 0 : isTerminal(one.state ?? "") ? 2 : 1;
  return (a, b) =>
    rank(a) - rank(b) ||
    b.decision.head.committed - a.decision.head.committed ||
    compare(branchOf(a), branchOf(b));
}

/** Branches can stand at the same commit; the first of them speaks there. */
function uniqueChecks(checks: readonly Check[]): Check[] {
  const known = new Map<string, Check>();
  const sorted = checks.toSorted(
    (a, b) => Number(a.isPast) - Number(b.isPast) || compare(a.externalId, b.externalId),
  );
  for (const check of sorted) {
    const key = `${check.commit} ${check.name}`;
    if (!known.has(key)) known.set(key, check);
  }
  return [...known.values()];
}

/** Requests of the past whose check run may still be shown as going on. */
const MAX_PAST_CHECKS = 3;
const TITLE = 120;

function checksOf(view: BranchView, page: PageContext): Check[] {
  const standing = checkStatusOf(view);
  const { head } = view.decision;
  if (!standing || view.state === undefined) return [];
  const details = `${page.address}/commits/${head.branch.split("/").map(encodePath).join("/")}`;
  const buttons = buttonsOf(view);
  const now: Check = {
    ...standing,
    commit: head.commit,
    name: checkName(view.state),
    externalId: externalId(head.key, buttons.map(({ identifier }) => identifier).join("+")),
    title: cleanLine(redact(sentenceOf(view)), TITLE),
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
    // By hand an answer can name anything; GitHub is asked of commits of the branch alone.
    const commit = trail.find((one) => one.commit === answered.get(answer.commit))?.commit;
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

/** Commands of a branch whose comments are kept up to date. */
const MAX_SOURCES = 3;
const EVENT = /^github:([^:\s]+):(?:(comment|review-comment):(\d{1,15})|(?:issue|pull):(\d{1,9}):opened)$/;

function reactionsOf(branch: Branch, trail: readonly Commit[], repo: string): Reaction[] {
  const hands = withApprovals(trail);
  const found = hands.flatMap((hand, at): Reaction[] => {
    const source = hand.isByPerson ? carrierOf(hand, repo) : undefined;
    if (!source) return [];
    // It ended where the next person took the work on, or where it stands now.
    const until =
      hands.findLastIndex((other, index) => index < at && other.isByPerson && !isApproval(other.commit)) + 1;
    const end = hands[until];
    return [{ source, contents: reactionsFor(end && stateOf(branch, end.commit), end === hand) }];
  });
  return found.slice(0, MAX_SOURCES);
}

const isApproval = ({ message }: Commit): boolean => approvedCommit(message) !== undefined;

/** The hand-offs, with the approvals that stand between a request and its answer. Newest first. */
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

function carrierOf({ message }: Hand, repo: string): CommandSource | undefined {
  const [, name = "", kind, id, number] = EVENT.exec(valueOf(message.trailers, KEY.event) ?? "") ?? [];
  if (name.toLowerCase() !== repo.toLowerCase()) return undefined;
  if (number !== undefined) return { kind: "issue", id: Number(number) };
  return { kind: kind === "comment" ? "comment" : "review-comment", id: Number(id) };
}

function stateOf(branch: Branch, commit: Commit): string | undefined {
  const asked = parseRequest(branch, commit);
  return asked.kind === "request" ? asked.state : undefined;
}

/** A command that ends the work itself has done what it was to do. */
function reactionsFor(state: string | undefined, isItself: boolean): readonly ReactionContent[] {
  if (state === undefined || !isTerminal(state)) return ["eyes"];
  return ["eyes", state === "done" || isItself ? "rocket" : "confused"];
}

/** One comment can have carried commands to several branches; what went wrong anywhere is shown. */
function mergeReactions(reactions: readonly Reaction[]): Reaction[] {
  const all = new Map<string, { source: CommandSource; contents: Set<ReactionContent> }>();
  for (const { source, contents } of reactions) {
    const known = all.get(sourceKey(source)) ?? { source, contents: new Set() };
    for (const content of contents) known.contents.add(content);
    all.set(sourceKey(source), known);
  }
  return [...all.values()].map(({ source, contents }) => {
    if (contents.has("confused")) contents.delete("rocket");
    return { source, contents: [...contents] };
  });
}
