/**
 * Checks the branches: one response for each request, no lost commit of a person, no forbidden move.
 *
 * Invariants:
 * - A move that is not in the log of pushes was made by a runner.
 * - A request is a commit that was a head and has a state with a script.
 */
import type { PushEntry } from "../trial-log.ts";
import {
  firstParents,
  groupBy,
  HEADS,
  isReachable,
  LEASES,
  leaseOf,
  PARKED,
  trailer,
  type Commit,
  type Finding,
  type History,
  type Move,
  type Transaction,
} from "./ref-history.ts";

/** A move of a branch, with the person who made it. */
export interface Step extends Move {
  readonly transaction: Transaction;
  readonly person: PushEntry | undefined;
}

/** All moves of branches in order. Each logged push explains one of them. */
export function stepsOf(history: History, pushes: readonly PushEntry[]): Step[] {
  const keyOf = ({ ref, old, new: next }: Move) => `${ref} ${old} ${next}`;
  const unmatched = groupBy(pushes, keyOf);
  return history.transactions.flatMap((transaction) =>
    transaction.moves
      .filter(({ ref }) => ref.startsWith(HEADS))
      .map((move) => ({ ...move, transaction, person: unmatched.get(keyOf(move))?.shift() })),
  );
}

/** True for a request for this branch. */
export function isRequest(
  commit: Commit | undefined,
  ref: string,
  states: ReadonlySet<string>,
): commit is Commit {
  const bound = trailer(commit, "Branch");
  return states.has(trailer(commit, "State") ?? "") && (bound === undefined || `${HEADS}${bound}` === ref);
}

/** The responses, each with the request that it answers. */
export function answersOf(history: History, steps: readonly Step[]): Map<string, string> {
  const responses = new Map<string, string>();
  for (const { new: next } of steps) {
    for (const commit of next === null ? [] : firstParents(history, next)) {
      const request = trailer(commit, "Answers");
      if (request !== undefined) responses.set(commit.id, request);
    }
  }
  return responses;
}

/** More responses than requests, and two responses in one history. */
export function findDoubled(history: History, steps: readonly Step[]): Finding[] {
  const findings = new Map<string, Finding>();
  const add = (request: string, what: string) => findings.set(request, { kind: "doubled", what });
  const requested = new Map<string, number>();
  for (const { new: next } of steps) if (next !== null) requested.set(next, (requested.get(next) ?? 0) + 1);
  const answeredBy = groupBy([...answersOf(history, steps)], ([, request]) => request);
  for (const [request, answers] of answeredBy) {
    // A force push back to a request issues it again.
    const times = requested.get(request) ?? 0;
    const ids = answers.map(([id]) => id).join(" ");
    if (answers.length > times)
      add(request, `${request} was requested ${times} times and answered by ${ids}`);
  }
  for (const { ref, new: next } of steps) {
    const chain = next === null ? [] : firstParents(history, next);
    const named = chain.flatMap((commit) => trailer(commit, "Answers") ?? []);
    const twice = named.find((request, at) => named.indexOf(request) !== at);
    if (twice !== undefined) add(twice, `${twice} is answered twice in the history of ${ref} at ${next}`);
  }
  return [...findings.values()];
}

/** Heads that are still requests. */
export function findUnanswered(
  history: History,
  steps: readonly Step[],
  states: ReadonlySet<string>,
): Finding[] {
  const answered = new Set(
    [...history.refs].flatMap(([ref, id]) =>
      ref.startsWith(HEADS)
        ? firstParents(history, id).flatMap((commit) => trailer(commit, "Answers") ?? [])
        : [],
    ),
  );
  return [...history.refs].flatMap(([ref, id]): Finding[] => {
    const head = history.commits.get(id);
    if (!ref.startsWith(HEADS) || !isRequest(head, ref, states)) return [];
    // An unbound request counts on one branch only.
    if (trailer(head, "Branch") === undefined && answered.has(id)) return [];
    const since = steps.findLast((step) => step.ref === ref)?.transaction.at;
    const lease = history.refs.get(leaseOf(ref)) ?? "none";
    return [{ kind: "unanswered", what: `${ref} at ${id} (since ${since}, its lease: ${lease})` }];
  });
}

