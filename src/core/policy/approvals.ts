/**
 * Approvals: commits of people on top of a request that waits for them.
 *
 * What must hold: an approval names the full id of the request, changes no file, and counts only
 * while nothing but approvals stands between it and that request; nobody is counted twice.
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
  /** The address of who approved; a verified one where the workflow asks for signatures. */
  readonly by: string;
  /** Seconds since 1970, as the commit claims. */
  readonly at: number;
}

/** A request with the approvals above it. */
export interface ApprovalState {
  /** The request, as if it stood at the head. */
  readonly request: Request;
  /** The commit that was approved. */
  readonly approvedCommit: Sha;
  readonly approvals: readonly Approval[];
  /** Addresses of who asked, in this line of hand-offs. */
  readonly requesters: readonly string[];
}

interface ApprovalOptions {
  /** The proven addresses, by commit; undefined: what a commit says of itself counts. */
  readonly provenAddresses?: ReadonlyMap<Sha, string> | undefined;
  /** How many commits of the trail are above the trusted branch; all when left out. */
  readonly ownCommits?: number | undefined;
  /** True where a plain commit on top of a request asks for the same again. */
  readonly canContinue?: boolean;
}

/**
 * What approvals a head carries; undefined when it is no head of approvals. `trail` is its
 * first-parent history, newest first.
 */
export function readApprovals(
  branch: Branch,
  trail: readonly Commit[],
  {
    provenAddresses: proven,
    ownCommits: own = trail.length,
    canContinue: continues = false,
  }: ApprovalOptions = {},
): ApprovalState | undefined {
  const [head] = trail;
  const at = trail.findIndex(({ message }) => !approvedCommit(message));
  const below = trail[at];
  if (!head || at < 1 || !below) return undefined;
  const asked = parseRequest(branch, below);
  const request =
    asked.kind === "request" ? asked : continues && continuedRequest(branch, trail.slice(at, own));
  if (!request) return undefined;
  const above = trail.slice(0, at);
  const good = above.every(({ tree, parents }) => tree === below.tree && parents.length === 1);
  if (!good) return undefined;
  const approvals = above.flatMap((one): Approval[] => {
    const by = proven ? proven.get(one.commit) : one.author;
    return approvedCommit(one.message) === below.commit && by
      ? [{ commit: one.commit, by: by.toLowerCase(), at: one.committed }]
      : [];
  });
  return {
    // Taken apart, because the message of a request is read when somebody asks for it.
    request: { ...request, commit: head.commit, message: request.message },
    approvedCommit: below.commit,
    approvals: approvals.filter(
      ({ by }, index) => approvals.findIndex((one) => isSamePerson(one.by, by)) === index,
    ),
    // Who wrote what the trusted branch holds may approve what comes on top of it.
    requesters: requestersOf(trail.slice(at, own > at ? own : trail.length), proven),
  };
}

/** The request that a plain commit on top of it asks for again. */
function continuedRequest(branch: Branch, [head, ...below]: readonly Commit[]): Request | undefined {
  for (const one of below) {
    const asked = parseRequest(branch, one);
    if (asked.kind === "none" && (asked.reason === "no-state" || asked.reason === "approves")) continue;
    if (!head || asked.kind === "none" || isTerminal(asked.state)) return undefined;
    return { ...asked, committed: head.committed, hops: 0, message: parseMessage(head.message) };
  }
  return undefined;
}

/** Those of the approvals that count for what is waited for. */
export function countedApprovals(
  wanted: ApprovalRule,
  { approvals, requesters }: Pick<ApprovalState, "approvals" | "requesters">,
  workflow: Workflow,
  wall: number,
): Approval[] {
  return approvals.filter(
    ({ by, at }) =>
      isAllowed(workflow, wanted.by, by) &&
      (wanted.own || !isAmong(requesters, by)) &&
      (wanted.withinMs === undefined || at * 1000 + wanted.withinMs > wall),
  );
}

/** Why a further approval by somebody would not count; undefined: it would. */
export function approvalProblem(
  wanted: ApprovalRule,
  by: string,
  {
    askers: requesters,
    before,
  }: { readonly askers: readonly string[]; readonly before: readonly Approval[] },
  workflow: Workflow,
): string | undefined {
  if (!isAllowed(workflow, wanted.by, by)) return MESSAGES.notAmong(by, wanted.by);
  if (!wanted.own && isAmong(requesters, by)) return MESSAGES.ownRequest(by);
  return before.some((one) => isSamePerson(one.by, by)) ? MESSAGES.approvedBefore(by) : undefined;
}

const isAmong = (addresses: readonly string[], by: string): boolean =>
  addresses.some((one) => isSamePerson(one, by));

/**
 * Addresses of the people who wrote hand-offs of this line of work: who a commit says, and who is
 * proven to have written it. Nobody approves their own request by signing it as another, or by
 * giving it the look of a runner's.
 */
export function requestersOf(trail: readonly Commit[], proven?: ReadonlyMap<Sha, string>): string[] {
  return readHandOffs(trail).flatMap(({ commit: { author, commit }, byHand }) =>
    [byHand ? author : undefined, proven?.get(commit)].flatMap((one) => (one ? [one.toLowerCase()] : [])),
  );
}
