/**
 * Checks the branches: one answer for each request, no commit of a person lost, runners only add.
 *
 * What must hold: whatever moved a branch and is not in the ledger was a runner; a request is a
 * commit that stood at a head and asks for a state that runners work on.
 */
import type { Entry } from "../trial-log.ts";
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

/** A move of a branch, and who made it. */
export interface Step extends Move {
  readonly transaction: Transaction;
  readonly person: Entry | undefined;
}

/** Every move of a branch, in order; each entry of the ledger explains one of them. */
export function stepsOf(history: History, ledger: readonly Entry[]): Step[] {
  const keyOf = ({ ref, old, new: next }: Move) => `${ref} ${old} ${next}`;
  const left = groupBy(ledger, keyOf);
  return history.transactions.flatMap((transaction) =>
    transaction.moves
      .filter(({ ref }) => ref.startsWith(HEADS))
      .map((move) => ({ ...move, transaction, person: left.get(keyOf(move))?.shift() })),
  );
}

/** True for a commit that asks for work on this branch. */
export function isRequest(
  commit: Commit | undefined,
  ref: string,
  worked: ReadonlySet<string>,
): commit is Commit {
  const bound = trailer(commit, "Branch");
  return worked.has(trailer(commit, "State") ?? "") && (bound === undefined || `${HEADS}${bound}` === ref);
}

/** Commits that answer, each with the request that it names. */
export function answersOf(history: History, steps: readonly Step[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { new: next } of steps) {
    for (const commit of next === null ? [] : firstParents(history, next)) {
      const request = trailer(commit, "Answers");
      if (request !== undefined) found.set(commit.id, request);
    }
  }
  return found;
}

/** Answers above what a request was asked, and two in one history. */
export function findDoubled(history: History, steps: readonly Step[]): Finding[] {
  const findings = new Map<string, Finding>();
  const add = (request: string, what: string) => findings.set(request, { kind: "doubled", what });
  const asked = new Map<string, number>();
  for (const { new: next } of steps) if (next !== null) asked.set(next, (asked.get(next) ?? 0) + 1);
  const given = groupBy([...answersOf(history, steps)], ([, request]) => request);
  for (const [request, answers] of given) {
    // Whoever sets a head back to a request asks for it again.
    const times = asked.get(request) ?? 0;
    const ids = answers.map(([id]) => id).join(" ");
    if (answers.length > times) add(request, `${request} was asked ${times} times, answered by ${ids}`);
  }
  for (const { ref, new: next } of steps) {
    const chain = next === null ? [] : firstParents(history, next);
    const named = chain.flatMap((commit) => trailer(commit, "Answers") ?? []);
    const twice = named.find((request, at) => named.indexOf(request) !== at);
    if (twice !== undefined) add(twice, `${twice} is answered twice in the history of ${ref} at ${next}`);
  }
  return [...findings.values()];
}

/** Heads that still ask, without anything that says why they stand. */
export function findUnanswered(
  history: History,
  steps: readonly Step[],
  worked: ReadonlySet<string>,
): Finding[] {
  const answered = new Set(
    [...history.refs].flatMap(([ref, id]) =>
      ref.startsWith(HEADS) ? firstParents(history, id).flatMap((one) => trailer(one, "Answers") ?? []) : [],
    ),
  );
  return [...history.refs].flatMap(([ref, id]): Finding[] => {
    const head = history.commits.get(id);
    if (!ref.startsWith(HEADS) || !isRequest(head, ref, worked)) return [];
    // A request that names no branch counts on one only.
    if (trailer(head, "Branch") === undefined && answered.has(id)) return [];
    const since = steps.findLast((step) => step.ref === ref)?.transaction.at;
    const lease = history.refs.get(leaseOf(ref)) ?? "none";
    return [{ kind: "unanswered", what: `${ref} at ${id} (since ${since}, its lease: ${lease})` }];
  });
}

/** What runners did to branches that they may not do. */
export function findRogue(history: History, steps: readonly Step[], worked: ReadonlySet<string>): Finding[] {
  return steps
    .filter(({ person }) => person === undefined)
    .flatMap((step) => {
      const why = rogueReason(history, step, worked);
      const { ref, old, new: next, transaction } = step;
      return why === undefined
        ? []
        : [{ kind: "rogue", what: `${ref} ${old} to ${next} at ${transaction.at}: ${why}` }];
    });
}

function rogueReason(history: History, step: Step, worked: ReadonlySet<string>): string | undefined {
  const { ref, old, new: next, transaction } = step;
  if (old === null) return "a runner made a branch";
  if (next === null) return "a runner deleted a branch";
  if (!isRequest(history.commits.get(old), ref, worked)) return "nothing was asked there";
  const chain = firstParents(history, next);
  const length = chain.findIndex(({ id }) => id === old);
  if (length < 0) return "its first-parent history does not begin at the request";
  const answers = chain.slice(0, length).filter((one) => trailer(one, "Answers") !== undefined);
  const [answer] = answers;
  if (answers.length !== 1 || answer?.id !== next) return `${answers.length} answers in one move`;
  if (trailer(answer, "Answers") !== old) return "it answers another request";
  if (`${HEADS}${trailer(answer, "Branch")}` !== ref) return "its answer names another branch";
  return guardReason(history, transaction, ref, answer);
}

/** The answer and the end of its own lease are one transaction. */
function guardReason(
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
    return `the answer of run ${run} did not end a lease: ${moves.map((move) => move.ref).join(" ")}`;
  const holder = trailer(history.commits.get(lease.old ?? ""), "Run");
  if (lease.new !== null || holder !== run) return `run ${run} answered under the lease of ${holder}`;
  return undefined;
}

/** Commits of people that are no longer on their branch, though no person removed them. */
export function findLost(history: History, steps: readonly Step[]): Finding[] {
  const kept = new Map<string, Set<string>>();
  const findings: Finding[] = [];
  for (const { ref, old, new: next, person } of steps) {
    const here = kept.get(ref) ?? new Set<string>();
    kept.set(ref, here);
    if (!person) {
      if (old !== null && (next === null || !isReachable(history, old, next))) {
        findings.push({ kind: "lost", what: `${ref} was moved by a runner from ${old} to ${next}` });
      }
      continue;
    }
    if (next === null || (old !== null && !isReachable(history, old, next))) here.clear();
    if (next !== null) here.add(next);
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

/** Requests that ever stood at a head. */
export function countRequests(history: History, steps: readonly Step[], worked: ReadonlySet<string>): number {
  const asked = steps.filter(({ ref, new: next }) => isRequest(history.commits.get(next ?? ""), ref, worked));
  return new Set(asked.map((step) => step.new)).size;
}

/** Leases that went from one living run to another. */
export function countTakeovers({ commits, transactions }: History): number {
  return transactions
    .flatMap(({ moves }) => moves)
    .filter(({ ref, old, new: next }) => {
      if (!ref.startsWith(LEASES) || old === null || next === null) return false;
      const before = commits.get(old);
      const runs = trailer(before, "Run") !== trailer(commits.get(next), "Run");
      return runs && trailer(before, "Rest-Ms") === undefined;
    }).length;
}