/** Moves that runners must not make. */
export function findForbiddenMoves(
  history: History,
  steps: readonly Step[],
  states: ReadonlySet<string>,
): Finding[] {
  return steps
    .filter(({ person }) => person === undefined)
    .flatMap((step) => {
      const why = forbiddenReason(history, step, states);
      const { ref, old, new: next, transaction } = step;
      return why === undefined
        ? []
        : [{ kind: "rogue", what: `${ref} ${old} to ${next} at ${transaction.at}: ${why}` }];
    });
}

function forbiddenReason(history: History, step: Step, states: ReadonlySet<string>): string | undefined {
  const { ref, old, new: next, transaction } = step;
  if (old === null) return "a runner created a branch";
  if (next === null) return "a runner deleted a branch";
  if (!isRequest(history.commits.get(old), ref, states)) return "the old head was not a request";
  const chain = firstParents(history, next);
  const length = chain.findIndex(({ id }) => id === old);
  if (length < 0) return "its first-parent history does not start at the request";
  const answers = chain.slice(0, length).filter((commit) => trailer(commit, "Answers") !== undefined);
  const [answer] = answers;
  if (answers.length !== 1 || answer?.id !== next) return `${answers.length} responses in one move`;
  if (trailer(answer, "Answers") !== old) return "it answers another request";
  if (`${HEADS}${trailer(answer, "Branch")}` !== ref) return "its response names another branch";
  return leaseViolation(history, transaction, ref, answer);
}

/** The response and the end of its lease must be one transaction. */
function leaseViolation(
  history: History,
  { moves }: Transaction,
  ref: string,
  answer: Commit,
): string | undefined {
  const run = trailer(answer, "Run");
  const lease = moves.find((move) => move.ref === leaseOf(ref));
  const landed = moves.some(
    (move) => move.ref.startsWith(PARKED) && move.old === answer.id && move.new === null,
  );
  if (landed) return undefined;
  if (!lease)
    return `the response of run ${run} did not end a lease: ${moves.map((move) => move.ref).join(" ")}`;
  const holder = trailer(history.commits.get(lease.old ?? ""), "Run");
  if (lease.new !== null || holder !== run) return `run ${run} answered under the lease of ${holder}`;
  return undefined;
}

/** Commits of people that left their branch without a push of a person. */
export function findLost(history: History, steps: readonly Step[]): Finding[] {
  const kept = new Map<string, Set<string>>();
  const findings: Finding[] = [];
  for (const { ref, old, new: next, person } of steps) {
    const ids = kept.get(ref) ?? new Set<string>();
    kept.set(ref, ids);
    if (!person) {
      if (old !== null && (next === null || !isReachable(history, old, next))) {
        findings.push({ kind: "lost", what: `${ref} was moved by a runner from ${old} to ${next}` });
      }
      continue;
    }
    if (next === null || (old !== null && !isReachable(history, old, next))) ids.clear();
    if (next !== null) ids.add(next);
  }
  for (const [ref, ids] of kept) {
    const head = history.refs.get(ref);
    for (const id of ids) {
      if (head !== undefined && isReachable(history, id, head)) continue;
      findings.push({ kind: "lost", what: `${id} is not on ${ref}, which is at ${head ?? "nothing"}` });
    }
  }
  return findings;
}

/** Counts the requests that were ever a head. */
export function countRequests(history: History, steps: readonly Step[], states: ReadonlySet<string>): number {
  const requested = steps.filter(({ ref, new: next }) =>
    isRequest(history.commits.get(next ?? ""), ref, states),
  );
  return new Set(requested.map((step) => step.new)).size;
}

/** Counts leases that were taken over from a run that was not in back-off. */
export function countTakeovers({ commits, transactions }: History): number {
  return transactions
    .flatMap(({ moves }) => moves)
    .filter(({ ref, old, new: next }) => {
      if (!ref.startsWith(LEASES) || old === null || next === null) return false;
      const oldLease = commits.get(old);
      const isOtherRun = trailer(oldLease, "Run") !== trailer(commits.get(next), "Run");
      return isOtherRun && trailer(oldLease, "Rest-Ms") === undefined;
    }).length;
}
