/**
 * Approvals: commits of people on top of a request that waits for them.
 *
 * What must hold: an approval names the full id of the request, changes no file, and counts only
 * while nothing but approvals stands between it and that request; nobody is counted twice.
 */
import type { Branch, Sha } from "./ids.ts";
import { approves, parseRequest, type Commit, type Request } from "./request.ts";
import { readSteps } from "./trail.ts";

export interface Approval {
  readonly commit: Sha;
  /** The address of who approved; a verified one where the workflow asks for signatures. */
  readonly by: string;
  /** Seconds since 1970, as the commit claims. */
  readonly at: number;
}

/** A request with the approvals above it. */
export interface Approved {
  /** The request, as if it stood at the head. */
  readonly request: Request;
  /** The commit that was approved. */
  readonly approved: Sha;
  readonly approvals: readonly Approval[];
  /** Addresses of who asked, in this line of hand-offs. */
  readonly askers: readonly string[];
}

/**
 * What approvals a head carries; undefined when it is no head of approvals. `trail` is its
 * first-parent history, newest first; `signers`, when given, are the verified addresses.
 */
export function readApprovals(
  branch: Branch,
  trail: readonly Commit[],
  signers?: ReadonlyMap<Sha, string>,
): Approved | undefined {
  const [head] = trail;
  const at = trail.findIndex(({ message }) => !approves(message));
  const below = trail[at];
  if (!head || at < 1 || !below) return undefined;
  const asked = parseRequest(branch, below);
  if (asked.kind === "none") return undefined;
  const above = trail.slice(0, at);
  const good = above.every(({ tree, parents }) => tree === below.tree && parents.length === 1);
  if (!good) return undefined;
  const approvals = above.flatMap((one): Approval[] => {
    const by = signers ? signers.get(one.commit) : one.author;
    return approves(one.message) === below.commit && by
      ? [{ commit: one.commit, by: by.toLowerCase(), at: one.committed }]
      : [];
  });
  return {
    // Taken apart, because the message of a request is read when somebody asks for it.
    request: { ...asked, commit: head.commit, message: asked.message },
    approved: below.commit,
    approvals: approvals.filter(({ by }, index) => approvals.findIndex((one) => one.by === by) === index),
    askers: askersOf(trail.slice(at)),
  };
}

/** Addresses of the people who wrote hand-offs of this line of work. */
export function askersOf(trail: readonly Commit[]): string[] {
  return readSteps(trail).flatMap(({ byHand, commit: { author } }) =>
    byHand && author ? [author.toLowerCase()] : [],
  );
}
