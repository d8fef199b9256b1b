/**
 * The hand-offs in a pile of commits: each answer, the request that it answers, and what lies between.
 *
 * What must hold: an answer counts only where its request is below it in first-parent history; a
 * copy of it elsewhere, by a cherry-pick or a rebase, is no second hand-off.
 */
import { parseBranch, parseSha, type Branch, type Sha } from "../protocol/ids.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import { parseRequest, type HeadReading, type Commit, type Request } from "../protocol/request.ts";
import { parseTrailers, type Trailer } from "../protocol/trailer-block.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface HandOffReport {
  readonly answer: Commit;
  /** Where the state was asked for; approvals, or a person's plain commits, may stand above it. */
  readonly request: Commit;
  readonly branch: Branch;
  /** The state that was run, and the one that follows. */
  readonly from: string;
  readonly to: string;
  /** Those of the answer. */
  readonly trailers: readonly Trailer[];
  /** The commits of the hand-off, newest first: the answer, then what its script committed. */
  readonly commits: readonly Sha[];
}

export interface HandOffHistory {
  /** In the order of the commits. */
  readonly handOffs: readonly HandOffReport[];
  /** Answers whose request was not among the commits. */
  readonly unmatchedAnswers: number;
  readonly commits: ReadonlyMap<Sha, Commit>;
  readonly byAnswer: ReadonlyMap<Sha, HandOffReport>;
  /** By what was answered; more than one where it was taken to another branch and answered again. */
  readonly byRequest: ReadonlyMap<Sha, readonly HandOffReport[]>;
}

/** More commits of one script, or above one request, than anybody writes. */
const LONGEST = 5000;

/** The reading of a commit on the branch that it names itself; `?` stands for one that it does not name. */
export function ownReading(commit: Commit): HeadReading {
  const bound = valueOf(parseTrailers(commit.message).trailers, KEY.branch);
  return parseRequest(parseBranch(bound ?? "") ?? ("?" as Branch), commit);
}

/** Finds the hand-offs. */
export function readHandOffHistory(pile: readonly Commit[]): HandOffHistory {
  const commits = new Map(pile.map((commit) => [commit.commit, commit]));
  const byAnswer = new Map<Sha, HandOffReport>();
  const byRequest = new Map<Sha, HandOffReport[]>();
  let lost = 0;
  for (const commit of commits.values()) {
    const answered = answeredRequest(commit);
    if (!answered) continue;
    const found = readHandOff(commits, commit, answered);
    if (!found) lost++;
    else {
      byAnswer.set(commit.commit, found);
      byRequest.set(answered, [...(byRequest.get(answered) ?? []), found]);
    }
  }
  return { handOffs: [...byAnswer.values()], unmatchedAnswers: lost, commits, byAnswer, byRequest };
}

/** The id of the request that a commit answers. */
export function answeredRequest({ message }: Commit): Sha | undefined {
  if (!/answers/i.test(message)) return undefined;
  return parseSha(valueOf(parseTrailers(message).trailers, KEY.answers) ?? "");
}

function readHandOff(
  commits: ReadonlyMap<Sha, Commit>,
  answer: Commit,
  answered: Sha,
): HandOffReport | undefined {
  const carried: Sha[] = [];
  let at: Sha | undefined = answer.commit;
  while (at !== undefined && at !== answered && carried.length < LONGEST) {
    carried.push(at);
    at = commits.get(at)?.parents[0];
  }
  if (at !== answered) return undefined;
  const [below, next] = [findRequestAt(commits, answered), ownReading(answer)];
  if (!below || next.kind === "none") return undefined;
  const { commit: request, request: asked } = below;
  const { trailers } = parseMessage(answer.message);
  return {
    answer,
    request,
    branch: next.branch,
    from: asked.state,
    to: next.state,
    trailers,
    commits: carried,
  };
}

/** What a commit asks for, itself or by the request below it that it approves or goes on from. */
export function findRequestAt(
  commits: ReadonlyMap<Sha, Commit>,
  id: Sha,
): { readonly commit: Commit; readonly request: Request } | undefined {
  let at: Sha | undefined = id;
  for (let steps = 0; at !== undefined && steps < LONGEST; steps++) {
    const request = commits.get(at);
    if (!request) return undefined;
    const asked = ownReading(request);
    if (asked.kind === "request") return { commit: request, request: asked };
    if (asked.reason !== "no-state" && asked.reason !== "approves") return undefined;
    at = request.parents[0];
  }
  return undefined;
}

/** The request that began a line of hand-offs: the first one below that no runner wrote. */
export function findFirstRequest(past: HandOffHistory, request: Commit): Commit {
  let at = request;
  // An answer is above its request, so this ends.
  for (let found = past.byAnswer.get(at.commit); found; found = past.byAnswer.get(at.commit)) {
    at = found.request;
  }
  return at;
}

/** The nearest request of a state that a script can have, on the first-parent line, newest first. */
export function findLatestRequest(
  trail: readonly Commit[],
  canRun: (state: string) => boolean,
): Request | undefined {
  for (const commit of trail) {
    const asked = ownReading(commit);
    if (asked.kind === "request" && canRun(asked.state)) return asked;
  }
  return undefined;
}
