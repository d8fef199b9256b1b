/**
 * Finds the hand-offs in a set of commits: each answer, its request, and the commits between them.
 *
 * Invariants:
 * - An answer counts only if its request is below it in the first-parent history. So a cherry-picked
 *   or rebased copy is not a second hand-off.
 */
import { parseBranch, parseSha, type Branch, type Sha } from "../protocol/ids.ts";
import { parseMessage, valueOf } from "../protocol/message.ts";
import { parseRequest, type HeadReading, type Commit, type Request } from "../protocol/request.ts";
import { parseTrailers, type Trailer } from "../protocol/trailer-block.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface HandOffReport {
  readonly answer: Commit;
  /** The commit with the state. Approvals or plain commits of people may lie between it and the answer. */
  readonly request: Commit;
  readonly branch: Branch;
  /** The state that ran. */
  readonly from: string;
  /** The next state. */
  readonly to: string;
  /** Those of the answer. */
  readonly trailers: readonly Trailer[];
  /** The answer and the commits of its script, newest first. */
  readonly commits: readonly Sha[];
}

export interface HandOffHistory {
  /** In the order of the commits. */
  readonly handOffs: readonly HandOffReport[];
  /** The number of answers whose request is not among the commits. */
  readonly unmatchedAnswers: number;
  readonly commits: ReadonlyMap<Sha, Commit>;
  readonly byAnswer: ReadonlyMap<Sha, HandOffReport>;
  /** By the answered commit. A request that was copied to another branch can have several answers. */
  readonly byRequest: ReadonlyMap<Sha, readonly HandOffReport[]>;
}

/** The most commits between an answer and its request. */
const MAX_COMMITS = 5000;

/** Reads a commit on the branch that it names itself, or on `?` if it names none. */
export function ownReading(commit: Commit): HeadReading {
  const bound = valueOf(parseTrailers(commit.message).trailers, KEY.branch);
  return parseRequest(parseBranch(bound ?? "") ?? ("?" as Branch), commit);
}

export function readHandOffHistory(list: readonly Commit[]): HandOffHistory {
  const commits = new Map(list.map((commit) => [commit.commit, commit]));
  const byAnswer = new Map<Sha, HandOffReport>();
  const byRequest = new Map<Sha, HandOffReport[]>();
  let unmatchedAnswers = 0;
  for (const commit of commits.values()) {
    const requestId = answeredRequest(commit);
    if (!requestId) continue;
    const handOff = readHandOff(commits, commit, requestId);
    if (!handOff) unmatchedAnswers++;
    else {
      byAnswer.set(commit.commit, handOff);
      byRequest.set(requestId, [...(byRequest.get(requestId) ?? []), handOff]);
    }
  }
  return { handOffs: [...byAnswer.values()], unmatchedAnswers, commits, byAnswer, byRequest };
}

/** The id of the request that a commit answers. */
export function answeredRequest({ message }: Commit): Sha | undefined {
  if (!/answers/i.test(message)) return undefined;
  return parseSha(valueOf(parseTrailers(message).trailers, KEY.answers) ?? "");
}

function readHandOff(
  commits: ReadonlyMap<Sha, Commit>,
  answer: Commit,
  requestId: Sha,
): HandOffReport | undefined {
  const ownCommits: Sha[] = [];
  let at: Sha | undefined = answer.commit;
  while (at !== undefined && at !== requestId && ownCommits.length < MAX_COMMITS) {
    ownCommits.push(at);
    at = commits.get(at)?.parents[0];
  }
  if (at !== requestId) return undefined;
  const [origin, next] = [findRequestAt(commits, requestId), ownReading(answer)];
  if (!origin || next.kind === "none") return undefined;
  return {
    answer,
    request: origin.commit,
    branch: next.branch,
    from: origin.request.state,
    to: next.state,
    trailers: parseMessage(answer.message).trailers,
    commits: ownCommits,
  };
}

/** The request at a commit, or below it if the commit is an approval or a plain commit. */
export function findRequestAt(
  commits: ReadonlyMap<Sha, Commit>,
  id: Sha,
): { readonly commit: Commit; readonly request: Request } | undefined {
  let at: Sha | undefined = id;
  for (let steps = 0; at !== undefined && steps < MAX_COMMITS; steps++) {
    const commit = commits.get(at);
    if (!commit) return undefined;
    const reading = ownReading(commit);
    if (reading.kind === "request") return { commit, request: reading };
    if (reading.reason !== "no-state" && reading.reason !== "approves") return undefined;
    at = commit.parents[0];
  }
  return undefined;
}

/** The request that started a chain of hand-offs: the first one below that no runner wrote. */
export function findFirstRequest(history: HandOffHistory, request: Commit): Commit {
  let first = request;
  // Ends, because an answer is always above its request.
  for (
    let handOff = history.byAnswer.get(first.commit);
    handOff;
    handOff = history.byAnswer.get(first.commit)
  ) {
    first = handOff.request;
  }
  return first;
}

/** The newest request whose state can run. `trail` is newest first. */
export function findLatestRequest(
  trail: readonly Commit[],
  canRun: (state: string) => boolean,
): Request | undefined {
  for (const commit of trail) {
    const reading = ownReading(commit);
    if (reading.kind === "request" && canRun(reading.state)) return reading;
  }
  return undefined;
}
