/**
 * Reads the approvals of a request: commits of people on top of it that name it.
 *
 * Invariants:
 * - An approval names the full id of the request, changes no file, and is void once any other commit
 *   lies between it and the request.
 * - Each person counts once, and not for a request of their own unless the rule allows it.
 */
import type { Branch, Sha } from "../protocol/ids.ts";
import { parseMessage } from "../protocol/message.ts";
import { isSamePerson, isAllowed } from "./people.ts";
import { approvedCommit, parseRequest, type Commit, type Request } from "../protocol/request.ts";
import { readHandOffs } from "../protocol/hand-offs.ts";
import type { Predicate } from "../workflow/wait.ts";
import { MESSAGES } from "../messages/messages.ts";
import { isTerminal, type Workflow } from "../workflow/workflow.ts";

export type ApprovalRule = Extract<Predicate, { kind: "approvals" }>;

export interface Approval {
  readonly commit: Sha;
  /** The address of the approver, proven if the workflow requires a proof. */
  readonly by: string;
  /** The committer date, in seconds since 1970. */
  readonly at: number;
}

/** A request with the approvals above it. */
export interface ApprovalState {
  /** The request, read as if its commit were the head. */
  readonly request: Request;
  readonly approvedCommit: Sha;
  readonly approvals: readonly Approval[];
  /** Addresses of the people who wrote requests in this chain of hand-offs. */
  readonly requesters: readonly string[];
}

interface ApprovalOptions {
  /** Proven addresses by commit. Default: the author of each commit. */
  readonly provenAddresses?: ReadonlyMap<Sha, string> | undefined;
  /** The number of commits that are not in the trusted branch. Default: all. */
  readonly ownCommits?: number | undefined;
  /** True for `on-plain-commit: continue`: a plain commit on top of a request repeats it. */
  readonly canContinue?: boolean;
}

/**
 * Reads the approvals of a head; undefined if the head is not a valid approval. `trail` is its
 * first-parent history, newest first.
 */
export function readApprovals(
  branch: Branch,
  trail: readonly Commit[],
  { provenAddresses, ownCommits = trail.length, canContinue = false }: ApprovalOptions = {},
): ApprovalState | undefined {
  const [head] = trail;
  const at = trail.findIndex(({ message }) => !approvedCommit(message));
  const approved = trail[at];
  if (!head || at < 1 || !approved) return undefined;
  const reading = parseRequest(branch, approved);
  const request =
    reading.kind === "request"
      ? reading
      : canContinue && continuedRequest(branch, trail.slice(at, ownCommits));
  if (!request) return undefined;
  const above = trail.slice(0, at);
  const isUnchanged = above.every(({ tree, parents }) => tree === approved.tree && parents.length === 1);
  if (!isUnchanged) return undefined;
  const approvals = above.flatMap(({ commit, author, message, committed }): Approval[] => {
    const by = provenAddresses ? provenAddresses.get(commit) : author;
    return approvedCommit(message) === approved.commit && by
      ? [{ commit, by: by.toLowerCase(), at: committed }]
      : [];
  });
  return {
    // `message` is a lazy getter, so a spread alone would lose it.
    request: { ...request, commit: head.commit, message: request.message },
    approvedCommit: approved.commit,
    approvals: approvals.filter(
      ({ by }, index) => approvals.findIndex((other) => isSamePerson(other.by, by)) === index,
    ),
    // Authors of commits in the trusted branch may approve what is based on them.
    requesters: requestersOf(trail.slice(at, ownCommits > at ? ownCommits : trail.length), provenAddresses),
  };
}

/** The request that a plain commit on top of it repeats. */
function continuedRequest(branch: Branch, [head, ...older]: readonly Commit[]): Request | undefined {
  for (const commit of older) {
    const reading = parseRequest(branch, commit);
    if (reading.kind === "none" && (reading.reason === "no-state" || reading.reason === "approves")) continue;
    if (!head || reading.kind === "none" || isTerminal(reading.state)) return undefined;
    return { ...reading, committed: head.committed, hops: 0, message: parseMessage(head.message) };
  }
  return undefined;
}

/** The approvals that satisfy a rule. `wall` is in milliseconds since 1970. */
export function countedApprovals(
  rule: ApprovalRule,
  { approvals, requesters }: Pick<ApprovalState, "approvals" | "requesters">,
  workflow: Workflow,
  wall: number,
): Approval[] {
  return approvals.filter(
    ({ by, at }) =>
      isAllowed(workflow, rule.by, by) &&
      (rule.own || !isAmong(requesters, by)) &&
      (rule.withinMs === undefined || at * 1000 + rule.withinMs > wall),
  );
}

/** Why another approval by this address would not count; undefined if it would. */
export function approvalProblem(
  rule: ApprovalRule,
  by: string,
  {
    requesters,
    approvals,
  }: { readonly requesters: readonly string[]; readonly approvals: readonly Approval[] },
  workflow: Workflow,
): string | undefined {
  if (!isAllowed(workflow, rule.by, by)) return MESSAGES.notAmong(by, rule.by);
  if (!rule.own && isAmong(requesters, by)) return MESSAGES.ownRequest(by);
  return approvals.some((approval) => isSamePerson(approval.by, by))
    ? MESSAGES.approvedBefore(by)
    : undefined;
}

const isAmong = (addresses: readonly string[], by: string): boolean =>
  addresses.some((address) => isSamePerson(address, by));

/**
 * Addresses of the people who wrote hand-offs in this history: both the author that each commit names
 * and the proven one. So people cannot approve their own request by signing it as another person, or
 * by disguising it as the commit of a runner.
 */
export function requestersOf(trail: readonly Commit[], provenAddresses?: ReadonlyMap<Sha, string>): string[] {
  return readHandOffs(trail).flatMap(({ commit, isByPerson }) => {
    if (isApproval(commit, trail)) return [];
    const addresses = [isByPerson ? commit.author : undefined, provenAddresses?.get(commit.commit)];
    return addresses.flatMap((address) => (address ? [address.toLowerCase()] : []));
  });
}

/** Who approves an earlier state asks for nothing. A commit that changes a file is never only an approval. */
function isApproval({ message, parents, tree }: Commit, trail: readonly Commit[]): boolean {
  const approved = approvedCommit(message);
  const below = trail.find(({ commit }) => commit === parents[0]);
  return (
    parents.length === 1 &&
    tree !== undefined &&
    tree === below?.tree &&
    trail.some(({ commit }) => commit === approved)
  );
}

/** The authors of the approvals on top of a history. */
export function latestApprovers(trail: readonly Commit[]): string[] {
  const end = trail.findIndex(({ message }) => approvedCommit(message) === undefined);
  return trail.slice(0, Math.max(0, end)).flatMap(({ author }) => author ?? []);
}
